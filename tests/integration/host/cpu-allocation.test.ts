import { execa } from "execa";
import { expect, it, test } from "vitest";
import { z } from "zod";
import { lacks } from "../../required.ts";
import { aiHowCommand } from "../../support/command.ts";
import { failures, Project, touched } from "../../support/project.ts";
import { preview } from "../../support/plan.ts";
import { usePulumi } from "../../support/pulumi.ts";
import { describeUnless } from "../../support/where.ts";
import { validText } from "../../unit/config/fixtures.ts";

/** A program with a machine for each word `name:cpus`; a command stands for each, which runs again when its CPUs change. */
function program(...machines: string[]): string {
  const requests = machines.map((word) => {
    const [machine = "", cpus = "1"] = word.split(":");
    return { machine, cpus: Number(cpus) };
  });
  return `const allocation = new host.CpuAllocation("cpus", { requests: ${JSON.stringify(requests)} });
    for (const { machine } of ${JSON.stringify(requests)}) {
      const own = allocation.numbers.apply((numbers) => (numbers[machine] ?? []).join(","));
      new command.local.Command(machine, { create: "true", triggers: [own] });
    }
    export const numbers = allocation.numbers;`;
}

test("a machine that comes or goes moves no other machine, in a preview as in an up", async () => {
  const project = await Project.create(program("head:2", "worker:4"));
  await project.run("up");
  expect(await project.outputs()).toEqual({ numbers: { head: [0, 1], worker: [2, 3, 4, 5] } });

  await project.program(program("head:2", "added:3", "worker:4"));
  const planned = await project.run("preview");
  expect(touched(planned, "create")).toEqual(["added"]);
  expect(touched(planned, "replace")).toEqual([]);
  const done = await project.run("up");
  expect(failures(done)).toEqual([]);
  expect(touched(done, "create")).toEqual(["added"]);
  expect((await project.outputs()).numbers).toMatchObject({
    head: [0, 1],
    worker: [2, 3, 4, 5],
    added: [6, 7, 8],
  });

  await project.program(program("added:3", "worker:4"));
  await project.run("up");
  expect((await project.outputs()).numbers).toEqual({ added: [6, 7, 8], worker: [2, 3, 4, 5] });

  await project.program(program("later:2", "added:3", "worker:4"));
  await project.run("up");
  expect((await project.outputs()).numbers).toMatchObject({ later: [0, 1], worker: [2, 3, 4, 5] });
});

test("the target workstation pins VMs to what is allocated, known before anything is made", async () => {
  const { resources } = await preview("workstation", validText("old-hardware"));
  const pinning = z.array(z.object({ vcpu: z.int(), cpus: z.string() }));
  const pins = resources
    .filter(({ type }) => type === "libvirt:index:Domain")
    .map(({ inputs }) => [inputs.name, pinning.parse(inputs.cpuPinning).map(({ cpus }) => cpus)]);
  const numbers = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => String(from + i));
  expect(Object.fromEntries(pins)).toEqual({
    "hardware-controller": numbers(0, 3),
    "hardware-compute-01": numbers(4, 19),
  });
});

await usePulumi();
describeUnless(await lacks("Pulumi's CLI"), "the engine pulumi", () => {
  it("gives machines the same CPUs, and says so in a preview", async () => {
    const allocated = (...machines: string[]) =>
      `${program(...machines).split("\n")[0] ?? ""}\nexport const numbers = allocation.numbers.apply((is) => JSON.stringify(is));`;
    const project = await Project.create(allocated("head:2", "worker:1"));
    const run = (...args: string[]) =>
      execa(aiHowCommand, [...args, project.stack, "--engine", "pulumi"], {
        cwd: project.root,
        reject: false,
      });
    const foreseen = async () => {
      const { stdout } = await run("preview", "--format", "json");
      const plan = z.object({ outputs: z.object({ numbers: z.string() }) }).parse(JSON.parse(stdout));
      return z.record(z.string(), z.array(z.int())).parse(JSON.parse(plan.outputs.numbers));
    };
    expect((await run("up")).stderr).toBe("");
    expect(await foreseen()).toEqual({ head: [0, 1], worker: [2] });

    await project.program(allocated("added:1", "worker:1", "head:2"));
    const kept = { added: [3], head: [0, 1], worker: [2] };
    expect(await foreseen()).toEqual(kept);
    expect((await run("up")).stderr).toBe("");
    expect(await foreseen()).toEqual(kept);
  });
});
