import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { lacks } from "../../required.ts";
import { Project } from "../../support/project.ts";
import { usePulumi } from "../../support/pulumi.ts";
import { describeUnless } from "../../support/where.ts";

const cli = await usePulumi();

describeUnless(await lacks("Pulumi's CLI"), "Pulumi's plugin for Kubernetes", () => {
  it("does what the package @pulumi/kubernetes of another version asks it for", async () => {
    const project = await Project.create(`
      const kubernetes = await import("@pulumi/kubernetes");
      const provider = new kubernetes.Provider("files", { renderYamlToDirectory: "rendered" });
      const map = new kubernetes.core.v1.ConfigMap(
        "map", { metadata: { name: "map", namespace: "trial" }, data: { key: "value" } }, { provider },
      );
      export const name = map.metadata.name;`);
    const state = join(project.root, "state");
    await mkdir(state);
    const pulumi = (...args: string[]) =>
      execa(cli, [...args, "--stack", project.stack, "--non-interactive"], {
        cwd: project.root,
        env: { PULUMI_BACKEND_URL: `file://${state}`, PULUMI_CONFIG_PASSPHRASE: "trial", NO_COLOR: "1" },
      });
    await pulumi("stack", "init");
    await pulumi("up", "--yes", "--skip-preview");
    expect((await pulumi("stack", "output", "name")).stdout).toBe("map");
    expect(await readdir(join(project.root, "rendered/1-manifest"))).toEqual([
      expect.stringContaining("configmap-trial-map") as string,
    ]);
    // There is no cluster to compare with.
    await pulumi("destroy", "--yes", "--skip-preview", "--refresh=false");
  });
});
