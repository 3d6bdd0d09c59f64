import { StatefulSet } from "@pulumi/kubernetes/apps/v1/statefulSet.js";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { PersistentVolumeClaim } from "@pulumi/kubernetes/core/v1/persistentVolumeClaim.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { Release } from "@pulumi/kubernetes/helm/v3/release.js";
import * as pulumi from "@pulumi/pulumi";
import { checkArguments, problemUnless, wholeNumber } from "../arguments.ts";
import type { Workshop } from "../../config/site.ts";
import type { Inputs } from "../options.ts";
import * as host from "../../providers/host/resources.ts";
import { chartImage } from "./image-reference.ts";
import { dynamicConfig } from "./temporal-dynamic-config.ts";
import { temporalChart } from "../../versions/charts.ts";
import { temporalImages } from "../../versions/images.ts";

/** `workshop.temporal_on_kubernetes` of the cluster file without the cluster, which the provider knows, and the images. */
export type TemporalOnKubernetesArgs = Inputs<
  Omit<NonNullable<Workshop["temporalOnKubernetes"]>, "kubeconfig" | "context">
> & {
  /** Image references that replace those in versions/images.ts. Default: none. */
  readonly images?: Partial<Record<keyof typeof temporalImages, string>>;
};

const USER = "temporal";
const POSTGRESQL = { name: "postgresql", port: 5432 };
const DATA = "/var/lib/postgresql/data";
// UID of the image's user, who has to own the volume.
const POSTGRES_UID = 999;
const RELEASE_WITHIN_SECONDS = 900;

/**
 * Temporal in a Kubernetes cluster: PostgreSQL with its data in a protected volume, and Temporal's own Helm chart, whose hooks set
 * up the schema and the namespace. Temporal has no authentication, so its Service is ClusterIP only.
 */
export class TemporalOnKubernetes extends pulumi.ComponentResource {
  /** `<name>-frontend.<kubernetesNamespace>.svc:7233`; resolves once the server runs and its namespace exists. */
  readonly address: pulumi.Output<string>;
  /** URL of the web page inside the cluster. */
  readonly ui: pulumi.Output<string>;
  readonly namespace: pulumi.Output<string>;

  constructor(name: string, args: TemporalOnKubernetesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:workshop:TemporalOnKubernetes", name, {}, opts);
    const { kubernetesNamespace, storageGb, storageClass, namespace } = args;
    const images = { ...temporalImages, ...args.images };
    const [server, adminTools, ui] = [images.server, images.adminTools, images.ui].map(chartImage);
    checkArguments(name, [
      ...wholeNumber("storageGb", storageGb, 1),
      ...Object.entries(images).flatMap(([key, reference]) =>
        problemUnless(
          chartImage(reference) !== undefined,
          `images.${key}`,
          `is ${reference}, not an image reference with a tag or digest`,
        ),
      ),
    ]);
    const parent = { parent: this };

    const password = new host.RandomSecret(`${name}-password`, { bytes: 32 }, parent);
    const place = new Namespace(`${name}-namespace`, { metadata: { name: kubernetesNamespace } }, parent);
    const labels = { "app.kubernetes.io/name": POSTGRESQL.name, "app.kubernetes.io/instance": name };
    const metadata = { namespace: place.metadata.name, labels };

    const data = new PersistentVolumeClaim(
      `${name}-data`,
      {
        metadata: { ...metadata, name: `${name}-data` },
        spec: {
          accessModes: ["ReadWriteOnce"],
          resources: { requests: { storage: pulumi.interpolate`${storageGb}Gi` } },
          ...(storageClass !== undefined && { storageClassName: storageClass }),
        },
      },
      // The data is useless without the password, so `dependsOn` keeps the password as long as the protected volume.
      { ...parent, protect: true, dependsOn: [password] },
    );
    const access = new Secret(
      `${name}-access`,
      { metadata: { ...metadata, name: `${name}-access` }, stringData: { password: password.value } },
      parent,
    );
    const service = new Service(
      `${name}-postgresql-service`,
      {
        metadata: { ...metadata, name: `${name}-postgresql` },
        spec: { selector: labels, ports: [{ name: POSTGRESQL.name, port: POSTGRESQL.port }] },
      },
      parent,
    );
    const database = new StatefulSet(
      `${name}-postgresql`,
      {
        metadata: { ...metadata, name: `${name}-postgresql` },
        spec: {
          serviceName: `${name}-postgresql`,
          replicas: 1,
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: {
              // PostgreSQL needs time to write its memory to disk when it stops.
              terminationGracePeriodSeconds: 60,
              automountServiceAccountToken: false,
              securityContext: {
                runAsNonRoot: true,
                runAsUser: POSTGRES_UID,
                runAsGroup: POSTGRES_UID,
                fsGroup: POSTGRES_UID,
              },
              containers: [
                {
                  name: POSTGRESQL.name,
                  image: images.postgresql,
                  env: [
                    { name: "POSTGRES_USER", value: USER },
                    // A subfolder, because the root of a volume may contain lost+found.
                    { name: "PGDATA", value: `${DATA}/pgdata` },
                    {
                      name: "POSTGRES_PASSWORD",
                      valueFrom: { secretKeyRef: { name: access.metadata.name, key: "password" } },
                    },
                  ],
                  ports: [{ name: POSTGRESQL.name, containerPort: POSTGRESQL.port }],
                  readinessProbe: { exec: { command: ["pg_isready", "-U", USER] }, periodSeconds: 5 },
                  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
                  volumeMounts: [{ name: "data", mountPath: DATA }],
                },
              ],
              volumes: [{ name: "data", persistentVolumeClaim: { claimName: data.metadata.name } }],
            },
          },
        },
      },
      parent,
    );

    const store = (database: string) => ({
      sql: {
        createDatabase: true,
        manageSchema: true,
        pluginName: "postgres12",
        databaseName: database,
        connectAddr: `${name}-postgresql:${POSTGRESQL.port}`,
        connectProtocol: "tcp",
        user: USER,
        existingSecret: access.metadata.name,
        secretKey: "password",
        maxConns: 20,
        maxIdleConns: 20,
        maxConnLifetime: "1h",
      },
    });
    const release = new Release(
      `${name}-server`,
      {
        name,
        namespace: place.metadata.name,
        ...(args.chart === undefined
          ? {
              chart: "temporal",
              version: temporalChart.version,
              repositoryOpts: { repo: temporalChart.repository },
            }
          : { chart: args.chart }),
        values: {
          fullnameOverride: name,
          server: {
            image: server,
            config: {
              logLevel: "info",
              persistence: {
                defaultStore: "default",
                visibilityStore: "visibility",
                numHistoryShards: 512,
                datastores: { default: store("temporal"), visibility: store("temporal_visibility") },
              },
              namespaces: { create: true, namespace: [{ name: namespace, retention: "3d" }] },
            },
            dynamicConfig,
          },
          admintools: { enabled: false, image: adminTools },
          web: { image: ui },
        },
        // Helm rolls back a failed release, so that the next run can install it.
        atomic: true,
        timeout: RELEASE_WITHIN_SECONDS,
      },
      { ...parent, dependsOn: [database, service] },
    );

    const inCluster = (service: string, port: number) =>
      pulumi
        .all([place.metadata.name, release.status])
        .apply(([of]) => `${name}-${service}.${of}.svc:${port}`);
    this.namespace = pulumi.output(namespace);
    this.address = inCluster("frontend", 7233);
    this.ui = inCluster("web", 8080).apply((address) => `http://${address}`);
    this.registerOutputs({ address: this.address, ui: this.ui });
  }
}
