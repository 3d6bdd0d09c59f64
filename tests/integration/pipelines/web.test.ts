import { expect, it } from "vitest";
import { z } from "zod";
import { lacks } from "../../required.ts";
import { processes } from "../../support/processes.ts";
import { describeUnless } from "../../support/where.ts";
import { sh, WebStage } from "../../support/web.ts";

describeUnless(await lacks("Temporal"), "the server of the pipelines' page gives", () => {
  const stage = new WebStage();

  it("runs with their progress, and a run's steps with their logs", async () => {
    const runId = await stage.run("documented", [
      sh("a", "echo hi"),
      sh("b", "exit 3", { depends_on: ["a"] }),
    ]);
    await stage.until(runId, "failed");
    expect((await stage.list()).find((each) => each.runId === runId)).toMatchObject({
      workflowId: "documented",
      progress: "2/2",
      status: "failed",
    });
    const details = await (await fetch(new URL(`/api/runs/${runId}`, stage.url))).json();
    expect(details).toMatchObject({
      workflowId: "documented",
      runId,
      steps: [
        { stepId: "a", status: "step_finished", exitCode: 0 },
        { stepId: "b", status: "step_finished", exitCode: 3 },
      ],
    });
    const { steps } = z.object({ steps: z.array(z.object({ stdoutPath: z.string() })) }).parse(details);
    const name = steps[0]?.stdoutPath.split("/").at(-1) ?? "";
    expect(await (await fetch(new URL(`/logs/${name}`, stage.url))).text()).toBe("hi\n");
  });

  it("changes of a run until it is over", async () => {
    const runId = await stage.run("followed", [sh("a", "sleep 1"), sh("b", "true", { depends_on: ["a"] })]);
    const text = await (await fetch(new URL(`/api/runs/${runId}/live`, stage.url))).text();
    const changes = [...text.matchAll(/^event: change\ndata: (.*)$/gm)].map(([, data = ""]): unknown =>
      JSON.parse(data),
    );
    expect(changes[0]).toMatchObject({ run: { state: "running" }, steps: [{ id: "a" }, { id: "b" }] });
    const statesOfA = text.matchAll(/"id":"a"[^}]*?"state":"(\w+)"/g);
    expect([...statesOfA].map(([, state]) => state).at(-1)).toBe("success");
    expect(changes.at(-1)).toMatchObject({ run: { state: "success" } });
    expect(text).toMatch(/event: end\ndata: \n\n$/);
  });

  it("a run that is cancelled, once it is asked by its own page or by a program", async () => {
    const runId = await stage.run("to-cancel", [sh("a", "sleep 7441")]);
    const cancel = (headers: Record<string, string>): Promise<Response> =>
      fetch(new URL(`/api/runs/${runId}/cancel`, stage.url), { method: "POST", headers });
    expect((await cancel({})).status).toBe(403);
    expect((await cancel({ "x-ai-how": "1", origin: "http://localhost:1" })).status).toBe(403);
    expect((await cancel({ "x-ai-how": "1" })).status).toBe(202);
    await stage.until(runId, "failed");
    await expect.poll(async () => (await cancel({ "x-ai-how": "1" })).status).toBe(409);
  });

  it("nobody without the token where others could reach it", async () => {
    // Loopback under a name that the command does not take for it.
    const far = await stage.serve("--host", "::ffff:127.0.0.1");
    const { port, hash } = new URL(far.url);
    const token = new URLSearchParams(hash.slice(1)).get("token") ?? "";
    expect(token.length).toBeGreaterThanOrEqual(32);
    const ask = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`http://127.0.0.1:${port}/api/runs`, { headers })).status;
    expect(await ask({})).toBe(401);
    expect(await ask({ authorization: `Bearer ${token}` })).toBe(200);
    expect(processes().some(({ arguments: args }) => args.join(" ").includes(token))).toBe(false);
    await far.server.kill();
  });
});
