import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import type { PropertyDiff, ResourceDiff } from "./diff.ts";
import type { EngineLog } from "./engine-log.ts";
import type { Provider } from "./provider.ts";
import { type Problem, ProviderError } from "./resource.ts";
import { unary as method } from "../../wire/grpc.ts";
import { fromStruct, toStruct } from "../../wire/struct.ts";
import { typeOf } from "../../wire/urn.ts";

/** Pulumi's `ResourceProvider` service for a provider. */
export function implement(provider: Provider, log: EngineLog): UntypedServiceImplementation {
  let cancelling = new AbortController();
  const operation = (urn: string) => ({
    urn,
    log: (line: string) => {
      log.info(urn, line);
    },
    signal: cancelling.signal,
  });

  return {
    handshake: unary((request: messages.ProviderHandshakeRequest) => {
      if (request.getEngineAddress() !== "") log.attach(request.getEngineAddress());
      return new messages.ProviderHandshakeResponse();
    }),

    attach: unary((request: plugin.PluginAttach) => {
      log.attach(request.getAddress());
      return new empty.Empty();
    }),

    getPluginInfo: unary(() => new plugin.PluginInfo().setVersion(provider.version)),

    getSchema: unary(() =>
      new messages.GetSchemaResponse().setSchema(
        JSON.stringify({ name: provider.name, version: provider.version }),
      ),
    ),

    checkConfig: unary((request: messages.CheckRequest) =>
      checked(provider.checkConfig(fromStruct(request.getNews()))),
    ),

    diffConfig: unary((request: messages.DiffRequest) => {
      const was = provider.checkConfig(fromStruct(request.getOldInputs() ?? request.getOlds())).inputs;
      const is = provider.checkConfig(fromStruct(request.getNews())).inputs;
      return described(provider.diffConfig(was, is));
    }),

    configure: unary((request: messages.ConfigureRequest) => {
      provider.configure(fromStruct(request.getArgs()));
      // No acceptSecrets, acceptResources or acceptOutputs: the engine then sends plain values and tracks secrets itself.
      return new messages.ConfigureResponse().setSupportspreview(true);
    }),

    check: unary((request: messages.CheckRequest) =>
      checked(provider.check(typeOf(request.getUrn()), fromStruct(request.getNews()))),
    ),

    diff: unary((request: messages.DiffRequest) => {
      const diff = provider.diff(
        typeOf(request.getUrn()),
        fromStruct(request.getOldInputs() ?? request.getOlds()),
        fromStruct(request.getNews()),
      );
      // With `--replace` the engine does not call Diff, so this refusal never stops it.
      if (diff.refusal !== undefined) throw new ProviderError(diff.refusal);
      return described(diff);
    }),

    create: unary(async (request: messages.CreateRequest) => {
      const urn = request.getUrn();
      const inputs = fromStruct(request.getProperties());
      if (request.getPreview()) {
        return new messages.CreateResponse().setProperties(
          toStruct(provider.preview(typeOf(urn), urn, inputs)),
        );
      }
      const made = await provider.create(typeOf(urn), inputs, operation(urn));
      return new messages.CreateResponse().setId(made.id).setProperties(toStruct(made.state));
    }),

    read: unary(async (request: messages.ReadRequest) => {
      const urn = request.getUrn();
      const state = fromStruct(request.getProperties());
      // An import has an id and no state.
      const last =
        Object.keys(state).length === 0 ? undefined : { inputs: fromStruct(request.getInputs()), state };
      const found = await provider.read(typeOf(urn), request.getId(), last, operation(urn));
      const response = new messages.ReadResponse();
      if (found === undefined) return response;
      return response.setId(found.id).setProperties(toStruct(found.state)).setInputs(toStruct(found.inputs));
    }),

    update: unary(async (request: messages.UpdateRequest) => {
      const urn = request.getUrn();
      const state = fromStruct(request.getOlds());
      const inputs = fromStruct(request.getNews());
      if (request.getPreview()) {
        return new messages.UpdateResponse().setProperties(
          toStruct(provider.preview(typeOf(urn), urn, inputs, state)),
        );
      }
      const was = { inputs: fromStruct(request.getOldInputs() ?? request.getOlds()), state };
      const made = await provider.update(typeOf(urn), request.getId(), was, inputs, operation(urn));
      return new messages.UpdateResponse().setProperties(toStruct(made.state));
    }),

    delete: unary(async (request: messages.DeleteRequest) => {
      const urn = request.getUrn();
      const state = fromStruct(request.getProperties());
      const inputs = fromStruct(request.getOldInputs() ?? request.getProperties());
      await provider.delete(typeOf(urn), request.getId(), { inputs, state }, operation(urn));
      return new empty.Empty();
    }),

    invoke: unary(async (request: messages.InvokeRequest) => {
      const { result, problems } = await provider.invoke(
        request.getTok(),
        fromStruct(request.getArgs()),
        operation(""),
      );
      return new messages.InvokeResponse().setReturn(toStruct(result)).setFailuresList(failures(problems));
    }),

    cancel: unary(() => {
      cancelling.abort();
      cancelling = new AbortController();
      return new empty.Empty();
    }),
  };
}

function checked({ inputs, problems }: ReturnType<Provider["check"]>): messages.CheckResponse {
  return new messages.CheckResponse().setInputs(toStruct(inputs)).setFailuresList(failures(problems));
}

function failures(problems: readonly Problem[]): messages.CheckFailure[] {
  return problems.map(({ property, reason }) =>
    new messages.CheckFailure().setProperty(property).setReason(reason),
  );
}

function described(diff: ResourceDiff): messages.DiffResponse {
  const { DiffChanges } = messages.DiffResponse;
  const response = new messages.DiffResponse()
    .setChanges(diff.properties.length === 0 ? DiffChanges.DIFF_NONE : DiffChanges.DIFF_SOME)
    .setDiffsList([...new Set(diff.properties.map(({ path }) => path.replace(/[.[].*/, "")))])
    .setReplacesList([...diff.replaces])
    .setDeletebeforereplace(diff.deleteBeforeReplace)
    .setHasdetaileddiff(true);
  for (const property of diff.properties) {
    const detail = new messages.PropertyDiff().setKind(kindOf(property)).setInputdiff(true);
    response.getDetaileddiffMap().set(property.path, detail);
  }
  return response;
}

function kindOf({ kind, change }: PropertyDiff): messages.PropertyDiff.Kind {
  const { Kind } = messages.PropertyDiff;
  if (change === "replace") {
    return { add: Kind.ADD_REPLACE, delete: Kind.DELETE_REPLACE, update: Kind.UPDATE_REPLACE }[kind];
  }
  return { add: Kind.ADD, delete: Kind.DELETE, update: Kind.UPDATE }[kind];
}

/** Wraps a handler for gRPC. A ProviderError is reported as one line; any other error is a bug and keeps its stack. */
function unary<Request, Response>(handler: (request: Request) => Response | Promise<Response>) {
  return method(handler, (error) => ({ code: status.UNKNOWN, details: detailsOf(error) }));
}

function detailsOf(error: unknown): string {
  if (error instanceof ProviderError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
