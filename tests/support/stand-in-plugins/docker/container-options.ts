import type Docker from "dockerode";
import { z } from "zod";
import { labelsOf } from "./owner.ts";

const MILLISECONDS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

// As Go writes it.
const duration = z.string().regex(/^(\d+(ms|s|m|h))+$/, "must be a duration such as 5s or 1m30s");

const port = z.int().min(1).max(65_535);

export const containerSchema = {
  name: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/, "must be a container's name"),
  image: z.string().min(1),
  entrypoints: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  envs: z.array(z.string().regex(/^\w+=/, "must be NAME=value")).default([]),
  ports: z
    .array(
      z.strictObject({
        internal: port,
        external: port,
        ip: z.ipv4().default("0.0.0.0"),
        protocol: z.enum(["tcp", "udp"]).default("tcp"),
      }),
    )
    .default([]),
  volumes: z
    .array(z.strictObject({ volumeName: z.string().min(1), containerPath: z.string().startsWith("/") }))
    .default([]),
  networksAdvanced: z
    .array(z.strictObject({ name: z.string().min(1), aliases: z.array(z.string()).default([]) }))
    .default([]),
  uploads: z.array(z.strictObject({ file: z.string().startsWith("/"), content: z.string() })).default([]),
  healthcheck: z
    .strictObject({
      tests: z.array(z.string()).min(1),
      interval: duration.default("0s"),
      timeout: duration.default("0s"),
      startPeriod: duration.default("0s"),
      retries: z.int().min(0).default(0),
    })
    .optional(),
  restart: z.enum(["no", "on-failure", "always", "unless-stopped"]).default("no"),
  mustRun: z.boolean().default(true),
  attach: z.boolean().default(false),
  wait: z.boolean().default(false),
  waitTimeout: z.int().min(1).default(60),
  destroyGraceSeconds: z.int().min(0).default(0),
};

/** Inputs of a container, with the provider's defaults. */
export type ContainerInputs = {
  [Key in keyof typeof containerSchema]: z.output<(typeof containerSchema)[Key]>;
};

/** What the daemon is asked to make. */
export function createOptions(inputs: ContainerInputs, urn: string): Docker.ContainerCreateOptions {
  const { ports, volumes, networksAdvanced, entrypoints, command, healthcheck } = inputs;
  const published = ports.map(
    ({ internal, external, ip, protocol }) =>
      [`${internal}/${protocol}`, { HostIp: ip, HostPort: String(external) }] as const,
  );
  const [first] = networksAdvanced;
  return {
    name: inputs.name,
    Image: inputs.image,
    Env: inputs.envs,
    Labels: labelsOf(urn),
    ...(entrypoints !== undefined && { Entrypoint: entrypoints }),
    ...(command !== undefined && { Cmd: command }),
    ...(healthcheck !== undefined && { Healthcheck: healthOptions(healthcheck) }),
    ExposedPorts: Object.fromEntries(published.map(([internal]) => [internal, {}])),
    HostConfig: {
      PortBindings: Object.fromEntries(
        Object.entries(Object.groupBy(published, ([internal]) => internal)).map(([internal, bindings]) => [
          internal,
          bindings?.map(([, binding]) => binding) ?? [],
        ]),
      ),
      Binds: volumes.map(({ volumeName, containerPath }) => `${volumeName}:${containerPath}`),
      RestartPolicy: { Name: inputs.restart },
      ...(first !== undefined && { NetworkMode: first.name }),
    },
    NetworkingConfig: {
      EndpointsConfig: Object.fromEntries(
        networksAdvanced.map(({ name, aliases }) => [name, { Aliases: aliases }]),
      ),
    },
  };
}

function healthOptions({
  tests,
  interval,
  timeout,
  startPeriod,
  retries,
}: NonNullable<ContainerInputs["healthcheck"]>): Docker.HealthConfig {
  return {
    Test: tests,
    Interval: nanoseconds(interval),
    Timeout: nanoseconds(timeout),
    StartPeriod: nanoseconds(startPeriod),
    Retries: retries,
  };
}

function nanoseconds(text: string): number {
  const parts = [...text.matchAll(/(\d+)(ms|[smh])/g)];
  const unit = z.enum(["ms", "s", "m", "h"]);
  return (
    parts.reduce((sum, [, count, name]) => sum + Number(count) * MILLISECONDS[unit.parse(name)], 0) * 1e6
  );
}
