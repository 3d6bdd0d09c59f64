import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { credentials } from "@grpc/grpc-js";
import services from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/analyzer_pb.js";
import structProto from "google-protobuf/google/protobuf/struct_pb.js";
import type { StackResource } from "../../engine/engine.ts";
import { nameOf } from "../../wire/urn.ts";
import type { Values } from "../../wire/values.ts";
import { POLICY_PACK } from "../../engine/policies.ts";

/** The policy pack in a process of its own, as Pulumi's CLI starts it and talks to it. */
export class PolicyPack {
  readonly #client: InstanceType<typeof services.AnalyzerClient>;
  readonly #end: () => Promise<void>;

  private constructor(client: InstanceType<typeof services.AnalyzerClient>, end: () => Promise<void>) {
    this.#client = client;
    this.#end = end;
  }

  static async start(): Promise<PolicyPack> {
    const runner = createRequire(import.meta.url).resolve("@pulumi/pulumi/cmd/run-policy-pack/index.js");
    const child = spawn(process.execPath, [runner, "127.0.0.1:1", join(POLICY_PACK, "index.js")], {
      cwd: POLICY_PACK,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "exit");
    const port = await Promise.race([
      once(createInterface({ input: child.stdout }), "line").then(([line]) => Number(line)),
      ended.then(() => {
        throw new Error("the policy pack ended before it served");
      }),
    ]);
    const client = new services.AnalyzerClient(`127.0.0.1:${port}`, credentials.createInsecure());
    return new PolicyPack(client, async () => {
      client.close();
      child.kill();
      await ended;
    });
  }

  /** What the rules find, `policy: message`. */
  async analyze({ urn, type, inputs, protect }: StackResource): Promise<string[]> {
    const request = new messages.AnalyzeRequest();
    request.setUrn(urn);
    request.setType(type);
    request.setName(nameOf(urn));
    request.setProperties(structOf(inputs));
    request.setOptions(optionsOf(protect));
    return this.#call((done) => this.#client.analyze(request, done));
  }

  /** Names of the policies that nothing but `--policy-pack-config` switches off. */
  async mandatory(): Promise<string[]> {
    const { Empty } = await import("google-protobuf/google/protobuf/empty_pb.js");
    return new Promise((resolve, reject) => {
      this.#client.getAnalyzerInfo(new Empty(), (error, info) => {
        if (error !== null) reject(error);
        else {
          const all = info.getPoliciesList();
          resolve(
            all
              .filter((policy) => policy.getEnforcementlevel() === messages.EnforcementLevel.MANDATORY)
              .map((policy) => policy.getName()),
          );
        }
      });
    });
  }

  end(): Promise<void> {
    return this.#end();
  }

  #call(
    call: (done: (error: Error | null, response: messages.AnalyzeResponse) => void) => unknown,
  ): Promise<string[]> {
    return new Promise((resolve, reject) => {
      call((error, response) => {
        if (error !== null) reject(error);
        else {
          const found = response.getDiagnosticsList();
          resolve(
            found.map((each) => `${each.getPolicyname()}: ${each.getMessage().split("\n").at(-1) ?? ""}`),
          );
        }
      });
    });
  }
}

function structOf(values: Values): structProto.Struct {
  return structProto.Struct.fromJavaScript(values);
}

function optionsOf(protect = false): messages.AnalyzerResourceOptions {
  const options = new messages.AnalyzerResourceOptions();
  options.setProtect(protect);
  return options;
}
