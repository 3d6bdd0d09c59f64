import { createInterface } from "node:readline";
import { Client, credentials } from "@grpc/grpc-js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import { execa } from "execa";
import empty from "google-protobuf/google/protobuf/empty_pb.js";

/** The version that a plugin of Pulumi's gives as its own, asked as the CLI asks it: over gRPC, at the port that it prints. */
export async function pluginVersion(
  program: string,
  service: "LanguageRuntime" | "ResourceProvider",
): Promise<string> {
  // It dials the engine's address only when it has something to say.
  const child = execa(program, ["127.0.0.1:1"], { reject: false, stdin: "ignore", timeout: 60_000 });
  try {
    const { value: port } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
    if (typeof port !== "string") throw new Error(`${program} does not start: ${(await child).stderr}`);
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const info = await new Promise<plugin.PluginInfo>((resolve, reject) => {
      client.makeUnaryRequest(
        `/pulumirpc.${service}/GetPluginInfo`,
        (request: empty.Empty) => Buffer.from(request.serializeBinary()),
        (answer) => plugin.PluginInfo.deserializeBinary(answer),
        new empty.Empty(),
        (error, answer) => {
          if (answer === undefined) reject(error ?? new Error("no answer"));
          else resolve(answer);
        },
      );
    });
    client.close();
    return info.getVersion().replace(/^v/, "");
  } finally {
    child.kill();
    await child;
  }
}
