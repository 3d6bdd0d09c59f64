import { appendFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { webApp } from "../../../../services/pipelines/web/app.ts";
import { Runs } from "../../../../services/pipelines/web/runs.ts";

// Nobody answers there: these routes live on the log folder alone.
const place = { address: "127.0.0.1:1", namespace: "default", taskQueue: "orchestration" };
const own = { host: "127.0.0.1:8787" };

let folder = "";
let runs: Runs;
let open: ReturnType<typeof webApp>;
let locked: ReturnType<typeof webApp>;

function event(stepId: string, status: string, more: object = {}): string {
  const base = { workflowId: "w", runId: "r-1", stepId, stepName: stepId, exitCode: 0, durationSec: 0 };
  const paths = { stdoutPath: "", stderrPath: "", structuredPath: "", message: "" };
  const timestamp = "2026-11-25T10:00:00.000Z";
  return `${JSON.stringify({ timestamp, ...base, status, ...paths, ...more })}\n`;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ai-how-web-"));
  const logs = join(folder, "logs");
  await mkdir(logs);
  await writeFile(join(folder, "secret"), "secret");
  await symlink(join(folder, "secret"), join(logs, "link.log"));
  await writeFile(join(logs, "w_r-1_a_stdout.log"), "<script>alert(1)</script>\n");
  const line = { timestamp: "2026-11-25T10:00:01Z", stream: "stdout", message: "hello", partial: false };
  await writeFile(join(logs, "w_r-1_a_structured.jsonl"), `${JSON.stringify(line)}\nno json\n`);
  await writeFile(
    join(logs, "events.jsonl"),
    [
      event("a", "step_started"),
      event("a", "step_finished", {
        timestamp: "2026-11-25T10:00:02.000Z",
        durationSec: 2,
        stdoutPath: "/elsewhere/w_r-1_a_stdout.log",
      }),
      "broken\n",
      event("b", "step_started", { timestamp: "2026-11-25T10:00:03.000Z" }),
      event("c", "step_finished", { runId: "r-2", exitCode: 3, timestamp: "2026-11-25T11:00:00.000Z" }),
    ].join(""),
  );
  runs = new Runs({ place, logDirectory: logs });
  const options = { runs, assets: new Map(), logDirectory: logs, address: "", namespace: "" };
  open = webApp({ ...options, token: undefined });
  locked = webApp({ ...options, token: "a-token-of-some-length" });
});

afterAll(async () => {
  await runs.close();
  await rm(folder, { recursive: true });
});

function get(path: string, headers: Record<string, string> = own): Promise<Response> {
  return Promise.resolve(open.request(path, { headers }));
}

