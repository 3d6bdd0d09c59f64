import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { checkArguments, portNumber, problemUnless } from "../arguments.ts";
import type { Workshop } from "../../config/site.ts";
import type { Inputs } from "../options.ts";
import * as host from "../../providers/host/resources.ts";
import { temporalImages } from "../../versions/images.ts";
import { dynamicConfig } from "./temporal-dynamic-config.ts";
import { createNamespace, setUpSchema } from "./temporal-scripts.ts";

/** `workshop.temporal` of the cluster file, and the images. */
export type TemporalArgs = Inputs<NonNullable<Workshop["temporal"]>> & {
  /** Image references that replace those in versions/images.ts. Default: none. */
  readonly images?: Partial<Record<keyof typeof temporalImages, string>>;
};

const LOOPBACK = "127.0.0.1";
const USER = "temporal";
const DYNAMIC_CONFIG = "/etc/temporal/config/dynamicconfig/ai-how.yaml";
// PostgreSQL needs time to write its memory to disk when it stops.
const GRACE_SECONDS = 60;
const HEALTHY_WITHIN_SECONDS = 300;

/**
 * Temporal in containers on one host: PostgreSQL with its data in a protected volume, the server, and the web page. All listen on
 * 127.0.0.1 only. The container that sets up the schema restarts until it succeeds, so it only has to start after the database.
 */
export class Temporal extends pulumi.ComponentResource {
  /** `127.0.0.1:7233`; resolves once the server is healthy and its namespace exists. */
  readonly address: pulumi.Output<string>;
  /** URL of the web page. */
  readonly ui: pulumi.Output<string>;
  readonly namespace: pulumi.Output<string>;

  constructor(name: string, args: TemporalArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:workshop:Temporal", name, {}, opts);
    const { port, uiPort, namespace } = args;
    const images = { ...temporalImages, ...args.images };
    checkArguments(name, [
      ...portNumber("port", port),
      ...portNumber("uiPort", uiPort),
      ...problemUnless(port !== uiPort, "uiPort", "is the same as port"),
      ...Object.entries(images).flatMap(([key, reference]) =>
        problemUnless(/^\S+$/.test(reference), `images.${key}`, "is not an image reference"),
      ),
    ]);
    const parent = { parent: this };

    const password = new host.RandomSecret(`${name}-password`, { bytes: 32 }, parent);
    const network = new docker.Network(`${name}-network`, { name, driver: "bridge" }, parent);
    const data = new docker.Volume(
      `${name}-data`,
      { name: `${name}-data`, driver: "local" },
      // The data is useless without the password, so `dependsOn` keeps the password as long as the protected volume.
      { ...parent, protect: true, dependsOn: [password] },
    );
    const withPassword = (variable: string, ...others: string[]) =>
      pulumi.secret(password.value.apply((value) => [...others, `${variable}=${value}`]));
    const on = (alias: string) => [{ name: network.id, aliases: [alias] }];

    const database = new docker.Container(
      `${name}-postgresql`,
      {
        name: `${name}-postgresql`,
        image: images.postgresql,
        envs: withPassword("POSTGRES_PASSWORD", `POSTGRES_USER=${USER}`),
        volumes: [{ volumeName: data.name, containerPath: "/var/lib/postgresql/data" }],
        networksAdvanced: on("postgresql"),
        healthcheck: { tests: ["CMD", "pg_isready", "-U", USER], interval: "2s", timeout: "5s", retries: 60 },
        restart: "unless-stopped",
        wait: true,
        waitTimeout: HEALTHY_WITHIN_SECONDS,
        destroyGraceSeconds: GRACE_SECONDS,
      },
      parent,
    );

    const schema = new docker.Container(
      `${name}-schema`,
      {
        name: `${name}-schema`,
        image: images.adminTools,
        entrypoints: ["/bin/sh", "-c"],
        command: [setUpSchema({ host: "postgresql", user: USER })],
        envs: withPassword("SQL_PASSWORD"),
        networksAdvanced: on("schema"),
        restart: "on-failure",
        // It exits once the schema is set up.
        mustRun: false,
      },
      { ...parent, dependsOn: [database] },
    );

    const server = new docker.Container(
      `${name}-server`,
      {
        name: `${name}-server`,
        image: images.server,
        envs: withPassword(
          "POSTGRES_PWD",
          "DB=postgres12",
          "DB_PORT=5432",
          "POSTGRES_SEEDS=postgresql",
          `POSTGRES_USER=${USER}`,
          "BIND_ON_IP=0.0.0.0",
          `DYNAMIC_CONFIG_FILE_PATH=${DYNAMIC_CONFIG}`,
        ),
        uploads: [{ file: DYNAMIC_CONFIG, content: stringify(dynamicConfig) }],
        ports: [{ internal: 7233, external: port, ip: LOOPBACK }],
        networksAdvanced: on("temporal"),
        healthcheck: {
          tests: ["CMD", "nc", "-z", "localhost", "7233"],
          interval: "2s",
          timeout: "5s",
          retries: 60,
        },
        restart: "unless-stopped",
        wait: true,
        waitTimeout: HEALTHY_WITHIN_SECONDS,
        destroyGraceSeconds: GRACE_SECONDS,
      },
      { ...parent, dependsOn: [schema] },
    );

    const ready = new docker.Container(
      `${name}-namespace`,
      {
        name: `${name}-namespace`,
        image: images.adminTools,
        entrypoints: ["/bin/sh", "-c"],
        command: [
          pulumi
            .output(namespace)
            .apply((namespace) => createNamespace({ address: "temporal:7233", namespace })),
        ],
        networksAdvanced: on("namespace"),
        attach: true,
        mustRun: false,
      },
      { ...parent, dependsOn: [server] },
    );

    const page = new docker.Container(
      `${name}-ui`,
      {
        name: `${name}-ui`,
        image: images.ui,
        envs: ["TEMPORAL_ADDRESS=temporal:7233", "TEMPORAL_UI_PORT=8080"],
        ports: [{ internal: 8080, external: uiPort, ip: LOOPBACK }],
        networksAdvanced: on("ui"),
        restart: "unless-stopped",
      },
      { ...parent, dependsOn: [server] },
    );

    this.namespace = pulumi.output(namespace);
    this.address = pulumi.all([port, ready.id]).apply(([port]) => `${LOOPBACK}:${port}`);
    this.ui = pulumi.all([uiPort, page.id]).apply(([port]) => `http://${LOOPBACK}:${port}`);
    this.registerOutputs({ address: this.address, ui: this.ui });
  }
}
