import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials, status, type handleUnaryCall } from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineProto from "@pulumi/pulumi/proto/engine_pb.js";
import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import resourceGrpc from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import resourceProto from "@pulumi/pulumi/proto/resource_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import { UserError } from "../../config/errors.ts";
import { fromStruct, toStruct } from "../../wire/struct.ts";
import { makeUrn, packageOf, STACK_TYPE } from "../../wire/urn.ts";
import { hasUnknown, revealAll } from "../../wire/values.ts";
import type { Deployment } from "./deployment.ts";
import type { Goal } from "./goal.ts";
import { runs, type Providers } from "./providers.ts";

const { RESOURCE_MONITOR_FEATURE_DELETED_WITH, RESOURCE_MONITOR_FEATURE_SECRETS } =
  resourceProto.ResourceMonitorFeature;
// What this monitor understands; the SDK asks once and adapts.
const FEATURES = [RESOURCE_MONITOR_FEATURE_SECRETS, RESOURCE_MONITOR_FEATURE_DELETED_WITH];
const LEVELS: Readonly<Record<number, "info" | "warning" | "error">> = {
  [engineProto.LogSeverity.INFO]: "info",
  [engineProto.LogSeverity.WARNING]: "warning",
  [engineProto.LogSeverity.ERROR]: "error",
};
// The SDK closes its connection at the first resource that fails, and then says so for each that the program goes on to.
const AFTERMATH = "14 UNAVAILABLE";

export interface MonitorOptions {
  readonly deployment: Deployment;
  readonly providers: Providers;
  readonly project: string;
  readonly stack: string;
  readonly preview: boolean;
  readonly parallel: number;
  readonly signal: AbortSignal;
}

/** The engine's side of the SDK's protocol, on a Unix socket: the resource monitor and the engine's log. */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #server = new Server({ "grpc.max_receive_message_length": -1 });
  #folder = "";
  /** True once the program itself has reported an error: its exit code says nothing new then. */
  programFailed = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
    // A method that is missing here is answered as unimplemented.
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

  /** Listens where only this user can connect; returns the address. */
  async listen(): Promise<string> {
    this.#folder = await mkdtemp(join(tmpdir(), "ai-how-"));
    const address = `unix:${join(this.#folder, "engine.sock")}`;
    await new Promise<void>((resolve, reject) => {
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
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

  /** `Resource.get`: looks, and manages nothing. */
  async #read(request: resourceProto.ReadResourceRequest): Promise<resourceProto.ReadResourceResponse> {
    const { deployment, providers, stack, project } = this.#options;
    const urn = makeUrn(stack, project, request.getParent(), request.getType(), request.getName());
    const response = new resourceProto.ReadResourceResponse().setUrn(urn);
    if (this.#isUnchecked(urn, request.getType())) return response.setProperties(request.getProperties());
    const handler = await providers.handler(request.getType(), request.getProvider());
    const found = await handler.read(request.getId(), undefined, deployment.operation(urn));
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
    const { result, problems } = await provider.invoke(token, args, deployment.operation(""));
    const failures = problems.map(({ property, reason }) =>
      new providerProto.CheckFailure().setProperty(property).setReason(reason),
    );
    return response.setReturn(toStruct(result)).setFailuresList(failures);
  }

  /** Whether another engine would have to answer. */
  #isUnchecked(what: string, type: string): boolean {
    if (runs(type)) return false;
    this.#options.deployment.unchecked.set(what, packageOf(type));
    return true;
  }

  #log(request: engineProto.LogRequest): void {
    const level = LEVELS[request.getSeverity()];
    if (level === undefined) return;
    const { deployment } = this.#options;
    if (deployment.failure !== undefined && request.getMessage().includes(AFTERMATH)) return;
    if (level === "error") this.programFailed = true;
    deployment.emit({ type: "log", urn: request.getUrn(), level, line: request.getMessage().trimEnd() });
  }
}

/** A method of one request. Its failures have been told already: by this code the SDK ends the program without a word. */
function unary<Request, Response>(
  work: (request: Request) => Response | Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const answer = async () => work(call.request);
    answer().then(
      (response) => {
        callback(null, response);
      },
      (error: unknown) => {
        callback({
          code: status.UNAVAILABLE,
          details: error instanceof Error ? error.message : String(error),
        });
      },
    );
  };
}

function goalOf(request: resourceProto.RegisterResourceRequest): Goal {
  const deletedWith = request.getDeletedwith();
  const importId = request.getImportid();
  return {
    type: request.getType(),
    name: request.getName(),
    custom: request.getCustom(),
    remote: request.getRemote(),
    parent: request.getParent(),
    inputs: fromStruct(request.getObject()),
    provider: request.getProvider(),
    dependencies: request.getDependenciesList(),
    propertyDependencies: Object.fromEntries(
      [...request.getPropertydependenciesMap().entries()].map(([key, urns]) => [key, urns.getUrnsList()]),
    ),
    ignoreChanges: request.getIgnorechangesList(),
    replaceOnChanges: request.getReplaceonchangesList(),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    aliases: request.getAliasurnsList(),
    ...(request.getDeletebeforereplacedefined() && { deleteBeforeReplace: request.getDeletebeforereplace() }),
    ...(request.getProtect() && { protect: true }),
    ...(request.getRetainondelete() && { retainOnDelete: true }),
    ...(deletedWith !== "" && { deletedWith }),
    ...(importId !== "" && { importId }),
  };
}
