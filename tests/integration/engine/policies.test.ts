import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { nameOf } from "../../../wire/urn.ts";
import { aiHowCommand } from "../../support/command.ts";
import { engines } from "../../support/engines.ts";
import { Project, failures, repository, touched, type Run } from "../../support/project.ts";
import { describeUnless } from "../../support/where.ts";

const made = `const made = new command.local.Command("made", { create: "echo made | tee -a made" });`;

/** `name: rule: message` */
function violations(run: Run): string[] {
  return run.events.flatMap((event) =>
    event.type === "violation" ? [`${nameOf(event.urn)}: ${event.rule}: ${event.message}`] : [],
  );
}

function warnings(run: Run): string[] {
  return run.events.flatMap((event) =>
    event.type === "log" && event.level === "warning" ? [event.line] : [],
  );
}

for (const { name, lacking, engineOf } of engines) {
  describeUnless(lacking, `policies by the engine ${name}`, () => {
    const run = (project: Project, operation: "preview" | "up"): Promise<Run> =>
      project.run(operation, { engine: engineOf(project) });

    it("stop a preview, and an `up` before anything is made", async () => {
      const project = await Project.create(`${made}\nexport const adminPassword = "hunter2";`);
      for (const operation of ["preview", "up"] as const) {
        const { error, ...told } = await run(project, operation);
        expect(error?.message).toBe("1 policy violation; nothing was changed");
        expect(violations({ error, ...told })).toEqual([
          expect.stringMatching(
            /^trial-test: no-plain-secret: adminPassword is a secret by its name, but is not marked/,
          ),
        ]);
        expect(JSON.stringify(told.events)).not.toContain("hunter2");
      }
      expect(await project.lines("made")).toEqual([]);
    });

    it("stop a resource whose inputs are only known when its turn comes", async () => {
      const project = await Project.create(`
        import * as libvirt from ${JSON.stringify(join(repository, "providers/libvirt/resources.ts"))};
        ${made}
        new libvirt.Volume("copy", { pool: "lab", name: "base.qcow2", source: made.stdout.apply(() => "/srv/base.qcow2") });
      `);
      expect((await run(project, "preview")).error).toBeUndefined();
      const up = await run(project, "up");
      expect(up.error).toBeDefined();
      // With a language host that is older than the CLI nothing looks at it just then, which is said once.
      const old = warnings(up).filter((line) => line.includes("cannot run policy packs"));
      expect(old.length).toBeLessThanOrEqual(1);
      if (old.length === 0)
        expect([...failures(up), ...violations(up)].join("\n")).toContain(
          "copy: pinned: source: /srv/base.qcow2 has no digest in its name",
        );
      expect(touched(up, "create")).toContain("made");
      expect(touched(up, "create")).not.toContain("copy");
      expect(await project.lines("made")).toEqual(["made"]);
    });

    it("tell of a secret that only shows afterwards, without showing it", async () => {
      const project = await Project.create(`
        const key = new host.SshKey("key", { comment: "trial" });
        export const shown = pulumi.unsecret(key.privateKey);
      `);
      expect((await run(project, "preview")).error).toBeUndefined();
      const up = await run(project, "up");
      expect(up.error?.message).toBe("1 policy violation; fix the program and run `up` again");
      expect(violations(up)).toEqual([
        expect.stringMatching(/^trial-test: no-plain-secret: shown holds a private key/),
      ]);
      expect(JSON.stringify(up.events)).not.toContain("OPENSSH");
    });

    it("say nothing of a stack that keeps to them, on top of what it did", async () => {
      const project = await Project.create(`${made}\nexport const adminPassword = pulumi.secret("hunter2");`);
      const up = await run(project, "up");
      expect(up.error).toBeUndefined();
      expect(violations(up)).toEqual([]);
      expect(touched(up, "create")).toContain("made");
    });
  });
}

describe("ai-how", () => {
  it("prints a violation in one line, with what to do, and exits with 1", async () => {
    const project = await Project.create(`export const adminPassword = "hunter2", token = "abc";`);
    const args = ["preview", project.stack, "--engine", "in-process"];
    const { exitCode, stdout, stderr } = await execa(aiHowCommand, args, {
      cwd: project.root,
      env: { NO_COLOR: "1" },
      reject: false,
    });
    expect(exitCode).toBe(1);
    expect(stdout.split("\n").filter((line) => line.startsWith("✗"))).toEqual([
      expect.stringMatching(/^✗ Stack trial-test: no-plain-secret: adminPassword is .*; use `pulumi.secret`/),
      expect.stringMatching(/^✗ Stack trial-test: no-plain-secret: token is .*; use `pulumi.secret`/),
    ]);
    expect(stderr).toBe("ai-how: 2 policy violations; nothing was changed");
  });
});

describe("plan", () => {
  it("shows a stack that is against the policies: pictures are drawn of it, too", async () => {
    const project = await Project.create(`${made}\nexport const adminPassword = "hunter2";`);
    const { resources } = await project.engine.plan({
      emit: () => undefined,
      signal: new AbortController().signal,
      parallel: 4,
    });
    expect(resources.map(({ urn }) => nameOf(urn))).toContain("made");
  });
});
