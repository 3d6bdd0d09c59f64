import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { Values } from "./values.ts";

/** Properties as they arrive from the engine. */
export function fromStruct(properties: struct.Struct | undefined): Values {
  return properties?.toJavaScript() ?? {};
}

/** Properties as the engine takes them; undefined is left out. */
export function toStruct(values: Readonly<Record<string, unknown>>): struct.Struct {
  const plain = JSON.parse(JSON.stringify(values)) as Parameters<typeof struct.Struct.fromJavaScript>[0];
  return struct.Struct.fromJavaScript(plain);
}
