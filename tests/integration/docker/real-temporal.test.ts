import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import { findTemporal, lacks } from "../../required.ts";
import { aiHowCommand, Running } from "../../support/command.ts";
import { DockerEngine } from "../../support/docker.ts";
import {
  FAKE_TEMPORAL_IMAGE,
  makeFakeTemporalImage,
  makeRealTemporalImage,
  REAL_TEMPORAL_IMAGE,
} from "../../support/fake-temporal.ts";
import { failures, Project, repository } from "../../support/project.ts";
import { usePulumi } from "../../support/pulumi.ts";
import { sh } from "../../support/web.ts";
import { describeUnless } from "../../support/where.ts";

const components = join(repository, "components", "workshop");
const ADDRESS = "127.0.0.1:17233";
const history = z.object({
  events: z.array(
    z.object({
      eventId: z.string(),
      eventTime: z.iso.datetime(),
      activityTaskStartedEventAttributes: z.object({ scheduledEventId: z.string() }).optional(),
    }),
  ),
});

describeUnless(
  await lacks("root", "Docker", "Pulumi's CLI", "Temporal"),
  "Temporal in containers, with its real server",
  () => {
    const docker = new DockerEngine();
    let project: Project;
    let worker: Running | undefined;
    let temporal = "";

    beforeAll(async () => {
      temporal = (await findTemporal()).path;
      await docker.start();
      await docker.makeImage();
      await makeFakeTemporalImage(docker);
      await makeRealTemporalImage(docker, temporal);
      project = await Project.create(
        `
      const { DockerHost } = await import("${components}/../docker/docker-host.ts");
      const { Temporal } = await import("${components}/temporal.ts");
      const on = new DockerHost("trial-host", { host: "${docker.host}" });
      const [real, fake] = ["${REAL_TEMPORAL_IMAGE}", "${FAKE_TEMPORAL_IMAGE}"];
      new Temporal("trial-temporal", {
        port: 17233, uiPort: 18080, namespace: "trials",
        images: { postgresql: fake, server: real, adminTools: real, ui: fake },
      }, { providers: [on.docker] });`,
        { keep: true, cli: await usePulumi() },
      );
    });
    afterAll(async () => {
      await worker?.kill().catch(() => undefined);
      await docker.remove();
      await project.remove();
    });

    const place = ["--address", ADDRESS, "--namespace", "trials"];
    /** Starts a command where the server's published port is. */
    const launch = (...words: string[]): Running => {
      const [enter = "", ...rest] = docker.inNetwork;
      return new Running(enter, [...rest, ...words], {
        env: { TEMPORAL_LOG_DIR: join(project.root, "logs") },
      });
    };

    it("comes up with its namespace", async () => {
      const run = await project.run("up");
      expect([...failures(run), run.error?.message]).toEqual([undefined]);
      const described = await launch(temporal, "operator", "namespace", "describe", ...place).ended;
      expect(described.exitCode, described.output).toBe(0);
      expect(described.stdout).toMatch(/^ *NamespaceInfo\.Name +trials$/m);
    });

    it("carries a pipeline, whose steps a worker gets with the replies to its workflow tasks", async () => {
      worker = launch(aiHowCommand, "pipeline", "worker", ...place);
      await worker.until(/^working on/m);
      const chain = Array.from({ length: 12 }, (_, index) =>
        sh(`s${index}`, "true", { depends_on: index === 0 ? [] : [`s${index - 1}`] }),
      );
      const file = join(project.root, "chain.yaml");
      await writeFile(file, stringify({ steps: chain }));
      const ended = await launch(aiHowCommand, "pipeline", "run", file, "--workflow-id", "chain", ...place)
        .ended;
      expect(ended.exitCode, ended.output).toBe(0);

      const show = ["workflow", "show", "--workflow-id", "chain", "--output", "json", ...place];
      const { events } = history.parse(JSON.parse((await launch(temporal, ...show).ended).stdout));
      const timeOf = new Map(events.map(({ eventId, eventTime }) => [eventId, Date.parse(eventTime)]));
      const waits = events.flatMap(({ eventTime, activityTaskStartedEventAttributes: started }) =>
        started === undefined
          ? []
          : [Date.parse(eventTime) - (timeOf.get(started.scheduledEventId) ?? Number.NaN)],
      );
      expect(waits).toHaveLength(12);
      // The component's dynamic configuration has reached the server.
      expect(waits.filter((milliseconds) => milliseconds <= 1).length).toBeGreaterThan(6);
    });
  },
);
