import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineProto from "@pulumi/pulumi/proto/engine_pb.js";
import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import resourceGrpc from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import resourceProto from "@pulumi/pulumi/proto/resource_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import { UserError } from "../../config/errors.ts";
import { listen, newServer, unary as method } from "../../wire/grpc.ts";
import { fromStruct, toStruct } from "../../wire/struct.ts";
import { makeUrn, packageOf, STACK_TYPE } from "../../wire/urn.ts";
import { hasUnknown, revealAll } from "../../wire/values.ts";
import type { Deployment } from "./deployment.ts";
import type { Goal } from "./goal.ts";
import { runs, type Providers } from "./providers.ts";

const { RESOURCE_MONITOR_FEATURE_DELETED_WITH, RESOURCE_MONITOR_FEATURE_SECRETS } =
  resourceProto.ResourceMonitorFeature;
// The SDK asks for these once and adapts.
const FEATURES = [RESOURCE_MONITOR_FEATURE_SECRETS, RESOURCE_MONITOR_FEATURE_DELETED_WITH];
const LEVELS: Readonly<Record<number, "info" | "warning" | "error">> = {
  [engineProto.LogSeverity.INFO]: "info",
  [engineProto.LogSeverity.WARNING]: "warning",
  [engineProto.LogSeverity.ERROR]: "error",
};

export interface MonitorOptions {
  readonly deployment: Deployment;
  readonly providers: Providers;
  readonly project: string;
  readonly stack: string;
  readonly preview: boolean;
  readonly parallel: number;
  /** Ends the program after a failure: the engine would refuse all its further requests, and each would print an error. */
  readonly endProgram: () => void;
}

/** The engine's side of the SDK's protocol, on a Unix socket: the resource monitor and the engine's log. */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #server = newServer();
  #folder = "";
  /** True once the program has reported an error. */
  programFailed = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
    const unary = <Request, Response>(work: (request: Request) => Response | Promise<Response>) =>
      method(work, (error) => this.#fail(error));
    // gRPC answers the other methods with "unimplemented".
    this.#server.addService(resourceGrpc.ResourceMonitorService, {
      getDeploymentInfo: unary(() => this.#deploymentInfo()),
      registerResource: unary((request: resourceProto.RegisterResourceRequest) => this.#register(request)),
      registerResourceOutputs: unary((request: resourceProto.RegisterResourceOutputsRequest) => {
        options.deployment.registerOutputs(request.getUrn(), fromStruct(request.getOutputs()));
        return new emptyProto.Empty();
      }),
      readResource: unary((request: resourceProto.ReadResourceRequest) => this.#read(request)),
      invoke: unary((request: resourceProto.ResourceInvokeRequest) => this.#invoke(request)),
      registerPackage: unary((request: resourceProto.RegisterPackageRequest) =>
        new resourceProto.RegisterPackageResponse().setRef(request.getName()),
      ),
      signalAndWaitForShutdown: unary(() => new emptyProto.Empty()),
    });
    this.#server.addService(engineGrpc.EngineService, {
      log: unary((request: engineProto.LogRequest) => {
        this.#log(request);
        return new emptyProto.Empty();
      }),
      getRootResource: unary(() =>
        new engineProto.GetRootResourceResponse().setUrn(
          makeUrn(options.stack, options.project, "", STACK_TYPE, `${options.project}-${options.stack}`),
        ),
      ),
      setRootResource: unary(() => new engineProto.SetRootResourceResponse()),
      requirePulumiVersion: unary(() => new engineProto.RequirePulumiVersionResponse()),
    });
  }

  /** Listens on a socket that only this user can connect to; returns its address. */
  async listen(): Promise<string> {
    this.#folder = await mkdtemp(join(tmpdir(), "ai-how-"));
    const address = `unix:${join(this.#folder, "engine.sock")}`;
    await listen(this.#server, address);
    return address;
  }

  async close(): Promise<void> {
    this.#server.forceShutdown();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #deploymentInfo(): resourceProto.DeploymentInfo {
    const { project, stack, preview, parallel } = this.#options;
    return new resourceProto.DeploymentInfo()
      .setProject(project)
      .setStack(stack)
      .setOrganization("organization")
      .setDryrun(preview)
      .setParallel(parallel)
      .setSupportedfeaturesList(FEATURES);
  }

  async #register(
    request: resourceProto.RegisterResourceRequest,
  ): Promise<resourceProto.RegisterResourceResponse> {
    const { urn, id, outputs } = await this.#options.deployment.register(goalOf(request));
    return new resourceProto.RegisterResourceResponse().setUrn(urn).setId(id).setObject(toStruct(outputs));
  }

  /** `Resource.get`: reads a resource that the stack does not manage. */
  async #read(request: resourceProto.ReadResourceRequest): Promise<resourceProto.ReadResourceResponse> {
    const { deployment, providers, stack, project } = this.#options;
    const urn = makeUrn(stack, project, request.getParent(), request.getType(), request.getName());
    const response = new resourceProto.ReadResourceResponse().setUrn(urn);
    if (this.#isUnchecked(urn, request.getType())) return response.setProperties(request.getProperties());
    const handler = await providers.handler(request.getType(), request.getProvider());
    const found = await handler.read(request.getId(), undefined, deployment.work.operation(urn));
    if (found === undefined) throw new UserError(`${request.getType()} ${request.getId()} does not exist`);
    return response.setProperties(toStruct(found.state));
  }

  async #invoke(request: resourceProto.ResourceInvokeRequest): Promise<resourceProto.ResourceInvokeResponse> {
    const { deployment, providers } = this.#options;
    const token = request.getTok();
    const args = revealAll(fromStruct(request.getArgs()));
    const response = new resourceProto.ResourceInvokeResponse();
    if (this.#isUnchecked(token, token) || hasUnknown(args)) return response.setUnknown(true);
    const provider = await providers.provider(token, request.getProvider());
    if (!provider.configured) return response.setUnknown(true);
    const { result, problems } = await provider.invoke(token, args, deployment.work.operation(""));
    const failures = problems.map(({ property, reason }) =>
      new providerProto.CheckFailure().setProperty(property).setReason(reason),
    );
    return response.setReturn(toStruct(result)).setFailuresList(failures);
  }

  /** Stops the run, and reports the error unless a resource's failure was reported before. */
  #fail(error: unknown): { code: status; details: string } {
    const { deployment, endProgram } = this.#options;
    const details = error instanceof Error ? error.message : String(error);
    if (deployment.work.failure === undefined) {
      deployment.work.emit({ type: "log", urn: "", level: "error", line: details });
      deployment.work.fail(new UserError("the program failed"));
    }
    endProgram();
    return { code: status.UNAVAILABLE, details };
  }

  /** Whether this engine lacks the provider; remembers that. */
  #isUnchecked(what: string, type: string): boolean {
    if (runs(type)) return false;
    this.#options.deployment.work.unchecked.set(what, packageOf(type));
    return true;
  }

  #log(request: engineProto.LogRequest): void {
    const level = LEVELS[request.getSeverity()];
    if (level === undefined) return;
    const { deployment } = this.#options;
    if (level === "error") this.programFailed = true;
    deployment.work.emit({ type: "log", urn: request.getUrn(), level, line: request.getMessage().trimEnd() });
  }
}

