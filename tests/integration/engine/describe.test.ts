import { expect, it } from "vitest";
import { planDocument } from "../../../cli/plan-document.ts";
import { planSchema, type Plan } from "../../../engine/plan.ts";
import { engines } from "../../support/engines.ts";
import { Project } from "../../support/project.ts";
import { describeUnless } from "../../support/where.ts";

const first = `
  new command.local.Command("stays", { create: "true" });
  new command.local.Command("changes", { create: "true", environment: { SIZE: "1" } });
  new command.local.Command("goes", { create: "true", triggers: [1] });
  new command.local.Command("again", { create: "true", triggers: [1] });
`;
const second = `
  const key = new host.SshKey("key", { comment: "trial" });
  new command.local.Command("stays", { create: "true" });
  new command.local.Command("changes", { create: "true", environment: { SIZE: "2" } });
  new command.local.Command("again", { create: "true", triggers: [2] });
  new command.local.Command("new", {
    create: "true",
    environment: { TOKEN: pulumi.secret("hunter2"), KEY: key.publicKey, HERE: process.cwd() + "/file" },
    triggers: [new pulumi.asset.FileAsset("index.ts")],
  }, { protect: true });
  export const shown = { list: ["plain", pulumi.secret("hunter2")] };
`;

/** The operations on resources that are not only there for Pulumi's own sake. */
function operations({ resources }: Plan): Record<string, string> {
  return Object.fromEntries(
    resources
      .filter(({ type, component }) => !component && !type.startsWith("pulumi:"))
      .map(({ name, operation }) => [name, operation]),
  );
}

for (const { name, lacking, engineOf } of engines) {
  describeUnless(lacking, `a preview for programs by the engine ${name}`, () => {
    const plan = async (project: Project): Promise<Plan> => {
      const document = await planDocument(engineOf(project), project, 4);
      return planSchema.parse(JSON.parse(JSON.stringify(document)));
    };

    it("has every resource with its operation and its inputs, and no secret", async () => {
      const project = await Project.create(first);
      expect((await project.run("up", { engine: engineOf(project) })).error).toBeUndefined();
      await project.program(second);
      const found = await plan(project);
      expect(found).toMatchObject({ version: 1, stack: "test", engine: name, violations: [], failures: [] });
      expect(operations(found)).toEqual({
        ...{ stays: "same", changes: "update", goes: "delete", again: "replace" },
        ...{ key: "create", new: "create" },
      });
      const made = found.resources.find((resource) => resource.name === "new");
      expect(made).toMatchObject({
        type: "command:local:Command",
        protect: true,
        component: false,
        inputs: {
          create: "true",
          environment: { TOKEN: "[secret]", KEY: "(known after up)", HERE: "./file" },
          triggers: [expect.stringMatching(/^index\.ts \([0-9a-f]{8}\)$/)],
        },
      });
      expect(found.outputs).toMatchObject({ shown: { list: ["plain", "[secret]"] } });
      expect(JSON.stringify(found)).not.toContain("hunter2");
    });

    it("has the policies that are violated beside the resources", async () => {
      const found = await plan(await Project.create(`${first} export const adminPassword = "hunter2";`));
      expect(found.violations).toHaveLength(1);
      expect(found.violations[0]?.rule).toBe("no-plain-secret");
      expect(found.violations[0]?.urn).toMatch(/::trial-test$/);
      expect(found.violations[0]?.message).toMatch(/^adminPassword is a secret by its name/);
      expect(operations(found)).toMatchObject({ stays: "create" });
    });

    it("says why there is none", async () => {
      const found = await plan(await Project.create(`throw new pulumi.RunError("not there yet");`));
      expect(found.failures.join("\n")).toContain("not there yet");
    });
  });
}
