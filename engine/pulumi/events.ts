import type { EngineEvent as PulumiEvent, StepEventMetadata } from "@pulumi/pulumi/automation/events.js";
import { lossOf, type EngineEvent, type Operation, type ShownDiff, type Summary } from "../events.ts";

const OPERATIONS: Readonly<Record<string, Operation>> = {
  create: "create",
  update: "update",
  delete: "delete",
  replace: "replace",
  "create-replacement": "replace",
  same: "same",
  read: "read",
  refresh: "refresh",
};
const FOUND: Readonly<Record<string, Operation>> = { update: "refresh", delete: "forget" };
// Steps that belong to a replacement, which is told once.
const SILENT = new Set([
  "same",
  "replace",
  "delete-replaced",
  "discard-replaced",
  "read",
  "remove-pending-replace",
]);
// The name of the pack in `policy/`.
const PACK = "ai-how";
const startedAt = new Map<string, number>();

/** What Pulumi's engine calls a step, in our words; undefined for what does nothing to a resource. */
export function operationOf(op: string): Operation | undefined {
  return OPERATIONS[op];
}

/** What a display shows of one event of Pulumi's engine; in a refresh, operations are what was found, not done. */
export function translate(event: PulumiEvent, refreshing: boolean): EngineEvent[] {
  if (event.diagnosticEvent !== undefined) {
    const { message, urn } = event.diagnosticEvent;
    // The CLI sends debug messages, too, which its types leave out.
    const severity: string = event.diagnosticEvent.severity;
    if (severity === "debug") return [];
    const level = severity === "error" ? "error" : severity === "warning" ? "warning" : "info";
    return plain(message)
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => ({ type: "log", urn: urn ?? "", level, line }));
  }
  if (event.policyEvent !== undefined) {
    const { resourceUrn: urn = "", policyName: rule, message, enforcementLevel } = event.policyEvent;
    // Its first line is the policy's description.
    const lines = plain(message).trim().split("\n");
    const text = lines.slice(lines.length > 1 ? 1 : 0).join(" ");
    // In a preview ours are advisory: a violation is no failure of the preview itself.
    return enforcementLevel === "mandatory" || event.policyEvent.policyPackName === PACK
      ? [{ type: "violation", urn, rule, message: text }]
      : [{ type: "log", urn, level: "warning", line: `${rule}: ${text}` }];
  }
  if (event.resourcePreEvent !== undefined) {
    const { metadata, planning } = event.resourcePreEvent;
    const registered: EngineEvent = {
      type: "registered",
      urn: metadata.urn,
      parent: metadata.new?.parent ?? metadata.old?.parent ?? "",
    };
    const operation = OPERATIONS[metadata.op];
    if (refreshing || operation === undefined || SILENT.has(metadata.op) || operation === "refresh")
      return [registered];
    startedAt.set(metadata.urn, performance.now());
    const type = planning === true ? "planned" : "started";
    const ends = metadata.old !== undefined && (operation === "replace" || operation === "delete");
    const loss = ends ? lossOf(metadata.type, metadata.old?.inputs ?? {}) : undefined;
    return [
      registered,
      {
        ...{ type, urn: metadata.urn, operation, diffs: diffsOf(metadata), checked: true },
        ...(loss !== undefined && { loss }),
      },
    ];
  }
  if (event.resOutputsEvent !== undefined) {
    const { metadata, planning } = event.resOutputsEvent;
    if (refreshing) return refreshed(metadata);
    const operation = OPERATIONS[metadata.op];
    if (metadata.op === "refresh" && planning !== true) return refreshed(metadata);
    if (operation === undefined || SILENT.has(metadata.op) || planning === true) return [];
    const seconds = (performance.now() - (startedAt.get(metadata.urn) ?? performance.now())) / 1000;
    return [{ type: "done", urn: metadata.urn, operation, seconds }];
  }
  if (event.resOpFailedEvent !== undefined) {
    const { metadata } = event.resOpFailedEvent;
    return [
      {
        type: "failed",
        urn: metadata.urn,
        operation: OPERATIONS[metadata.op] ?? "update",
        message: metadata.op,
      },
    ];
  }
  return [];
}

/** Pulumi's counts, in our words. */
export function summaryOf(changes: Partial<Record<string, number>>, refreshing: boolean): Summary {
  const summary: Partial<Record<Operation, number>> = {};
  for (const [name, count] of Object.entries(changes)) {
    const operation = refreshing ? (FOUND[name] ?? OPERATIONS[name]) : OPERATIONS[name];
    if (operation === undefined || name === "create-replacement" || count === undefined) continue;
    summary[operation] = (summary[operation] ?? 0) + count;
  }
  return summary;
}

function refreshed(metadata: StepEventMetadata): EngineEvent[] {
  if (metadata.new === undefined || metadata.op === "delete")
    return [{ type: "planned", urn: metadata.urn, operation: "forget", diffs: [], checked: true }];
  if (metadata.op !== "update" && (metadata.diffs ?? []).length === 0) return [];
  return [
    { type: "planned", urn: metadata.urn, operation: "refresh", diffs: diffsOf(metadata), checked: true },
  ];
}

function diffsOf(metadata: StepEventMetadata): ShownDiff[] {
  const detailed = Object.entries(metadata.detailedDiff ?? {}).map(([path, { diffKind }]): ShownDiff => ({
    path,
    kind: diffKind.startsWith("add") ? "add" : diffKind.startsWith("delete") ? "delete" : "update",
    replaces: diffKind.endsWith("-replace"),
  }));
  if (detailed.length > 0) return detailed;
  return (metadata.diffs ?? []).map((path) => ({ path, kind: "update", replaces: false }));
}

/** The text without Pulumi's colour directives, `<{%reset%}>`. */
function plain(message: string): string {
  return message.replaceAll(/<\{%[^%]*%\}>/g, "");
}
