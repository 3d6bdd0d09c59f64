import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { pack } from "tar-stream";
import { type Context, ProviderError, resourceType } from "../../../../providers/framework/resource.ts";
import { Daemon, type DockerConfig } from "./connection.ts";
import { type ContainerInputs, containerSchema, createOptions } from "./container-options.ts";
import { isOf } from "./owner.ts";
import { pullMissing } from "./pull.ts";

const POLL_MILLISECONDS = 250;
const LINES_TOLD = 15;

type Operation = Pick<Context<DockerConfig>, "config" | "urn" | "signal" | "log">;

/**
 * `docker:index/container:Container`. A container is what it was made as, but for its name, its restart policy and whether
 * it runs: nothing else of it can differ from the state, and nothing else is updated.
 */
export const container = resourceType<DockerConfig, ContainerInputs, ContainerInputs>({
  token: "docker:index/container:Container",
  inputs: containerSchema,
  changes: {
    restart: "update",
    mustRun: "update",
    attach: "update",
    wait: "update",
    waitTimeout: "update",
    destroyGraceSeconds: "update",
  },
  deleteBeforeReplace: true,
  // The daemon takes a name wherever it takes an id.
  identify: ({ name }) => name,

  async create(inputs, operation: Operation) {
    const daemon = await Daemon.at(operation.config);
    await removeLeftover(daemon, inputs.name, operation.urn);
    await pullMissing(daemon, inputs.image, operation);
    const { id } = await daemon.ask((client) => client.createContainer(createOptions(inputs, operation.urn)));
    await upload(daemon, id, inputs);
    await daemon.ask((client) => client.getContainer(id).start());
    if (inputs.wait) await waitUntilHealthy(daemon, id, inputs, operation);
    if (inputs.attach) await waitForEnd(daemon, id, inputs, operation);
    return { id, inputs, state: inputs };
  },

  async read(id, last, { config }) {
    const daemon = await Daemon.at(config);
    const found = await inspect(daemon, id);
    if (found === undefined || last === undefined) return undefined;
    const inputs = {
      ...last.inputs,
      name: found.Name.replace(/^\//, ""),
      restart: restartOf(found),
      mustRun: last.inputs.mustRun && found.State.Running,
    };
    return { id, inputs, state: inputs };
  },

  async update(id, was, inputs, operation: Operation) {
    const daemon = await Daemon.at(operation.config);
    if (was.inputs.restart !== inputs.restart) {
      const policy = { RestartPolicy: { Name: inputs.restart } };
      await daemon.ask((client) => client.getContainer(id).update(policy));
    }
    if (!was.inputs.mustRun && inputs.mustRun) {
      await daemon.settle((client) => client.getContainer(id).start(), 304);
      if (inputs.wait) await waitUntilHealthy(daemon, id, inputs, operation);
    }
    return { id, inputs, state: inputs };
  },

  async delete(id, last, { config }) {
    const daemon = await Daemon.at(config);
    await remove(daemon, id, last.inputs.destroyGraceSeconds);
  },
});

function inspect(daemon: Daemon, id: string): Promise<Docker.ContainerInspectInfo | undefined> {
  return daemon.find((client) => client.getContainer(id).inspect());
}

/** The daemon leaves it empty where none was asked for. */
function restartOf({ HostConfig: { RestartPolicy: policy } }: Docker.ContainerInspectInfo) {
  return containerSchema.restart.parse(policy?.Name === "" ? undefined : policy?.Name);
}

async function remove(daemon: Daemon, id: string, graceSeconds: number): Promise<void> {
  await daemon.settle((client) => client.getContainer(id).stop({ t: graceSeconds }), 304, 404);
  // Anonymous volumes go with it; 409: somebody else is removing it.
  await daemon.settle((client) => client.getContainer(id).remove({ force: true, v: true }), 404, 409);
}

/** Removes what a creation left that failed or was killed; another's container is in the way. */
async function removeLeftover(daemon: Daemon, name: string, urn: string): Promise<void> {
  const found = await inspect(daemon, name);
  if (found === undefined) return;
  if (!isOf(urn, found.Config.Labels)) {
    throw new ProviderError(
      `${name}: Docker has a container of this name that is not this stack's; remove it with \`docker rm ${name}\``,
    );
  }
  await remove(daemon, found.Id, 0);
}

async function upload(daemon: Daemon, id: string, { uploads }: ContainerInputs): Promise<void> {
  if (uploads.length === 0) return;
  const archive = pack();
  for (const { file, content } of uploads) archive.entry({ name: file, mode: 0o644 }, content);
  archive.finalize();
  const bytes = await buffer(archive);
  await daemon.ask((client) => client.getContainer(id).putArchive(bytes, { path: "/" }));
}

async function waitUntilHealthy(
  daemon: Daemon,
  id: string,
  { name, waitTimeout, restart }: ContainerInputs,
  { log, signal }: Operation,
): Promise<void> {
  log(`waiting until ${name} is healthy`);
  const end = performance.now() + waitTimeout * 1000;
  for (;;) {
    const state = (await inspect(daemon, id))?.State;
    if (state === undefined) throw new ProviderError(`${name}: somebody removed it while it started`);
    if (state.Health?.Status === "healthy") return;
    if (state.Health === undefined)
      throw new ProviderError(`${name}: \`wait\` needs a healthcheck, and neither it nor its image has one`);
    if (!state.Running && restart === "no")
      throw new ProviderError(
        `${name} ended with exit code ${state.ExitCode}; its last lines:\n${await lastLines(daemon, id)}`,
      );
    if (performance.now() > end)
      throw new ProviderError(
        `${name} is not healthy after ${waitTimeout} s; its last lines:\n${await lastLines(daemon, id)}`,
      );
    await sleep(POLL_MILLISECONDS, undefined, { signal });
  }
}

/** @throws ProviderError where it ends with another exit code than 0; the provider does not look at that */
async function waitForEnd(
  daemon: Daemon,
  id: string,
  { name }: ContainerInputs,
  { log, signal }: Operation,
): Promise<void> {
  log(`waiting for the end of ${name}`);
  for (;;) {
    const state = (await inspect(daemon, id))?.State;
    if (state === undefined) throw new ProviderError(`${name}: somebody removed it while it ran`);
    if (!state.Running && state.ExitCode === 0) return;
    if (!state.Running)
      throw new ProviderError(
        `${name} ended with exit code ${state.ExitCode}; its last lines:\n${await lastLines(daemon, id)}`,
      );
    await sleep(POLL_MILLISECONDS, undefined, { signal });
  }
}

async function lastLines(daemon: Daemon, id: string): Promise<string> {
  const raw = await daemon.ask((client) =>
    client.getContainer(id).logs({ stdout: true, stderr: true, tail: LINES_TOLD }),
  );
  return withoutHeaders(raw).trimEnd();
}

/** Output of a container without a terminal comes in frames: a stream's number, three zeros, a length of four bytes. */
function withoutHeaders(raw: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= raw.length;) {
    const length = raw.readUInt32BE(at + 4);
    parts.push(raw.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(parts).toString();
}
