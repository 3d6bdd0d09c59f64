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
// Not reported: resources without a change, and the parts of a replacement, which is reported once.
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

/** Our name for a step of Pulumi's engine; undefined for steps that do not change a resource. */
export function operationOf(op: string): Operation | undefined {
  return OPERATIONS[op];
}

/** Translates an event of Pulumi's engine. In a refresh its operations are differences that it found. */
export function translate(event: PulumiEvent, refreshing: boolean): EngineEvent[] {
  if (event.diagnosticEvent !== undefined) {
    const { message, urn } = event.diagnosticEvent;
    // The CLI also sends "debug", which its types lack.
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
    // The first line is the policy's description.
    const lines = plain(message).trim().split("\n");
    const text = lines.slice(lines.length > 1 ? 1 : 0).join(" ");
    // Our pack is advisory in previews, so that a violation does not fail them.
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
    const { urn, op } = event.resOpFailedEvent.metadata;
    return [{ type: "failed", urn, operation: OPERATIONS[op] ?? "update", message: op }];
  }
  return [];
}

/** Pulumi's counts by our names of operations. */
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
  const planned = { type: "planned", urn: metadata.urn, checked: true } as const;
  if (metadata.new === undefined || metadata.op === "delete")
    return [{ ...planned, operation: "forget", diffs: [] }];
  if (metadata.op !== "update" && (metadata.diffs ?? []).length === 0) return [];
  return [{ ...planned, operation: "refresh", diffs: diffsOf(metadata) }];
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

/** Removes Pulumi's colour directives, for example `<{%reset%}>`. */
function plain(message: string): string {
  return message.replaceAll(/<\{%[^%]*%\}>/g, "");
}
