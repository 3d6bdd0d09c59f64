import struct from "google-protobuf/google/protobuf/struct_pb.js";

/** A resource's properties. Unknown values are the sentinel string of `unknown.ts`, here as on the wire. */
export type Values = Record<string, unknown>;

/** Properties as they arrive from the engine. */
export function fromStruct(properties: struct.Struct | undefined): Values {
  return properties?.toJavaScript() ?? {};
}

/** Properties as the engine takes them; undefined is left out. */
export function toStruct(values: Values): struct.Struct {
  const plain = JSON.parse(JSON.stringify(values)) as Parameters<typeof struct.Struct.fromJavaScript>[0];
  return struct.Struct.fromJavaScript(plain);
}
