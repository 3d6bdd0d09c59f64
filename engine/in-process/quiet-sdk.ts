// Runs in the program's process before the SDK. It leaves out what the SDK does for those who debug it and nobody sees
// here: half of the processor time of a program of 5,000 resources (`bench/`). A test holds that it takes effect.
import { createRequire, Module } from "node:module";

interface Log {
  debug: (...args: unknown[]) => Promise<void>;
}
interface Debuggable {
  debugPromiseLeaks: boolean;
  debuggablePromise: <T>(promise: Promise<T>, context?: unknown) => Promise<T>;
}
interface ResourceModule {
  Resource: { callsites: () => unknown[] };
}
interface FunctionHooks {
  isInitializedAsync: () => Promise<void>;
}
interface OpenTelemetry {
  trace: { getTracer: (name: string) => { startSpan: (name: string) => unknown } };
}
interface State {
  getStore: () => { readonly leakCandidates: Set<Promise<unknown>> };
}

const require = createRequire(import.meta.url);
const log = require("@pulumi/pulumi/log/index.js") as Log;
const debuggable = require("@pulumi/pulumi/runtime/debuggable.js") as Debuggable;
const resource = require("@pulumi/pulumi/resource.js") as ResourceModule;
const state = require("@pulumi/pulumi/runtime/state.js") as State;
const functionHooks = require("@pulumi/pulumi/runtime/closure/v8Hooks.js") as FunctionHooks;

// Three debug messages a resource, each a call to the engine that waits for the one before. Our engine drops them.
log.debug = () => Promise.resolve();

// The SDK's runner maps every stack trace by source maps. Node runs these sources as they are: there is nothing to map.
Object.defineProperty(Error, "prepareStackTrace", { get: () => undefined, set: () => undefined });

// Where in the program each resource was made, by a trace of the whole stack that every registration carries: several kilobytes each,
// which our engine would read and drop.
resource.Resource.callsites = () => [];

// Some 60 promises a resource, each with a stack trace that only PULUMI_DEBUG_PROMISE_LEAKS ever prints and with two more
// promises behind it. What is still pending at the end is an error as it is without this.
if (!debuggable.debugPromiseLeaks) {
  const { debuggablePromise } = debuggable;
  debuggable.debuggablePromise = (first, context) => {
    // It looks at the candidates when the program exits, from its first call on.
    const watched = debuggablePromise(first, context);
    const { leakCandidates } = state.getStore();
    debuggable.debuggablePromise = (promise) => {
      const settled = (): unknown => leakCandidates.delete(promise);
      leakCandidates.add(promise);
      promise.then(settled, settled);
      return promise;
    };
    return watched;
  };
}

// To serialize functions, which this program never asks for, the runner attaches V8's debugger before anything runs, with which
// each promise costs more, and the SDK loads the TypeScript compiler and npm's installer: 50 MB and a quarter of a second.
// All of it waits until it is first used, and so does the Automation API, by which a program runs Pulumi's CLI.
functionHooks.isInitializedAsync = () => Promise.resolve();
const inSdk = createRequire(require.resolve("@pulumi/pulumi"));
lazily(require.resolve("@pulumi/pulumi/typescript-shim.js"));
lazily(inSdk.resolve("@npmcli/arborist"));
lazily(require.resolve("@pulumi/pulumi/automation/index.js"));

// Our engine never asks for traces: the runner loads OpenTelemetry's 200 modules all the same, to make spans that nobody gets.
const { trace } = inSdk("@opentelemetry/api") as OpenTelemetry;
replace(require.resolve("@pulumi/pulumi/cmd/run/tracing.js"), {
  start: () => undefined,
  stop: () => undefined,
  newSpan: (name: string) => trace.getTracer("nodejs-runtime").startSpan(name),
});

/** Puts something in a module's place that loads it when a property of it is asked for. */
function lazily(file: string): void {
  let loaded: Record<PropertyKey, unknown> | undefined;
  const load = (): Record<PropertyKey, unknown> => {
    if (loaded === undefined) {
      Reflect.deleteProperty(require.cache, file);
      loaded = require(file) as Record<PropertyKey, unknown>;
    }
    return loaded;
  };
  const exports = new Proxy(
    {},
    // An importer takes what calls itself an ES module as it is; anything else it copies.
    { get: (_, key) => key === "__esModule" || load()[key] },
  );
  replace(file, exports);
}

function replace(file: string, exports: object): void {
  require.cache[file] = Object.assign(new Module(file), { loaded: true, exports });
}
