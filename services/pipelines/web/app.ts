import { Readable } from "node:stream";
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { secureHeaders } from "hono/secure-headers";
import { streamSSE, type SSEStreamingApi } from "hono/streaming";
import { z } from "zod";
import { followEvents } from "../logs/read.ts";
import type { Asset } from "./assets.ts";
import { refuseStrangers, Sessions } from "./guard.ts";
import { openLog } from "./log-files.ts";
import type { Runs } from "./runs.ts";
import { followLines, linesBefore, linesName, type StepOf } from "./step-lines.ts";
import {
  aboutSchema,
  changeSchema,
  isOver,
  logPieceSchema,
  problemSchema,
  runDetailsSchema,
  runListSchema,
} from "./view.ts";

export interface AppOptions {
  readonly runs: Runs;
  readonly assets: ReadonlyMap<string, Asset>;
  readonly logDirectory: string;
  /** Temporal's address, as the page shows it. */
  readonly address: string;
  readonly namespace: string;
  /** Undefined if none is needed; then the server answers only to names of loopback. */
  readonly token: string | undefined;
}

const POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  workerSrc: ["'self'"],
  connectSrc: ["'self'"],
  imgSrc: ["'self'", "data:"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

/** The page and its routes. The old page already had `/api/runs`, `/api/runs/{runId}`, `/api/events` and `/logs/{file}`. */
export function webApp(options: AppOptions): Hono {
  const app = new Hono();
  app.use(
    secureHeaders({
      contentSecurityPolicy: POLICY,
      referrerPolicy: "no-referrer",
      xFrameOptions: "DENY",
      strictTransportSecurity: false,
    }),
    refuseStrangers(options.token === undefined),
    bodyLimit({ maxSize: 16 * 1024 }),
  );
  addPage(app, options);
  if (options.token !== undefined) addSessions(app, new Sessions(options.token));
  addRuns(app, options);
  addLogs(app, options);
  app.notFound((context) => context.text("not found", 404));
  app.onError((error, context) => {
    if (error instanceof HTTPException) return error.getResponse();
    process.stderr.write(`${context.req.method} ${context.req.path}: ${error.stack ?? error.message}\n`);
    return answer(context, problemSchema, { error: "it failed; the server's output says why" }, 500);
  });
  return app;
}

function addPage(app: Hono, { assets }: AppOptions): void {
  const serve = (context: Context, path: string): Response => {
    const asset = assets.get(path);
    if (asset === undefined) return context.text("not found", 404);
    const { content, tag, type } = asset;
    context.header("etag", tag);
    context.header("cache-control", "no-cache");
    if (context.req.header("if-none-match") === tag) return context.body(null, 304);
    return context.body(content, 200, { "content-type": type });
  };
  app.get("/", (context) => serve(context, "/"));
  app.get("/index.html", (context) => serve(context, "/"));
  app.get("/assets/:name", (context) => serve(context, context.req.path));
}

function addSessions(app: Hono, sessions: Sessions): void {
  app.post("/api/session", async (context) => {
    const { data } = z.object({ token: z.string() }).safeParse(await context.req.json().catch(() => null));
    if (data !== undefined && sessions.open(context, data.token)) return context.body(null, 204);
    return answer(context, problemSchema, { error: "this is not the token" }, 401);
  });
  app.use("/api/*", sessions.required);
  app.use("/logs/*", sessions.required);
}

function addRuns(app: Hono, { runs, address, namespace, logDirectory }: AppOptions): void {
  app.get("/api/about", (context) =>
    answer(context, aboutSchema, { temporal: runs.temporalAnswers, address, namespace, logDirectory }),
  );
  app.get("/api/runs", async (context) => answer(context, runListSchema, await runs.list()));
  app.get("/api/runs/:runId", async (context) => {
    const runId = context.req.param("runId");
    const [view, logged] = await Promise.all([runs.view(runId), runs.events.run(runId)]);
    if (view === undefined) return unknownRun(context);
    const { workflowId } = view.head;
    const steps = view.steps.flatMap(({ id, state, exitCode, startedAt, endedAt }) => {
      const event = logged?.latest.get(id);
      if (event === undefined && startedAt === null) return [];
      return {
        stepId: id,
        status: event?.status ?? (isOver(state) ? "step_finished" : "step_started"),
        exitCode: event?.exitCode ?? exitCode ?? 0,
        durationSec: event?.durationSec ?? ((endedAt ?? startedAt ?? 0) - (startedAt ?? 0)) / 1000,
        stdoutPath: event?.stdoutPath ?? "",
        stderrPath: event?.stderrPath ?? "",
      };
    });
    return answer(context, runDetailsSchema, { workflowId, runId, steps });
  });
  app.get("/api/runs/:runId/live", async (context) => {
    const runId = context.req.param("runId");
    if ((await runs.view(runId)) === undefined) return unknownRun(context);
    return stream(context, async (events, signal) => {
      for await (const change of runs.changes(runId, signal))
        await events.writeSSE({ event: "change", data: JSON.stringify(changeSchema.parse(change)) });
      await events.writeSSE({ event: "end", data: "" });
    });
  });
  app.post("/api/runs/:runId/cancel", async (context) => {
    const answered = await runs.cancel(context.req.param("runId"));
    if (answered === "unknown") return unknownRun(context);
    if (answered === "over") return answer(context, problemSchema, { error: "it is over already" }, 409);
    return context.body(null, 202);
  });
}

function addLogs(app: Hono, { runs, logDirectory }: AppOptions): void {
  app.get("/api/events", (context) => {
    const runId = context.req.query("runId");
    const seen = Number(context.req.header("last-event-id") ?? 0);
    return stream(context, async (events, signal) => {
      await events.write("retry: 1000\n\n");
      let count = 0;
      for await (const event of followEvents(logDirectory, signal, { fromStart: true, runId })) {
        count += 1;
        // A client that reconnects has the earlier events.
        if (count > seen) await events.writeSSE({ id: String(count), data: JSON.stringify(event) });
      }
    });
  });
  app.get("/logs/*", async (context) => {
    const name = decoded(context.req.path.slice("/logs/".length));
    const file = name === undefined ? undefined : await openLog(logDirectory, name);
    if (file === undefined) return context.text("not found", 404);
    const { size } = await file.stat();
    // Up to the current size: a growing log would not end.
    const content = size === 0 ? (await file.close(), "") : file.createReadStream({ end: size - 1 });
    const body = typeof content === "string" ? content : Readable.toWeb(content);
    return new Response(body, { headers: { "content-type": "text/plain; charset=utf-8" } });
  });
  app.get("/api/runs/:runId/log", async (context) => {
    const found = await stepOf(context, runs);
    if (found === undefined) return unknownRun(context);
    const before = z.coerce.number().int().nonnegative().safeParse(context.req.query("before")).data ?? 0;
    const piece = await linesBefore(logDirectory, linesName(found), before);
    return piece === undefined ? context.text("not found", 404) : answer(context, logPieceSchema, piece);
  });
  app.get("/api/runs/:runId/log/live", async (context) => {
    const found = await stepOf(context, runs);
    if (found === undefined) return unknownRun(context);
    const runId = context.req.param("runId");
    const from = z.coerce.number().int().nonnegative().safeParse(context.req.header("last-event-id")).data;
    return stream(context, async (events, signal) => {
      const isOverNow = async (): Promise<boolean> =>
        isOver((await runs.step(runId, found.stepId))?.state ?? "unknown");
      for await (const { isFresh, end, ...piece } of followLines(logDirectory, linesName(found), {
        ...{ from, signal, isOver: isOverNow },
      }))
        await events.writeSSE({
          event: isFresh ? "begin" : "lines",
          id: String(end),
          data: JSON.stringify(logPieceSchema.parse(piece)),
        });
      await events.writeSSE({ event: "end", data: "" });
    });
  });
}

/** The requested log; undefined for an unknown run. */
async function stepOf(context: Context, runs: Runs): Promise<StepOf | undefined> {
  const runId = context.req.param("runId") ?? "";
  const stepId = context.req.query("step") ?? "";
  const view = await runs.view(runId);
  if (view === undefined) return undefined;
  const step = view.steps.find(({ id }) => id === stepId);
  return { workflowId: view.head.workflowId, runId: step?.runId ?? runId, stepId };
}

/** A reply, checked by its schema. */
function answer<Schema extends z.ZodType>(
  context: Context,
  schema: Schema,
  value: z.input<Schema>,
  status: 200 | 401 | 409 | 500 = 200,
): Response {
  context.header("cache-control", "no-store");
  return context.json(schema.parse(value), status);
}

function unknownRun(context: Context): Response {
  return context.text("not found", 404);
}

/** Sends events until `write` ends or the connection closes, which aborts the signal. */
function stream(
  context: Context,
  write: (events: SSEStreamingApi, signal: AbortSignal) => Promise<void>,
): Response {
  context.header("cache-control", "no-store");
  return streamSSE(context, async (events) => {
    const over = new AbortController();
    events.onAbort(() => {
      over.abort();
    });
    await write(events, over.signal);
  });
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