function goalOf(request: resourceProto.RegisterResourceRequest): Goal {
  const [parent, provider] = [request.getParent(), request.getProvider()];
  const deletedWith = request.getDeletedwith();
  const dependencies = [...request.getPropertydependenciesMap().entries()];
  const [secrets, ignored] = [request.getAdditionalsecretoutputsList(), request.getIgnorechangesList()];
  return {
    name: request.getName(),
    resource: {
      type: request.getType(),
      custom: request.getCustom(),
      ...(parent !== "" && { parent }),
      ...(provider !== "" && { provider }),
      inputs: fromStruct(request.getObject()),
      outputs: {},
      dependencies: request.getDependenciesList(),
      propertyDependencies: Object.fromEntries(dependencies.map(([key, urns]) => [key, urns.getUrnsList()])),
      ...(secrets.length > 0 && { additionalSecretOutputs: secrets }),
      ...(request.getProtect() && { protect: true }),
      ...(deletedWith !== "" && { deletedWith }),
      ...(ignored.length > 0 && { ignoreChanges: ignored }),
    },
    remote: request.getRemote(),
    aliases: request.getAliasurnsList(),
    ...(request.getDeletebeforereplacedefined() && { deleteBeforeReplace: request.getDeletebeforereplace() }),
    unsupported: [
      ...(request.getImportid() === "" ? [] : ["import"]),
      ...(request.getRetainondelete() ? ["retainOnDelete"] : []),
      ...(ignored.some((path) => /[.[]/.test(path)) ? ["ignoreChanges of a part of an input"] : []),
      // Our provider `command` replaces on changed triggers by itself.
      ...(request.getReplaceonchangesList().some((path) => path !== "triggers[*]")
        ? ["replaceOnChanges"]
        : []),
    ],
  };
}
