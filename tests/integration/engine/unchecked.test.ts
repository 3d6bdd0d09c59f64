import { expect, test } from "vitest";
import { planDocument } from "../../../cli/plan-document.ts";
import { Project, touched } from "../../support/project.ts";

// As `@pulumi/kubernetes` asks for them, with an invoke, a component that its provider makes, and a provider of its own.
const program = `
  class Any extends pulumi.CustomResource {
    constructor(type, name, inputs, options) { super(type, name, { later: undefined, ...inputs }, options); }
  }
  class Chart extends pulumi.ComponentResource {
    constructor(name, inputs, options) { super("kubernetes:helm.sh/v4:Chart", name, inputs, options, true); }
  }
  const provider = new (class extends pulumi.ProviderResource {})("kubernetes", "cluster", { namespace: "lab" });
  const place = new Any("kubernetes:core/v1:Namespace", "place", { metadata: { name: "lab" } }, { provider });
  new Chart("web", { chart: "./web" }, { providers: [provider] });
  const found = pulumi.runtime.invokeOutput("kubernetes:yaml:decode", { text: "a: 1" });
  const made = new command.local.Command("made", {
    create: pulumi.interpolate\`echo \${place.metadata.name} >> made\`,
    environment: { LATER: place.later.apply(String), FOUND: found.apply(String) },
  });
  export const name = place.metadata.name;
  export const later = place.later;
`;

test("what another engine would have to run is previewed as it is asked for, and marked", async () => {
  const project = await Project.create(program);
  const { failures, violations, resources, outputs } = await planDocument(project.engine, project, 4);
  expect([...failures, ...violations]).toEqual([]);
  const byName = Object.fromEntries(resources.map((resource) => [resource.name, resource]));
  expect(byName.place).toMatchObject({
    operation: "create",
    checked: false,
    inputs: { metadata: { name: "lab" } },
  });
  expect(byName.place?.provider).toContain("pulumi:providers:kubernetes::cluster::");
  for (const name of ["cluster", "web"]) expect(byName[name], name).toMatchObject({ checked: false });
  expect(byName.made).toMatchObject({
    checked: true,
    inputs: {
      create: "echo lab >> made",
      environment: { FOUND: "(known after up)", LATER: "(known after up)" },
    },
  });
  expect(byName.made?.dependencies).toContain(byName.place?.urn);
  expect(outputs).toMatchObject({ name: "lab", later: "(known after up)" });
});

test("up refuses it in one line before anything is made, and says what it wants", async () => {
  const project = await Project.create(program);
  const up = await project.run("up");
  expect(up.error?.message).toBe(
    "test needs Pulumi's engine, as the in-process one does not support these packages: kubernetes; install it with `tools/pulumi.sh` or `npx pulumi version`, then run `ai-how up test --engine pulumi`; nothing was changed",
  );
  expect(touched(up, "create")).toEqual([]);
  expect(await project.lines("made")).toEqual([]);
  expect(await project.lines(".ai-how/test.json")).toEqual([]);
});

test("a question to such a provider is enough for that", async () => {
  const project = await Project.create(
    'export const found = pulumi.runtime.invokeOutput("kubernetes:yaml:decode", { text: "a: 1" });',
  );
  expect((await project.run("preview")).error).toBeUndefined();
  expect((await project.run("up")).error?.message).toContain("does not support these packages: kubernetes");
});
