import { deflateSync, inflateSync } from "node:zlib";
import type { DataConverter, Payload, PayloadCodec } from "@temporalio/common";
import proto from "@temporalio/proto";

// The name that the codec of Temporal's SDK for Go goes by, whose payloads are the same.
const ENCODING = "binary/zlib";
// Below that, Temporal's own page and command show what is in a history.
const SMALLEST_BYTES = 64 * 1024;
// Plans and results repeat themselves: the fastest makes a tenth of them, too.
const LEVEL = 1;

const message = proto.temporal.api.common.v1.Payload;

/** Compresses what is large: Temporal takes 2 MiB a payload, and the results of 2,000 steps are more. */
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

/** A payload as Temporal gets it. */
export function compressed(payload: Payload): Payload {
  if ((payload.data?.length ?? 0) < SMALLEST_BYTES) return payload;
  return {
    metadata: { encoding: Buffer.from(ENCODING) },
    data: deflateSync(message.encode(payload).finish(), { level: LEVEL }),
  };
}

/** A payload as it was before that. */
export function decompressed(payload: Payload): Payload {
  const { metadata, data } = payload;
  if (data == null || Buffer.from(metadata?.encoding ?? []).toString() !== ENCODING) return payload;
  return message.decode(inflateSync(data));
}
