import type { Step } from "./plan/index.ts";

/** How a step ended. `cancelled` is ours: it ran, or was to run, when the pipeline was cancelled or failed. */
export type StepState = "success" | "failed" | "skipped" | "cancelled";

/** What decides when a step runs. */
export interface Scheduled {
  readonly id: string;
  readonly dependsOn: readonly string[];
  readonly when?: Step["when"] | undefined;
}

/** What the end of a step, or the beginning, sets off. */
export interface Decisions<S extends Scheduled = Step> {
  /** Steps that begin now, in the order of the plan. */
  readonly run: readonly S[];
  /** Steps that never will, and why. */
  readonly skip: readonly { readonly id: string; readonly reason: string }[];
}

/**
 * Decides which steps run when: each as soon as what it depends on is over, at most `maxParallel` at a time. Looks at no
 * clock and at nothing whose order could differ, so that a history replays.
 */
export class Schedule<S extends Scheduled = Step> {
  readonly #steps: readonly S[];
  readonly #limit: number;
  readonly #positions: ReadonlyMap<string, number>;
  /** For each step the positions of those that wait for it. */
  readonly #dependents: readonly (readonly number[])[];
  /** For each step how many of its dependencies are not over. */
  readonly #waiting: number[];
  readonly #states = new Map<string, StepState>();
  /** Positions of steps that could run and have no place yet, in the order of the plan. */
  readonly #ready: number[] = [];
  readonly #begun = new Set<number>();
  #running = 0;
  #stopped = false;

  constructor({
    steps,
    maxParallel,
  }: {
    readonly steps: readonly S[];
    readonly maxParallel?: number | undefined;
  }) {
    this.#steps = steps;
    this.#limit = maxParallel ?? Number.POSITIVE_INFINITY;
    this.#positions = new Map(steps.map(({ id }, position) => [id, position]));
    const dependents: number[][] = steps.map(() => []);
    this.#waiting = steps.map(({ dependsOn }, position) => {
      for (const id of dependsOn) dependents[this.#positionOf(id)]?.push(position);
      return dependsOn.length;
    });
    this.#dependents = dependents;
  }

  /** Whether every step is over. */
  get isOver(): boolean {
    return this.#states.size === this.#steps.length;
  }

  stateOf(id: string): StepState | undefined {
    return this.#states.get(id);
  }

  /** What begins at once. */
  start(): Decisions<S> {
    return this.#decide(
      this.#steps.flatMap((_, position) => (this.#waiting[position] === 0 ? [position] : [])),
    );
  }

  /** Takes note of the end of a step that was told to run. */
  finish(id: string, state: Exclude<StepState, "skipped">): Decisions<S> {
    this.#running -= 1;
    return this.#decide(this.#conclude(this.#positionOf(id), state));
  }

  /** Nothing begins any more; returns the steps that never began, in the order of the plan. */
  stop(): readonly S[] {
    this.#stopped = true;
    this.#ready.length = 0;
    return this.#steps.filter(({ id }, position) => !this.#states.has(id) && !this.#begun.has(position));
  }

  #positionOf(id: string): number {
    const position = this.#positions.get(id);
    if (position === undefined) throw new RangeError(`${id} is no step of the plan`);
    return position;
  }

  /** Records an end; returns the positions of steps that wait for nothing any more. */
  #conclude(position: number, state: StepState): number[] {
    const step = this.#steps[position];
    if (step === undefined) return [];
    this.#states.set(step.id, state);
    return (this.#dependents[position] ?? []).filter((dependent) => {
      const left = (this.#waiting[dependent] ?? 0) - 1;
      this.#waiting[dependent] = left;
      return left === 0;
    });
  }

  #decide(positions: readonly number[]): Decisions<S> {
    const skip: { id: string; reason: string }[] = [];
    const open = [...positions];
    for (let position = open.shift(); position !== undefined; position = open.shift()) {
      const step = this.#steps[position];
      if (step === undefined || this.#stopped) continue;
      const reason = this.#skipReason(step);
      if (reason === undefined) this.#ready.push(position);
      else {
        skip.push({ id: step.id, reason });
        open.push(...this.#conclude(position, "skipped"));
      }
    }
    this.#ready.sort((a, b) => a - b);
    const run: S[] = [];
    while (this.#running < this.#limit) {
      const position = this.#ready.shift();
      const step = position === undefined ? undefined : this.#steps[position];
      if (position === undefined || step === undefined) break;
      this.#running += 1;
      this.#begun.add(position);
      run.push(step);
    }
    return { run, skip };
  }

  /** Why a step whose dependencies are all over does not run; the documented words. */
  #skipReason({ dependsOn, when }: S): string | undefined {
    if (when !== undefined) {
      const state = this.#states.get(when.step);
      const wanted = when.status === "failure" ? "failed" : "success";
      return state === wanted ? undefined : `when condition not met: ${when.step} is ${state ?? "unknown"}`;
    }
    const bad = dependsOn.find((id) => this.#states.get(id) !== "success");
    return bad === undefined ? undefined : `dependency ${bad} did not succeed`;
  }
}
