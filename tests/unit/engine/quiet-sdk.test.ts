import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { repository } from "../../support/project.ts";

const quiet = join(repository, "engine", "in-process", "quiet-sdk.ts");

/** What a script says, in a process that begins as the program's does. */
async function say(script: string, env: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const { stdout } = await execa(process.execPath, ["--import", quiet, "--eval", script], {
    cwd: repository,
    env,
  });
  return JSON.parse(stdout);
}

const promiseTraces = `
  const debuggable = require("@pulumi/pulumi/runtime/debuggable");
  const promises = [Promise.resolve(), Promise.resolve()];
  for (const promise of promises) debuggable.debuggablePromise(promise, "a test");
  console.log(JSON.stringify(promises.map((promise) => (promise._debugStackTrace ?? "").split("\\n").length)));`;

test("all promises of the SDK but the first keep no stack trace, unless leaks are looked for", async () => {
  expect(await say(promiseTraces)).toEqual([expect.any(Number), 1]);
  expect(await say(promiseTraces, { PULUMI_DEBUG_PROMISE_LEAKS: "1" })).not.toContain(1);
});

test("a promise that never settles is still an error at the end", async () => {
  const script = `
    const debuggable = require("@pulumi/pulumi/runtime/debuggable");
    for (const settled of [1, 2]) debuggable.debuggablePromise(Promise.resolve(settled));
    debuggable.debuggablePromise(new Promise(() => {}), "never");`;
  const run = await execa(process.execPath, ["--import", quiet, "--eval", script], {
    cwd: repository,
    reject: false,
  });
  expect(run).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining("1 promise was still active") as string,
  });
});

const loaded = `
  const loaded = (...names) =>
    names.map((name) => Object.keys(require.cache).some((file) => file.includes(\`node_modules/\${name}\`)));`;

test("what serializes functions is loaded only when used", async () => {
  const script = `${loaded}
    const { runtime } = require("@pulumi/pulumi");
    const before = loaded("typescript/lib/typescript.js", "@npmcli/arborist/lib/arborist/index.js");
    runtime.serializeFunction(() => 42).then(({ text }) =>
      console.log(JSON.stringify([before, text.includes("42"), loaded("typescript/lib/typescript.js")])));`;
  expect(await say(script)).toEqual([[false, false], true, [true]]);
});

test("no debugger is attached when a program begins", async () => {
  const script = `
    const { Session } = require("node:inspector");
    const asked = [];
    Session.prototype.post = function (method) { asked.push(method); };
    require("@pulumi/pulumi/runtime/closure/v8Hooks").isInitializedAsync().then(() =>
      console.log(JSON.stringify(asked)));`;
  expect(await say(script)).toEqual([]);
});

test("the Automation API is loaded only when used", async () => {
  const script = `${loaded}
    const { automation } = require("@pulumi/pulumi");
    const before = loaded("@pulumi/pulumi/automation/localWorkspace.js");
    console.log(JSON.stringify([before, typeof automation.LocalWorkspace.create]));`;
  expect(await say(script)).toEqual([[false], "function"]);
});

test("the runner makes spans without a tracer, which is not loaded", async () => {
  const script = `${loaded}
    const tracing = require("@pulumi/pulumi/cmd/run/tracing");
    const span = tracing.newSpan("a test");
    span.setAttribute("key", "value");
    span.end();
    console.log(JSON.stringify([span.isRecording(), loaded("@opentelemetry/sdk-trace-base")]));`;
  expect(await say(script)).toEqual([false, [false]]);
});

test("source maps are not used, and errors have their stack traces", async () => {
  const script = `
    require("source-map-support/register");
    console.log(JSON.stringify([Error.prepareStackTrace === undefined, new Error("x").stack.split("\\n").length > 2]));`;
  expect(await say(script)).toEqual([true, true]);
});

test("nothing says where in the program a resource was made", async () => {
  const script = `
    const { Resource } = require("@pulumi/pulumi");
    console.log(JSON.stringify([Resource.callsites(), Resource.stackTrace(4)]));`;
  expect(await say(script)).toEqual([[], []]);
});

test("debug messages go nowhere", async () => {
  const script = `
    const { log } = require("@pulumi/pulumi");
    console.log(JSON.stringify(log.debug.length));`;
  expect(await say(script)).toBe(0);
});

test("the SDK still calls what is replaced by way of the modules that have it", () => {
  const require = createRequire(import.meta.url);
  const source = (name: string): string => readFileSync(require.resolve(`@pulumi/pulumi/${name}`), "utf8");
  expect(source("runtime/resource.js")).toMatch(/\blog\.debug\(`Registering resource/);
  expect(source("resource.js")).toMatch(/\bResource\.callsites\(\)/);
  expect(source("runtime/rpc.js")).toMatch(/\bdebuggable_1\.debuggablePromise\(/);
  expect(source("cmd/run/index.js")).toContain('require("source-map-support/register")');
  expect(source("cmd/run/index.js")).toMatch(/\bv8Hooks\.isInitializedAsync\(\)/);
  expect(source("cmd/run/run.js")).toContain('require("./tracing")');
});
