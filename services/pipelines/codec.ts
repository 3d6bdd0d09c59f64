import { deflateSync, inflateSync } from "node:zlib";
import type { DataConverter, Payload, PayloadCodec } from "@temporalio/common";
import proto from "@temporalio/proto";

// The payloads have the same form as those of the Go SDK's zlib codec.
const ENCODING = "binary/zlib";
// Smaller payloads stay readable in Temporal's own page and command.
const SMALLEST_BYTES = 64 * 1024;
// Even the fastest level shrinks the repetitive plans and results to a tenth.
const LEVEL = 1;

const message = proto.temporal.api.common.v1.Payload;

/** Compresses large payloads: Temporal limits a payload to 2 MiB, and the results of 2,000 steps exceed it. */
class ZlibCodec implements PayloadCodec {
  encode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.resolve(payloads.map(compressed));
  }

  decode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.resolve(payloads.map(decompressed));
  }
}

/** For every client and worker of pipelines. */
export const dataConverter: DataConverter = { payloadCodecs: [new ZlibCodec()] };

/** Compresses a payload if it is large. */
export function compressed(payload: Payload): Payload {
  if ((payload.data?.length ?? 0) < SMALLEST_BYTES) return payload;
  return {
    metadata: { encoding: Buffer.from(ENCODING) },
    data: deflateSync(message.encode(payload).finish(), { level: LEVEL }),
  };
}

/** The inverse of `compressed`. */
export function decompressed(payload: Payload): Payload {
  const { metadata, data } = payload;
  if (data == null || Buffer.from(metadata?.encoding ?? []).toString() !== ENCODING) return payload;
  return message.decode(inflateSync(data));
}
