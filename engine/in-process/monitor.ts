import grpc from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineProto from "@pulumi/pulumi/proto/engine_pb.js";
import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import resourceGrpc from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import resourceProto from "@pulumi/pulumi/proto/resource_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import structProto from "google-protobuf/google/protobuf/struct_pb.js";
import type { Deployment, Goal } from "./deployment.ts";
import { packageOf, type Handlers } from "./handlers/index.ts";
import { makeUrn } from "./urn.ts";
import { hasUnknown, revealAll, type Values } from "./values.ts";

type Unary<Request, Response> = grpc.handleUnaryCall<Request, Response>;

// What this monitor understands; the SDK asks once and adapts.
const FEATURES = [
  resourceProto.ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_SECRETS,
  resourceProto.ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
];
const FEATURE_NAMES = ["secrets", "deletedWith"];
const MAX_MESSAGE = 400 * 1024 * 1024;

export interface MonitorOptions {
  readonly deployment: Deployment;
  readonly handlers: Handlers;
  readonly project: string;
  readonly stack: string;
  readonly preview: boolean;
  readonly parallel: number;
  readonly signal: AbortSignal;
}

/** The engine's side of the SDK's protocol, on a loopback port: the resource monitor and the engine's log. */
export class Monitor {
  readonly #server: grpc.Server;
  readonly #options: MonitorOptions;
  #root = "";
  /** True once the program itself has reported an error: its exit code says nothing new then. */
  programFailed = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#server = new grpc.Server({
      "grpc.max_receive_message_length": MAX_MESSAGE,
      "grpc.max_send_message_length": MAX_MESSAGE,
    });
    this.#server.addService(resourceGrpc.ResourceMonitorService, {
      supportsFeature: unary((request: resourceProto.SupportsFeatureRequest) => {
        const response = new resourceProto.SupportsFeatureResponse();
        response.setHassupport(FEATURE_NAMES.includes(request.getId()));
        return Promise.resolve(response);
      }),
      getDeploymentInfo: unary(() => Promise.resolve(this.#deploymentInfo())),
      registerResource: unary((request: resourceProto.RegisterResourceRequest) => this.#register(request)),
      registerResourceOutputs: unary((request: resourceProto.RegisterResourceOutputsRequest) => {
        const outputs = request.getOutputs()?.toJavaScript() ?? {};
        this.#options.deployment.registerOutputs(request.getUrn(), outputs);
        return Promise.resolve(new emptyProto.Empty());
      }),
      readResource: unary((request: resourceProto.ReadResourceRequest) => this.#read(request)),
      invoke: unary((request: resourceProto.ResourceInvokeRequest) => this.#invoke(request)),
      registerPackage: unary((request: resourceProto.RegisterPackageRequest) => {
        const response = new resourceProto.RegisterPackageResponse();
        response.setRef(request.getName());
        return Promise.resolve(response);
      }),
      signalAndWaitForShutdown: unary(() => Promise.resolve(new emptyProto.Empty())),
      call: unsupported("call"),
      registerStackTransform: unsupported("registerStackTransform"),
      registerStackInvokeTransform: unsupported("registerStackInvokeTransform"),
      registerResourceHook: unsupported("registerResourceHook"),
      registerErrorHook: unsupported("registerErrorHook"),
    });
    this.#server.addService(engineGrpc.EngineService, {
      log: unary((request: engineProto.LogRequest) => {
        this.#log(request);
        return Promise.resolve(new emptyProto.Empty());
      }),
      getRootResource: unary(() => {
        const response = new engineProto.GetRootResourceResponse();
        response.setUrn(this.#root);
        return Promise.resolve(response);
      }),
      setRootResource: unary((request: engineProto.SetRootResourceRequest) => {
        this.#root = request.getUrn();
        return Promise.resolve(new engineProto.SetRootResourceResponse());
      }),
      startDebugging: unsupported("startDebugging"),
      requirePulumiVersion: unary(() => Promise.resolve(new engineProto.RequirePulumiVersionResponse())),
    });
  }

  /** Listens on a free loopback port; returns the address. */
  async listen(): Promise<string> {
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    return `127.0.0.1:${port}`;
  }

  close(): void {
    this.#server.forceShutdown();
  }

  #deploymentInfo(): resourceProto.DeploymentInfo {
    const { project, stack, preview, parallel } = this.#options;
    const info = new resourceProto.DeploymentInfo();
    info.setProject(project);
    info.setStack(stack);
    info.setOrganization("organization");
    info.setDryrun(preview);
    info.setParallel(parallel);
    info.setSupportedfeaturesList(FEATURES);
    return info;
  }

  async #register(
    request: resourceProto.RegisterResourceRequest,
  ): Promise<resourceProto.RegisterResourceResponse> {
    const registered = await this.#options.deployment.register(goalOf(request));
    const response = new resourceProto.RegisterResourceResponse();
    response.setUrn(registered.urn);
    response.setId(registered.id);
    response.setObject(structProto.Struct.fromJavaScript(registered.outputs));
    return response;
  }

  /** `Resource.get`: looks, and manages nothing. */
  async #read(request: resourceProto.ReadResourceRequest): Promise<resourceProto.ReadResourceResponse> {
    const { deployment, handlers, stack, project, signal } = this.#options;
    const urn = makeUrn(stack, project, request.getParent(), request.getType(), request.getName());
    const handler = await handlers.handler(request.getType(), request.getProvider());
    const log = (line: string): void => {
      deployment.emit({ type: "log", urn, level: "info", line });
    };
    const found = await handler.read(request.getId(), undefined, { urn, signal, log });
    if (found === undefined) throw new Error(`${request.getType()} ${request.getId()} does not exist`);
    const response = new resourceProto.ReadResourceResponse();
    response.setUrn(urn);
    response.setProperties(structProto.Struct.fromJavaScript(found.state));
    return response;
  }

  async #invoke(request: resourceProto.ResourceInvokeRequest): Promise<resourceProto.ResourceInvokeResponse> {
    const { deployment, handlers, signal } = this.#options;
    const args = revealAll(request.getArgs()?.toJavaScript() ?? {});
    const response = new resourceProto.ResourceInvokeResponse();
    const provider = await handlers.provider(packageOf(request.getTok()), request.getProvider());
    if (hasUnknown(args) || !provider.configured) {
      response.setUnknown(true);
      return response;
    }
    const log = (line: string): void => {
      deployment.emit({ type: "log", urn: "", level: "info", line });
    };
    const { result, problems } = await provider.invoke(request.getTok(), args, { urn: "", signal, log });
    response.setReturn(structProto.Struct.fromJavaScript(result as Values));
    response.setFailuresList(
      problems.map(({ property, reason }) => {
        const failure = new providerProto.CheckFailure();
        failure.setProperty(property);
        failure.setReason(reason);
        return failure;
      }),
    );
    return response;
  }

  #log(request: engineProto.LogRequest): void {
    const severity = request.getSeverity();
    if (severity === engineProto.LogSeverity.DEBUG) return;
    if (this.#options.deployment.failure !== undefined && AFTERMATH.test(request.getMessage())) return;
    const level =
      severity === engineProto.LogSeverity.ERROR
        ? "error"
        : severity === engineProto.LogSeverity.WARNING
          ? "warning"
          : "info";
    if (level === "error") this.programFailed = true;
    this.#options.deployment.emit({
      type: "log",
      urn: request.getUrn(),
      level,
      line: request.getMessage().trimEnd(),
    });
  }
}

// The SDK closes its connection at the first resource that fails, and then says so for each that the program goes on to.
const AFTERMATH = /Channel has been shut down|14 UNAVAILABLE/;

function goalOf(request: resourceProto.RegisterResourceRequest): Goal {
  const deletedWith = request.getDeletedwith();
  const importId = request.getImportid();
  return {
    type: request.getType(),
    name: request.getName(),
    custom: request.getCustom(),
    parent: request.getParent(),
    inputs: request.getObject()?.toJavaScript() ?? {},
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

function unary<Request, Response>(work: (request: Request) => Promise<Response>): Unary<Request, Response> {
  return (call, callback) => {
    work(call.request).then(
      (response) => {
        callback(null, response);
      },
      (error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        // UNAVAILABLE makes the SDK end the program quietly: the failure itself has been told already.
        const code = grpc.status.UNAVAILABLE;
        callback({ code, message });
      },
    );
  };
}

function unsupported(method: string): Unary<unknown, never> {
  return (_call, callback) => {
    callback({
      code: grpc.status.UNIMPLEMENTED,
      message: `the in-process engine has no ${method}; use Pulumi's own CLI`,
    });
  };
}
