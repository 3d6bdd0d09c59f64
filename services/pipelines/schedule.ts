import type { Step } from "./plan/index.ts";

/** How a step ended. `cancelled`: the pipeline was cancelled or failed before the step ended. */
export type StepState = "success" | "failed" | "skipped" | "cancelled";

/** The parts of a step that decide when it runs. */
export interface Scheduled {
  readonly id: string;
  readonly dependsOn: readonly string[];
  readonly when?: Step["when"] | undefined;
}

/** What follows from the start of the pipeline or the end of a step. */
export interface Decisions<S extends Scheduled = Step> {
  /** Steps to start now, in the order of the plan. */
  readonly run: readonly S[];
  /** Steps that will never run, and why. */
  readonly skip: readonly { readonly id: string; readonly reason: string }[];
}

/**
 * Decides when steps run: each as soon as its dependencies have ended, at most `maxParallel` at a time. Deterministic, so
 * that Temporal can replay a history.
 */
export class Schedule<S extends Scheduled = Step> {
  readonly #steps: readonly S[];
  readonly #limit: number;
  readonly #positions: ReadonlyMap<string, number>;
  /** For each step, the positions of its dependents. */
  readonly #dependents: readonly (readonly number[])[];
  /** For each step, the number of dependencies that have not ended. */
  readonly #waiting: number[];
  readonly #states = new Map<string, StepState>();
  /** Positions of steps that wait only for `maxParallel`, in the order of the plan. */
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

  /** Whether every step has ended or was skipped. */
  get isOver(): boolean {
    return this.#states.size === this.#steps.length;
  }

  stateOf(id: string): StepState | undefined {
    return this.#states.get(id);
  }

  /** The steps that start first. */
  start(): Decisions<S> {
    return this.#decide(
      this.#steps.flatMap((_, position) => (this.#waiting[position] === 0 ? [position] : [])),
    );
  }

  /** Records the end of a started step. */
  finish(id: string, state: Exclude<StepState, "skipped">): Decisions<S> {
    this.#running -= 1;
    return this.#decide(this.#conclude(this.#positionOf(id), state));
  }

  /** Starts no more steps; returns those that never started, in the order of the plan. */
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

  /** Records an end; returns the positions of steps whose dependencies have all ended. */
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

  /** Why a step is skipped although its dependencies have ended, in the documented words. */
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
