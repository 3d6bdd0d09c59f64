import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { Values } from "./values.ts";

/** Properties from a message of the engine. */
export function fromStruct(properties: struct.Struct | undefined): Values {
  return properties?.toJavaScript() ?? {};
}

/** Properties for a message to the engine, without undefined ones. */
export function toStruct(values: Readonly<Record<string, unknown>>): struct.Struct {
  const plain = JSON.parse(JSON.stringify(values)) as Parameters<typeof struct.Struct.fromJavaScript>[0];
  return struct.Struct.fromJavaScript(plain);
}
