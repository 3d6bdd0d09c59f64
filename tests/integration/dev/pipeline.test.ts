import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { stringify } from "yaml";
import { lacks } from "../../required.ts";
import { DockerEngine } from "../../support/docker.ts";
import { TemporalStage } from "../../support/temporal.ts";
import { describeUnless } from "../../support/where.ts";
import { BASE, makeBase } from "./stage.ts";

describeUnless(
  (await lacks("root", "Docker")) ?? (await lacks("Temporal")),
  "container_job without a launcher",
  () => {
    const stage = new TemporalStage();
    const engine = new DockerEngine();
    const workspace = join(engine.folder, "work");

    beforeAll(async () => {
      await engine.start();
      await makeBase("docker", join(engine.folder, "base"), engine.env);
      mkdirSync(workspace);
      const worker = stage.launch(["pipeline", "worker"], {
        env: {
          ...engine.env,
          SYGALDRY_CONTAINER_ROOT: join(engine.folder, "root"),
          SYGALDRY_BASE_IMAGE: BASE,
          SYGALDRY_TOOLS: "none",
        },
      });
      await worker.until(/^working on/m);
    });
    afterAll(() => engine.remove());

    it("runs its command in the development container, with its environment, and leaves nothing", async () => {
      const file = join(stage.folder, "plan.yaml");
      const command = 'echo "$SYGALDRY_PROJECT_ID: $GREETING" "a  b" >here; exit 9';
      writeFileSync(
        file,
        stringify({
          steps: [
            {
              id: "train",
              type: "container_job",
              working_dir: workspace,
              allow_failure: true,
              container_job: { command, project_id: "mine", env: { GREETING: "hi  there" } },
            },
            {
              id: "look",
              type: "container_job",
              working_dir: workspace,
              depends_on: ["train"],
              when: { step: "train", status: "failure" },
              container_job: { command: "cat here" },
            },
          ],
        }),
      );
      const said = await stage.run("run", file);
      expect(said.exitCode, said.output).toBe(0);
      expect(said.stdout).toMatch(/exitcode: 9\n/);
      expect(said.stdout).toContain("mine: hi  there a  b");
      expect(await engine.containers()).toEqual([]);
    });
  },
);
