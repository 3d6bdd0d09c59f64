import { existsSync } from "node:fs";
import { appendFile, chmod, cp, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { Project, repository, touched } from "../../support/project.ts";

// Two plays of one machine, as a stack declares them. The sources are copied, so that paths that a component resolves lead into
// the test's own `ansible`, wherever it resolves them from.
const PROGRAM = `
  const { Playbook } = await import("./components/ansible/playbook.ts");
  const known = (value) => pulumi.output(value);
  const login = { user: "admin", port: 22, hostKey: "ssh-ed25519 AAAA", proxyCommand: undefined };
  const machine = {
    name: "node", kind: "vm", address: known("10.0.0.2"), ready: known("1"), registered: known("urn"), login,
    ssh: known({ address: "10.0.0.2", ...login, privateKey: "secret" }),
  };
  const play = (role) => ({ roles: [role], groups: { [role]: [machine] }, variables: known({}) });
  new Playbook("jobs", { playbook: "jobs", plays: [play("slurm")] });
  new Playbook("shares", { playbook: "shares", plays: [play("storage")] });
`;

const SOURCES = ["components", "providers", "gpu", "config", "versions", "versions.ts"];

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

/** The project, and the playbooks that `up` runs; `ansible/run` is a stand-in that only records its playbook. */
async function create() {
  const project = await Project.create(PROGRAM);
  const { root } = project;
  for (const source of SOURCES.filter((each) => existsSync(join(repository, each)))) {
    await cp(join(repository, source), join(root, source), { recursive: true });
  }
  const ansible = join(root, "ansible");
  await write(join(ansible, "run"), `#!/bin/sh\ncat >/dev/null\necho "$1" >>'${root}/runs'\n`);
  await chmod(join(ansible, "run"), 0o755);
  for (const playbook of ["jobs", "shares"]) await write(join(ansible, `playbooks/${playbook}.yml`), "[]\n");
  for (const role of ["base", "slurm", "storage"]) {
    await write(join(ansible, `roles/${role}/tasks/main.yml`), "[]\n");
  }
  return {
    project,
    edit: (file: string) => appendFile(join(ansible, file), "# edited\n"),
    up: async () => {
      const before = (await project.lines("runs")).length;
      expect((await project.run("up")).error).toBeUndefined();
      return (await project.lines("runs")).slice(before).sort();
    },
  };
}

test("a changed file of a role runs again the playbooks that apply the role, and no other", async () => {
  const { project, edit, up } = await create();
  expect(await up()).toEqual(["jobs", "shares"]);
  expect(await up()).toEqual([]);

  await edit("roles/slurm/tasks/main.yml");
  expect(touched(await project.run("preview"), "replace")).toEqual(["jobs-run"]);
  expect(await up()).toEqual(["jobs"]);

  await edit("playbooks/shares.yml");
  expect(await up()).toEqual(["shares"]);

  // Every machine gets role base.
  await edit("roles/base/tasks/main.yml");
  expect(await up()).toEqual(["jobs", "shares"]);
  expect(await up()).toEqual([]);
});
