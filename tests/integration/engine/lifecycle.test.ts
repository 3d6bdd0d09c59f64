import { expect, test } from "vitest";
import { failures, Project, touched } from "../../support/project.ts";

/** A command that writes what happens to it into the file `log`. */
function logged(name: string, more = "", options = "{}"): string {
  return `const ${name} = new command.local.Command("${name}", {
    create: "echo create ${name} >> log", update: "echo update ${name} >> log", delete: "echo delete ${name} >> log",
    ${more} }, ${options});`;
}

test("a preview runs nothing, and leaves no state", async () => {
  const project = await Project.create(logged("first"));
  const preview = await project.run("preview");
  expect(touched(preview, "create")).toEqual(["first"]);
  expect(await project.lines("log")).toEqual([]);
  expect(await project.lines(".ai-how/test.json")).toEqual([]);
});

test("resources come in the order of their dependencies and go in the reverse one", async () => {
  const program = [
    logged("first"),
    logged("second", "triggers: [first.id],"),
    logged("third", "", "{ dependsOn: [second] }"),
  ].join("\n");
  const project = await Project.create(program);
  expect((await project.run("up")).summary).toEqual({ create: 3 });
  expect(await project.lines("log")).toEqual(["create first", "create second", "create third"]);
  expect((await project.run("up")).summary).toEqual({ same: 3 });
  expect((await project.run("down")).summary).toEqual({ delete: 3 });
  expect((await project.lines("log")).slice(3)).toEqual(["delete third", "delete second", "delete first"]);
  expect(await project.lines(".ai-how/test.json")).toEqual([]);
});

test("a dependency on a component waits for everything in it", async () => {
  const project = await Project.create(`
    class Pair extends pulumi.ComponentResource {
      constructor(name) {
        super("trial:index:Pair", name, {});
        new command.local.Command(name + "-slow", { create: "sleep 0.5; echo slow >> log" }, { parent: this });
        this.registerOutputs({});
      }
    }
    const pair = new Pair("pair");
    ${logged("after", "", "{ dependsOn: [pair] }")}`);
  expect((await project.run("up")).error).toBeUndefined();
  expect(await project.lines("log")).toEqual(["slow", "create after"]);
});

test("a changed input updates in place, a changed trigger replaces: the new one first, then the old one goes", async () => {
  const project = await Project.create(logged("one", 'environment: { A: "1" }, triggers: ["1"],'));
  await project.run("up");
  await project.program(logged("one", 'environment: { A: "2" }, triggers: ["1"],'));
  const update = await project.run("up");
  expect(touched(update, "update")).toEqual(["one"]);
  await project.program(logged("one", 'environment: { A: "2" }, triggers: ["2"],'));
  const replace = await project.run("up");
  expect(touched(replace, "replace")).toEqual(["one"]);
  expect(await project.lines("log")).toEqual(["create one", "update one", "create one", "delete one"]);
});

test("deleteBeforeReplace deletes first, and what hangs on it before that", async () => {
  const program = (trigger: string): string =>
    [
      logged("base", `triggers: ["${trigger}"],`, "{ deleteBeforeReplace: true }"),
      logged("dependent", "triggers: [base.id],"),
      logged("bystander", "", "{ dependsOn: [base] }"),
    ].join("\n");
  const project = await Project.create(program("1"));
  await project.run("up");
  await project.program(program("2"));
  const run = await project.run("up");
  expect((await project.lines("log")).slice(3)).toEqual([
    "delete dependent",
    "delete base",
    "create base",
    "create dependent",
  ]);
  expect(touched(run, "replace")).toEqual(["base", "dependent"]);
});

test("ignoreChanges keeps the old value of what it names, and nothing else", async () => {
  const program = (a: string, b: string): string =>
    logged("one", `environment: { A: "${a}" }, stdin: "${b}",`, '{ ignoreChanges: ["environment"] }');
  const project = await Project.create(program("1", "1"));
  await project.run("up");
  await project.program(program("2", "1"));
  expect((await project.run("up")).summary).toEqual({ same: 1 });
  await project.program(program("2", "2"));
  expect((await project.run("up")).summary).toEqual({ update: 1 });
});

