import { copyFile, readFile, truncate, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { expect, it } from "vitest";
import { aiHow } from "../support/command.ts";
import { Site } from "../support/site.ts";
import { describeUnless, hostLacks } from "../support/where.ts";

describeUnless(await hostLacks(), "a stack that is in no state to be worked on", () => {
  const site = new Site("refusals", { machines: "container", computeNodes: 1 });

  it("is left alone by a second `up`, which names the first one's process and host", async () => {
    const first = site.start("up");
    await first.until(/creating/);
    const second = await site.run("up");
    expect(second.exitCode).toBe(1);
    expect(second.output).toContain("another `ai-how up` is working on this stack");
    expect(second.output).toContain(`process ${first.pid} on ${hostname()}`);
    const down = await site.run("down");
    expect(down.output).toContain(`process ${first.pid} on ${hostname()}`);
    expect(await first.ended).toMatchObject({ exitCode: 0 });
    expect(site.runningMachines()).toEqual([...site.machines].sort());
  });

  it("is refused when its state file was cut short, and the backup is named and works", async () => {
    const whole = await readFile(site.stateFile, "utf8");
    await truncate(site.stateFile, Math.floor(whole.length / 2));
    for (const command of ["up", "down", "refresh", "outputs"]) {
      const said = await site.run(command);
      expect(said.exitCode).toBe(1);
      expect(said.output).toContain(`${site.stateFile}: this state file is damaged`);
      expect(said.output).toContain(`${site.stateFile}.bak`);
    }
    expect(site.runningMachines()).toEqual([...site.machines].sort());

    await copyFile(`${site.stateFile}.bak`, site.stateFile);
    await site.succeed("refresh");
    await site.succeed("up");
    expect((await site.succeed("up")).output).toContain("no changes");
    expect(site.runningMachines()).toEqual([...site.machines].sort());
  });

  it("keeps its machines when its cluster file becomes invalid", async () => {
    const text = await readFile(site.clusterFile, "utf8");
    await writeFile(site.clusterFile, text.replace("machines: container", "machines: containers"));
    const up = await site.run("up");
    expect(up.exitCode).toBe(1);
    expect(up.output).toContain("machines: containers is not one of vm, container");
    expect(await site.run("status")).toMatchObject({ exitCode: 0 });
    await writeFile(site.clusterFile, text);
  });

  it("leaves nothing behind after `down`, and has shown no secret", async () => {
    expect(await site.leaks()).toEqual([]);
    await site.succeed("down");
    expect(site.leftovers()).toEqual([]);
  });
});

it.each(["dgx-spark", "homelab"])("the target %s, not there yet, says so", async (target) => {
  const said = await aiHow(["preview", target, "--engine", "in-process"]);
  expect(said.exitCode).toBe(1);
  expect(said.output).toContain(`the target ${target} is not there yet; \`dev\` and \`workstation\` are`);
  expect(said.output).not.toMatch(/^\s+at /m);
});

it("a stack that does not exist is wrong usage, and those that do are named", async () => {
  for (const command of ["preview", "up", "refresh", "down", "outputs", "status", "stop", "start"]) {
    const said = await aiHow([command, "nowhere"]);
    expect(said.exitCode).toBe(2);
    expect(said.output).toContain("there is no such stack; there are dev, workstation, dgx-spark, homelab");
  }
});

it.each([
  [["hpc", "start", "cluster.yaml"], "ai-how up <stack>"],
  [["system", "destroy", "--force"], "ai-how down <stack>"],
  [["vm", "stop", "hpc-compute-01", "--force"], "ai-how stop <stack> --machine NAME"],
  [["inventory", "generate-hpc", "cluster.yaml", "hpc"], "ai-how outputs --json"],
])("the old command `%s` is wrong usage and names its successor", async (args, successor) => {
  const said = await aiHow(args);
  expect(said.exitCode).toBe(2);
  expect(said.output).toContain(successor);
});

it("an option of every old command is accepted with a warning", async () => {
  const said = await aiHow(["--state", "output/state.json", "validate", "stacks/dev.yaml"]);
  expect(said.exitCode).toBe(0);
  expect(said.output).toContain("warning: --state: ignored");
});

it("a shell completes commands, options and stacks", async () => {
  const words = async (...typed: string[]): Promise<string[]> =>
    (await aiHow(["complete", "--", ...typed])).stdout.split("\n").map((line) => line.split("\t")[0] ?? "");
  expect(await words("")).toEqual(expect.arrayContaining(["up", "topology"]));
  expect(await words("up", "")).toEqual(expect.arrayContaining(["dev", "workstation"]));
  expect(await words("up", "--machines", "")).toEqual(expect.arrayContaining(["vm", "container"]));
  expect((await aiHow(["completion", "bash"])).stdout).toContain("ai-how complete --");
});

it("a command or an option that does not exist is wrong usage", async () => {
  for (const args of [
    ["upp"],
    ["up", "--fast"],
    ["up", "dev", "--engine", "steam"],
    ["up", "--parallel", "0"],
  ]) {
    expect(await aiHow(args)).toMatchObject({ exitCode: 2 });
  }
});