describe("the documented routes", () => {
  it("list runs, the newest first", async () => {
    expect(await (await get("/api/runs")).json()).toEqual([
      expect.objectContaining({
        workflowId: "w",
        runId: "r-2",
        last: "2026-11-25T11:00:00.000Z",
        progress: "1/1",
        status: "failed",
      }),
      expect.objectContaining({ runId: "r-1", progress: "1/2", status: "running" }),
    ]);
  });

  it("tell of a run's steps", async () => {
    expect(await (await get("/api/runs/r-1")).json()).toEqual({
      workflowId: "w",
      runId: "r-1",
      steps: [
        {
          stepId: "a",
          status: "step_finished",
          exitCode: 0,
          durationSec: 2,
          stdoutPath: "/elsewhere/w_r-1_a_stdout.log",
          stderrPath: "",
        },
        expect.objectContaining({ stepId: "b", status: "step_started" }),
      ],
    });
    for (const path of ["/api/runs/r-3", "/api/else", "/else"]) {
      const reply = await get(path);
      expect([reply.status, await reply.text()]).toEqual([404, "not found"]);
    }
  });

  it("send events from the beginning, of one run where asked, and go on where a connection broke", async () => {
    const first = async (headers: Record<string, string>, count: number): Promise<string> => {
      const { body } = await get("/api/events?runId=r-1", { ...own, ...headers });
      let text = "";
      for await (const piece of body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += piece;
        if (text.split("data:").length > count) break;
      }
      return text;
    };
    const all = await first({}, 3);
    expect(all).toMatch(/^retry: 1000\n/);
    expect([...all.matchAll(/"stepId":"(\w)"/g)].map(([, id]) => id)).toEqual(["a", "a", "b"]);
    expect(all).not.toContain("r-2");
    const later = await first({ "last-event-id": "2" }, 1);
    expect([...later.matchAll(/"stepId":"(\w)"/g)].map(([, id]) => id)).toEqual(["b"]);
  });

  it("give logs as plain text that no browser runs", async () => {
    const reply = await get("/logs/w_r-1_a_stdout.log");
    expect(await reply.text()).toBe("<script>alert(1)</script>\n");
    expect(reply.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(reply.headers.get("x-content-type-options")).toBe("nosniff");
    expect(reply.headers.get("content-security-policy")).toContain("default-src 'none'");
  });

  it.each([
    "/logs/../secret",
    "/logs/..%2fsecret",
    "/logs/%2e%2e/secret",
    "/logs/%2e%2e%2fsecret",
    "/logs/..%252fsecret",
    "/logs//etc/passwd",
    "/logs/%2fetc%2fpasswd",
    "/logs/link.log",
    "/logs/%",
    "/logs/%00",
    "/logs/",
  ])("keep to the log folder: %s", async (path) => {
    const reply = await get(path);
    expect(reply.status).toBe(404);
    expect(await reply.text()).toBe("not found");
  });
});

describe("logs of steps", () => {
  it("come as lines and end with the step", async () => {
    const text = await (await get("/api/runs/r-1/log/live?step=a")).text();
    expect(text).toContain("event: begin");
    expect(text).toContain('"message":"hello"');
    expect(text).not.toContain("no json");
    expect(text).toMatch(/event: end\ndata: \n\n$/);
  });

  it.each(["../../secret", "a/../../../secret", "a_structured.jsonl\0", "", "none"])(
    "are not those of a step called %j",
    async (step) => {
      const query = `step=${encodeURIComponent(step)}`;
      expect(await (await get(`/api/runs/r-1/log/live?${query}`)).text()).toBe("event: end\ndata: \n\n");
      expect((await get(`/api/runs/r-1/log?${query}&before=10`)).status).toBe(404);
    },
  );
});

describe("pages of other sites are refused", () => {
  it.each([
    ["a name that was made to lead here", { host: "evil.example:8787" }],
    ["a name that begins like loopback", { host: "127.0.0.1.evil.example" }],
    ["no name", { host: "" }],
    ["another origin", { ...own, origin: "https://evil.example" }],
    ["no origin at all", { ...own, origin: "null" }],
    ["another port", { ...own, origin: "http://127.0.0.1:9999" }],
  ])("%s", async (_, headers) => {
    expect((await get("/api/runs", headers)).status).toBe(403);
    expect((await get("/", headers)).status).toBe(403);
  });

  it.each([["localhost:8787"], ["127.0.0.1:8787"], ["[::1]:8787"]])("%s is no other site", async (host) => {
    expect((await get("/api/about", { host, origin: `http://${host}` })).status).toBe(200);
  });

  it("what changes something needs a header that forms cannot send", async () => {
    const post = (headers: Record<string, string>): Promise<Response> =>
      Promise.resolve(
        open.request("/api/runs/r-1/cancel", { method: "POST", headers: { ...own, ...headers } }),
      );
    expect((await post({})).status).toBe(403);
    expect((await post({ "content-type": "application/x-www-form-urlencoded" })).status).toBe(403);
    expect((await post({ "x-ai-how": "1", origin: "https://evil.example" })).status).toBe(403);
    expect((await post({ "x-ai-how": "1" })).status).toBe(404);
  });
});

describe("where a token is needed", () => {
  const ask = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    Promise.resolve(locked.request(path, { headers: { host: "box.example:8787", ...headers } }));
  const login = (token: unknown, headers: Record<string, string> = { "x-ai-how": "1" }): Promise<Response> =>
    Promise.resolve(
      locked.request("/api/session", {
        method: "POST",
        headers: { host: "box.example", ...headers },
        body: JSON.stringify({ token }),
      }),
    );

  it("nothing of runs is told without", async () => {
    const paths = ["/api/runs", "/api/runs/r-1", "/api/events", "/api/about", "/logs/w_r-1_a_stdout.log"];
    for (const path of paths) {
      expect((await ask(path)).status, path).toBe(401);
      expect((await ask(path, { authorization: "Bearer wrong" })).status, path).toBe(401);
      expect((await ask(path, { cookie: "ai-how-session=" })).status, path).toBe(401);
      expect((await ask(path, { cookie: "ai-how-session=undefined" })).status, path).toBe(401);
    }
  });

  it("programs give it in a header, pages get a session that scripts and other sites cannot read", async () => {
    expect((await ask("/api/runs", { authorization: "Bearer a-token-of-some-length" })).status).toBe(200);
    const reply = await login("a-token-of-some-length");
    expect(reply.status).toBe(204);
    const cookie = reply.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Strict/);
    expect(cookie).not.toContain("a-token");
    expect((await ask("/api/runs", { cookie: cookie.split(";")[0] ?? "" })).status).toBe(200);
  });

  it("another token opens nothing", async () => {
    for (const token of ["wrong", "", 1, null, undefined]) expect((await login(token)).status).toBe(401);
    expect((await login("a-token-of-some-length", {})).status).toBe(403);
    expect((await login("x".repeat(100_000))).status).toBe(413);
  });
});

it("takes note of what is added to the log folder, and of one that was begun anew", async () => {
  const file = join(folder, "logs", "events.jsonl");
  await appendFile(file, event("z", "step_finished", { runId: "r-9", timestamp: "2026-11-25T12:00:00Z" }));
  expect(await (await get("/api/runs")).json()).toMatchObject([{ runId: "r-9" }, {}, {}]);
  await writeFile(file, event("y", "step_finished", { runId: "r-10" }));
  expect(await (await get("/api/runs")).json()).toMatchObject([{ runId: "r-10", progress: "1/1" }]);
});
