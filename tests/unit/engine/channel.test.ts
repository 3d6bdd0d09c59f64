import { join } from "node:path";
import engineProto from "@pulumi/pulumi/proto/engine_pb.js";
import resourceProto from "@pulumi/pulumi/proto/resource_pb.js";
import { execa, type ResultPromise } from "execa";
import structProto from "google-protobuf/google/protobuf/struct_pb.js";
import { expect, test } from "vitest";
import { method, serve, type Method } from "../../../engine/in-process/channel.ts";
import { repository } from "../../support/project.ts";

const clients = join(repository, "engine", "in-process", "channel-clients.ts");
const REGISTER = "/pulumirpc.ResourceMonitor/RegisterResource";
const LOG = "/pulumirpc.Engine/Log";

const calls = `
  const settings = require("@pulumi/pulumi/runtime/settings");
  const resource = require("@pulumi/pulumi/proto/resource_pb.js");
  const { Struct } = require("google-protobuf/google/protobuf/struct_pb.js");
  const monitor = settings.getMonitor();
  const call = (method, request) =>
    new Promise((resolve) => monitor[method](request, (error, response) => resolve({ error, response })));
  const register = (name, object = {}) => {
    const request = new resource.RegisterResourceRequest();
    request.setName(name);
    request.setObject(Struct.fromJavaScript(object));
    return call("registerResource", request);
  };
  const say = (value) => console.log(JSON.stringify(value));
  const failure = ({ error }) => error && [error.code, error.message];`;

/** A process that begins as the program's does, and runs that script. */
function program(script: string): ResultPromise {
  return execa(process.execPath, ["--import", clients, "--eval", `${calls}\n${script}`], {
    cwd: repository,
    env: { PULUMI_NODEJS_MONITOR: "channel", PULUMI_NODEJS_ENGINE: "channel" },
    ipc: true,
    serialization: "advanced",
    buffer: { ipc: false },
    timeout: 30_000,
  });
}

/** What it says when those methods answer it; it ends by itself. */
async function said(script: string, methods: Readonly<Record<string, Method>>): Promise<unknown> {
  const child = program(script);
  serve(child.nodeChildProcess, methods);
  return JSON.parse(String((await child).stdout));
}

/** Registers what is asked for once `turn` comes, and sends its inputs back. */
function echo(turn: (name: string) => Promise<void> = () => Promise.resolve()): Method {
  return method(resourceProto.RegisterResourceRequest, async (request) => {
    await turn(request.getName());
    const response = new resourceProto.RegisterResourceResponse();
    response.setUrn(request.getName());
    response.setObject(request.getObject());
    return response;
  });
}

test("values arrive as they were sent, both ways", async () => {
  const object = {
    text: 'grüße\n"\u2028',
    nothing: null,
    numbers: [0, -1.5, 1e300, Number.MAX_SAFE_INTEGER],
    flags: [true, false],
    empty: [{}, [], ""],
    deep: { a: [{ b: { c: ["d"] } }] },
  };
  let received: unknown;
  const registering = method(resourceProto.RegisterResourceRequest, (request) => {
    received = request.getObject()?.toJavaScript();
    const response = new resourceProto.RegisterResourceResponse();
    response.setObject(structProto.Struct.fromJavaScript({ got: received as Record<string, never> }));
    return response;
  });
  const script = `register("one", ${JSON.stringify(object)})
    .then(({ response }) => say(response.getObject().toJavaScript()));`;
  expect(await said(script, { [REGISTER]: registering })).toEqual({ got: object });
  expect(received).toEqual(object);
});

test("each call gets its own answer, whichever comes first", async () => {
  const { promise: second, resolve } = Promise.withResolvers<undefined>();
  const methods = {
    [REGISTER]: echo((name) => {
      if (name === "first") return second;
      // Once the second has been answered.
      setImmediate(resolve, undefined);
      return Promise.resolve();
    }),
  };
  const script = `
    const order = [];
    const noted = async (name) => { order.push((await register(name)).response.getUrn()); };
    Promise.all([noted("first"), noted("second")]).then(() => say(order));`;
  expect(await said(script, methods)).toEqual(["second", "first"]);
});

test("the SDK's log comes by the same channel", async () => {
  const lines: string[] = [];
  const logging = method(engineProto.LogRequest, (request) => {
    lines.push(request.getMessage());
    return new engineProto.LogRequest();
  });
  await said(`require("@pulumi/pulumi").log.info("a line").then(() => say("done"));`, { [LOG]: logging });
  expect(lines).toEqual(["a line"]);
});

test("a failure is UNAVAILABLE to the SDK, and what nobody serves UNIMPLEMENTED", async () => {
  const methods = { [REGISTER]: echo(() => Promise.reject(new Error("no such pool"))) };
  const script = `Promise.all([register("one"), call("call", new resource.ResourceCallRequest())])
    .then((all) => say(all.map(failure)));`;
  expect(await said(script, methods)).toEqual([
    [14, "14 UNAVAILABLE: no such pool"],
    [12, "12 UNIMPLEMENTED: the in-process engine has no Call; use Pulumi's own CLI"],
  ]);
});

test("nothing is sent by a client that the SDK has closed", async () => {
  const asked: string[] = [];
  const methods = {
    [REGISTER]: echo((name) => {
      asked.push(name);
      return Promise.resolve();
    }),
  };
  const script = `register("before").then(() => {
      monitor.close();
      return register("after");
    }).then((after) => say(failure(after)));`;
  expect(await said(script, methods)).toEqual([14, expect.any(String)]);
  expect(asked).toEqual(["before"]);
});

test("what waits for an engine that is gone fails, and so does what comes after", async () => {
  const child = program(`register("one")
    .then(async (waiting) => say([failure(waiting), failure(await register("two"))]));`);
  const asked = Promise.withResolvers<undefined>();
  serve(child.nodeChildProcess, {
    [REGISTER]: echo(() => {
      asked.resolve(undefined);
      return new Promise(() => undefined);
    }),
  });
  await asked.promise;
  child.nodeChildProcess.disconnect();
  const gone = [14, "14 UNAVAILABLE: the engine is gone"];
  expect(JSON.parse(String((await child).stdout))).toEqual([gone, gone]);
});

test("an answer to a program that has ended is nobody's error", async () => {
  const child = program(`register("one"); setTimeout(() => process.exit(3), 100);`);
  const { promise: ended, resolve } = Promise.withResolvers<undefined>();
  serve(child.nodeChildProcess, { [REGISTER]: echo(() => ended) });
  await expect(child).rejects.toMatchObject({ exitCode: 3 });
  resolve(undefined);
  await new Promise((settled) => setImmediate(settled));
});