test("a protected resource is neither deleted nor replaced", async () => {
  const project = await Project.create(logged("safe", "", "{ protect: true }"));
  await project.run("up");
  await project.program("");
  expect(failures(await project.run("up"))).toEqual([
    "safe: safe is protected and would be deleted; remove `protect` from the program and run `up` first, or keep the resource with `down --exclude-protected`",
  ]);
  expect(failures(await project.run("down"))).toHaveLength(1);
  expect(await project.lines("log")).toEqual(["create safe"]);
});

test("what is protected can be kept with what it needs, while the rest goes", async () => {
  const project = await Project.create(
    [
      logged("password"),
      logged("data", "", "{ protect: true, dependsOn: [password] }"),
      logged("server", "", "{ dependsOn: [data] }"),
    ].join("\n"),
  );
  await project.run("up");
  const down = await project.engine.down({
    emit: () => undefined,
    signal: new AbortController().signal,
    parallel: 8,
    excludeProtected: true,
  });
  expect(down).toEqual({ delete: 1 });
  expect((await project.lines("log")).slice(3)).toEqual(["delete server"]);
  expect((await project.run("up")).summary).toEqual({ create: 1, same: 2 });
});

test("what is deleted with another resource is only forgotten", async () => {
  const project = await Project.create(
    [logged("house"), logged("room", "", "{ deletedWith: house }")].join("\n"),
  );
  await project.run("up");
  expect((await project.run("down")).summary).toEqual({ delete: 2 });
  expect((await project.lines("log")).slice(2)).toEqual(["delete house"]);
});

test("an option that only Pulumi's engine has is refused", async () => {
  const project = await Project.create(logged("garden", "", "{ retainOnDelete: true }"));
  expect(failures(await project.run("preview"))).toEqual([
    "garden: the in-process engine has no retainOnDelete; use Pulumi's (`--engine pulumi`)",
  ]);
});

test("independent resources are worked on side by side", async () => {
  // Each ends only when all have begun.
  const meet =
    "touch begun.$N; for i in $(seq 200); do [ $(ls begun.* | wc -l) = 4 ] && exit 0; sleep 0.1; done; exit 1";
  const project = await Project.create(
    [1, 2, 3, 4]
      .map((n) => `new command.local.Command("c${n}", { create: "${meet}", environment: { N: "${n}" } });`)
      .join("\n"),
  );
  expect((await project.run("up")).summary).toEqual({ create: 4 });
});

test("after a failure nothing new starts, and what succeeded is kept", async () => {
  const project = await Project.create(
    [
      logged("good"),
      'const bad = new command.local.Command("bad", { create: "sleep 0.3; echo no >&2; exit 3" });',
      logged("after", "", "{ dependsOn: [bad] }"),
    ].join("\n"),
  );
  const run = await project.run("up");
  expect(run.error?.message).toBe("command:local:Command bad failed");
  expect(failures(run)[0]).toContain("exit code 3");
  expect(await project.lines("log")).toEqual(["create good"]);
  await project.program(
    [logged("good"), logged("bad"), logged("after", "", "{ dependsOn: [bad] }")].join("\n"),
  );
  expect((await project.run("up")).summary).toEqual({ same: 1, create: 2 });
});

test("a resource that cannot be made is told of once, and not by the program that goes on to others", async () => {
  const project = await Project.create(
    [
      'new (class extends pulumi.CustomResource {})("command:remote:Command", "place", {});',
      'const late = new Promise((resolve) => setTimeout(resolve, 500, "true"));',
      'for (const name of ["a", "b"]) new command.local.Command(name, { create: late });',
    ].join("\n"),
  );
  const run = await project.run("preview");
  expect(failures(run)).toEqual([
    expect.stringContaining("command:remote:Command is not a resource of command; there are"),
  ]);
  expect(run.events.filter((event) => event.type === "log")).toEqual([]);
});

test("a program that fails deletes nothing", async () => {
  const project = await Project.create(logged("one"));
  await project.run("up");
  await project.program('throw new pulumi.RunError("the file is wrong");');
  const run = await project.run("up");
  expect(run.error?.message).toBe("the program failed");
  expect(run.events).toContainEqual(expect.objectContaining({ type: "log", level: "error" }));
  expect(await project.lines("log")).toEqual(["create one"]);
});
