import { randomBytes } from "node:crypto";
import { defaultPayloadConverter } from "@temporalio/common";
import { describe, expect, it } from "vitest";
import { compressed, dataConverter, decompressed } from "../../../services/pipelines/codec.ts";
import { RunHistory } from "../../../services/pipelines/web/history.ts";
import { readHistory } from "../../support/histories.ts";

const [codec] = dataConverter.payloadCodecs ?? [];
const large = {
  steps: Array.from({ length: 2000 }, (_, index) => ({ id: `s${index}`, text: "one\ntwo\n".repeat(50) })),
};

describe("payloads", () => {
  it("that are large are a fraction of it in Temporal, and the same again afterwards", async () => {
    const payload = defaultPayloadConverter.toPayload(large);
    const [sent = {}] = (await codec?.encode([payload])) ?? [];
    expect(sent.data?.length).toBeLessThan((payload.data?.length ?? 0) / 10);
    expect(Buffer.from(sent.metadata?.encoding ?? []).toString()).toBe("binary/zlib");
    const [got = {}] = (await codec?.decode([sent])) ?? [];
    expect(defaultPayloadConverter.fromPayload(got)).toEqual(large);
  });

  it("that are small are as anybody can read them, and those of others are left alone", () => {
    const small = defaultPayloadConverter.toPayload({ word: "hello" });
    expect(compressed(small)).toBe(small);
    expect(decompressed(small)).toBe(small);
    const other = { metadata: { encoding: Buffer.from("binary/encrypted") }, data: randomBytes(100_000) };
    expect(decompressed(other)).toBe(other);
    expect(decompressed({})).toEqual({});
  });

  it("that are compressed are read by the page", () => {
    const [begin, ...rest] = readHistory("order").events;
    const input = begin?.workflowExecutionStartedEventAttributes?.input;
    const plan = defaultPayloadConverter.fromPayload<{ plan: { steps: object[] } }>(
      input?.payloads?.[0] ?? {},
    );
    plan.plan.steps = plan.plan.steps.map((step) => ({ ...step, note: "x".repeat(100_000) }));
    const payload = compressed(defaultPayloadConverter.toPayload(plan));
    if (input == null) throw new Error("a run without a plan");
    input.payloads = [payload];
    const history = new RunHistory("order", "run");
    history.add([begin ?? {}, ...rest]);
    expect(history.isPipeline).toBe(true);
    expect(history.size).toBe(7);
  });
});
