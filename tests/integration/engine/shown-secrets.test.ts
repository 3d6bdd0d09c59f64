import { expect, it } from "vitest";
import { engines } from "../../support/engines.ts";
import { Project } from "../../support/project.ts";
import { shownSecrets } from "../../support/shown-secrets.ts";
import { describeUnless } from "../../support/where.ts";

/** A program with secrets where stacks have them; `mark` is what it does to the one that another resource takes. */
const program = (mark: "secret" | "unsecret"): string => `
  const key = new host.SshKey("key", { comment: "trial" });
  const word = new host.RandomSecret("word", { bytes: 32 });
  new command.local.Command("user", {
    create: "true",
    environment: { KEY: key.privateKey, SEED: pulumi.${mark}(word.value) },
  });
  export const adminPrivateKey = key.privateKey;
  export const publicKey = key.publicKey;
`;

for (const { name, lacking, engineOf } of engines) {
  describeUnless(lacking, `a state by the engine ${name}`, () => {
    const shown = async (mark: "secret" | "unsecret"): Promise<string[]> => {
      const project = await Project.create(program(mark));
      const engine = engineOf(project);
      await project.run("up", { engine });
      const resources = await engine.resources();
      expect(resources.map(({ type }) => type)).toContain("command:local:Command");
      return shownSecrets(resources);
    };

    it("shows no secret where the program marks them all", async () => {
      expect(await shown("secret")).toEqual([]);
    });

    it("shows the one that loses its mark, wherever it goes and whatever it is called there", async () => {
      expect(await shown("unsecret")).toContain("user.environment.SEED");
    });
  });
}
