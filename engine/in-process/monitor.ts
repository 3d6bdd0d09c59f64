import engineProto from "@pulumi/pulumi/proto/engine_pb.js";
import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import resourceProto from "@pulumi/pulumi/proto/resource_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import structProto from "google-protobuf/google/protobuf/struct_pb.js";
import { method, type Method } from "./channel.ts";
import type { Deployment } from "./deployment.ts";
import type { Goal } from "./goal.ts";
import { packageOf, type Handlers } from "./handlers/index.ts";
import { makeUrn } from "./urn.ts";
import { hasUnknown, revealAll, type Values } from "./values.ts";

// What this monitor understands; the SDK asks once and adapts.
const FEATURES = [
  resourceProto.ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_SECRETS,
  resourceProto.ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
];
const FEATURE_NAMES = ["secrets", "deletedWith"];

export interface MonitorOptions {
  readonly deployment: Deployment;
  readonly handlers: Handlers;
  readonly project: string;
  readonly stack: string;
  readonly preview: boolean;
  readonly parallel: number;
  readonly signal: AbortSignal;
}

/** The engine's side of the SDK's protocol: the resource monitor and the engine's log. */
export class Monitor {
  readonly #options: MonitorOptions;
  #root = "";
  /** True once the program itself has reported an error: its exit code says nothing new then. */
  programFailed = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  /** The methods, by their paths in the protocol. */
  get methods(): Readonly<Record<string, Method>> {
    return {
      "/pulumirpc.ResourceMonitor/SupportsFeature": method(
        resourceProto.SupportsFeatureRequest,
        (request) => {
          const response = new resourceProto.SupportsFeatureResponse();
          response.setHassupport(FEATURE_NAMES.includes(request.getId()));
          return response;
        },
      ),
      "/pulumirpc.ResourceMonitor/GetDeploymentInfo": method(emptyProto.Empty, () => this.#deploymentInfo()),
      "/pulumirpc.ResourceMonitor/RegisterResource": method(
        resourceProto.RegisterResourceRequest,
        (request) => this.#register(request),
      ),
      "/pulumirpc.ResourceMonitor/RegisterResourceOutputs": method(
        resourceProto.RegisterResourceOutputsRequest,
        (request) => {
          const outputs = request.getOutputs()?.toJavaScript() ?? {};
          this.#options.deployment.registerOutputs(request.getUrn(), outputs);
          return new emptyProto.Empty();
        },
      ),
      "/pulumirpc.ResourceMonitor/ReadResource": method(resourceProto.ReadResourceRequest, (request) =>
        this.#read(request),
      ),
      "/pulumirpc.ResourceMonitor/Invoke": method(resourceProto.ResourceInvokeRequest, (request) =>
        this.#invoke(request),
      ),
      "/pulumirpc.ResourceMonitor/RegisterPackage": method(
        resourceProto.RegisterPackageRequest,
        (request) => {
          const response = new resourceProto.RegisterPackageResponse();
          response.setRef(request.getName());
          return response;
        },
      ),
      "/pulumirpc.ResourceMonitor/SignalAndWaitForShutdown": method(
        emptyProto.Empty,
        () => new emptyProto.Empty(),
      ),
      "/pulumirpc.Engine/Log": method(engineProto.LogRequest, (request) => {
        this.#log(request);
        return new emptyProto.Empty();
      }),
      "/pulumirpc.Engine/GetRootResource": method(engineProto.GetRootResourceRequest, () => {
        const response = new engineProto.GetRootResourceResponse();
        response.setUrn(this.#root);
        return response;
      }),
      "/pulumirpc.Engine/SetRootResource": method(engineProto.SetRootResourceRequest, (request) => {
        this.#root = request.getUrn();
        return new engineProto.SetRootResourceResponse();
      }),
      "/pulumirpc.Engine/RequirePulumiVersion": method(
        engineProto.RequirePulumiVersionRequest,
        () => new engineProto.RequirePulumiVersionResponse(),
      ),
    };
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
    if (this.#options.deployment.failure !== undefined && request.getMessage().includes(AFTERMATH)) return;
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
const AFTERMATH = "14 UNAVAILABLE";

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
