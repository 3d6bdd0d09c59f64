import { styleText } from "node:util";
import type { EngineEvent, Listener, Operation, ShownDiff, Summary } from "./events.ts";
import { nameOf, typeOf } from "../wire/urn.ts";

const WORDS = {
  same: { symbol: " ", colour: "dim", verb: "keep", doing: "", done: "unchanged" },
  create: { symbol: "+", colour: "green", verb: "create", doing: "creating", done: "created" },
  update: { symbol: "~", colour: "yellow", verb: "update", doing: "updating", done: "updated" },
  replace: { symbol: "±", colour: "magenta", verb: "replace", doing: "replacing", done: "replaced" },
  delete: { symbol: "-", colour: "red", verb: "delete", doing: "deleting", done: "deleted" },
  refresh: { symbol: "≠", colour: "yellow", verb: "record", doing: "", done: "changed outside" },
  forget: { symbol: "∅", colour: "red", verb: "recreate", doing: "", done: "gone" },
  read: { symbol: ">", colour: "cyan", verb: "read", doing: "", done: "read" },
} as const satisfies Readonly<Record<Operation, object>>;
const STILL_SECONDS = 10;
/** The note on a resource that no provider has checked. */
export const UNCHECKED = "not checked by its provider";

type Step = Pick<
  Extract<EngineEvent, { type: "planned" | "started" }>,
  "operation" | "diffs" | "checked" | "loss"
>;

export interface DisplayOptions {
  readonly write: (text: string) => void;
  readonly colour: boolean;
  readonly preview: boolean;
}

/** Prints one line per event, the same in a terminal and in a pipe, then the tree and the totals. */
export class Display {
  readonly #options: DisplayOptions;
  readonly #operations = new Map<string, Step>();
  readonly #children = new Map<string, string[]>();
  readonly #since = new Map<string, number>();
  readonly #start = performance.now();
  readonly #timer: NodeJS.Timeout;
  #lastLine = performance.now();

  constructor(options: DisplayOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      this.#stillAtWork();
    }, 1000);
    this.#timer.unref();
  }

  readonly listen: Listener = (event) => {
    switch (event.type) {
      case "registered":
        this.#children.set(event.parent, [...(this.#children.get(event.parent) ?? []), event.urn]);
        return;
      case "planned":
        this.#operations.set(event.urn, event);
        if (!this.#options.preview || event.operation === "refresh" || event.operation === "forget") {
          this.#operation(event.urn, event.operation, WORDS[event.operation].done);
        }
        if (!this.#options.preview || event.operation === "refresh") {
          for (const diff of event.diffs) this.#diff(diff);
        }
        return;
      case "started":
        this.#operations.set(event.urn, event);
        this.#since.set(event.urn, performance.now());
        this.#operation(event.urn, event.operation, withLoss(WORDS[event.operation].doing, event.loss));
        for (const diff of event.diffs) this.#diff(diff);
        return;
      case "done": {
        const entry = this.#operations.get(event.urn);
        this.#operations.set(event.urn, {
          operation: event.operation,
          diffs: entry?.diffs ?? [],
          checked: true,
        });
        this.#since.delete(event.urn);
        this.#operation(
          event.urn,
          event.operation,
          `${WORDS[event.operation].done} (${event.seconds.toFixed(1)} s)`,
        );
        return;
      }
      case "failed":
        this.#since.delete(event.urn);
        this.#line(this.#style("red", `✗ ${label(event.urn)}: ${event.message}`));
        return;
      case "violation":
        this.#line(this.#style("red", `✗ ${label(event.urn)}: ${event.rule}: ${event.message}`));
        return;
      case "log":
        this.#log(event);
    }
  };

  /** Prints a preview's tree and the totals. */
  finish(summary: Summary, failed: boolean): void {
    clearInterval(this.#timer);
    if (this.#options.preview && !failed) this.#tree();
    const seconds = ((performance.now() - this.#start) / 1000).toFixed(1);
    const parts = Object.entries(summary)
      .filter(([operation, count]) => operation !== "same" && operation !== "read" && count > 0)
      .map(([operation, count]) => {
        const { symbol, colour, verb, done } = WORDS[operation as Operation];
        return this.#style(colour, `${symbol} ${count} ${this.#options.preview ? `to ${verb}` : done}`);
      });
    const same = summary.same ?? 0;
    const changes = parts.length > 0 ? parts.join(", ") : "no changes";
    if (!failed) this.#line(`${changes}; ${same} unchanged; ${seconds} s`);
  }

  #operation(urn: string, operation: Operation, text: string): void {
    this.#line(`${this.#symbol(operation)} ${label(urn)} ${text}`);
  }

  #diff({ path, kind, was, is, replaces }: ShownDiff, depth = 0): void {
    const sign = { add: "+", delete: "-", update: "~" }[kind];
    const values = [was, is].filter((value) => value !== undefined).join(" -> ");
    const change = `${sign} ${path}${values === "" ? "" : `: ${values}`}`;
    this.#line(this.#style("dim", `${"  ".repeat(depth + 2)}${change}${replaces ? "  (replaces)" : ""}`));
  }

  #log(event: Extract<EngineEvent, { type: "log" }>): void {
    const prefix = event.urn === "" ? "" : `${nameOf(event.urn)}: `;
    const text = `  ${prefix}${event.line}`;
    if (event.level === "info") this.#line(this.#style("dim", text));
    else this.#line(this.#style(event.level === "error" ? "red" : "yellow", text));
  }

  #tree(): void {
    const show = (urn: string, depth: number): void => {
      const entry = this.#operations.get(urn);
      const symbol = entry === undefined ? " " : this.#symbol(entry.operation);
      const loss = entry?.loss === undefined ? "" : this.#style("red", `: ${entry.loss}`);
      const note = entry?.checked === false ? this.#style("dim", `: ${UNCHECKED}`) : "";
      this.#line(`${symbol} ${"  ".repeat(depth)}${label(urn)}${loss}${note}`);
      for (const diff of entry?.diffs ?? []) this.#diff(diff, depth);
      for (const child of this.#children.get(urn) ?? []) show(child, depth + 1);
    };
    for (const urn of this.#children.get("") ?? []) show(urn, 0);
  }

  #stillAtWork(): void {
    const quiet = (performance.now() - this.#lastLine) / 1000;
    if (quiet < STILL_SECONDS || this.#since.size === 0) return;
    const names = [...this.#since].map(
      ([urn, since]) => `${nameOf(urn)} ${Math.round((performance.now() - since) / 1000)} s`,
    );
    this.#line(this.#style("dim", `  … ${names.join(", ")}`));
  }

  #symbol(operation: Operation): string {
    return this.#style(WORDS[operation].colour, WORDS[operation].symbol);
  }

  #line(text: string): void {
    this.#lastLine = performance.now();
    this.#options.write(`${text}\n`);
  }

  #style(style: Parameters<typeof styleText>[0], text: string): string {
    return this.#options.colour ? styleText(style, text, { validateStream: false }) : text;
  }
}

function label(urn: string): string {
  const type = typeOf(urn).split(":").at(-1) ?? "";
  return `${type} ${nameOf(urn)}`;
}

function withLoss(text: string, loss: string | undefined): string {
  return loss === undefined ? text : `${text}: ${loss}`;
}
