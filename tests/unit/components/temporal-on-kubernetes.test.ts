import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import type { TemporalOnKubernetesArgs } from "../../../components/workshop/temporal-on-kubernetes.ts";
import { temporalChart } from "../../../versions/charts.ts";
import { temporalImages } from "../../../versions/images.ts";
import { mockedResources, PASSWORD } from "../../support/mocks.ts";

const { made, one } = mockedResources();

async function temporal(args: Partial<TemporalOnKubernetesArgs> = {}): Promise<Record<string, string>> {
  const { TemporalOnKubernetes } = await import("../../../components/workshop/temporal-on-kubernetes.ts");
  const { address, ui } = new TemporalOnKubernetes("it", {
    ...{ kubernetesNamespace: "temporal", namespace: "default", storageGb: 10 },
    ...args,
  });
  return new Promise((resolve) => pulumi.all({ address, ui }).apply(resolve));
}

describe("Temporal on Kubernetes", () => {
  it("installs Temporal's chart and PostgreSQL in its own namespace", async () => {
    expect(await temporal()).toEqual({
      address: "it-frontend.temporal.svc:7233",
      ui: "http://it-web.temporal.svc:8080",
    });
    expect(one("it-server").inputs).toMatchObject({
      namespace: "temporal",
      chart: "temporal",
      version: temporalChart.version,
      repositoryOpts: { repo: temporalChart.repository },
      values: {
        fullnameOverride: "it",
        server: {
          config: { namespaces: { create: true, namespace: [{ name: "default", retention: "3d" }] } },
          dynamicConfig: {
            "system.enableActivityEagerExecution": [{ value: true, constraints: {} }],
            "history.transferProcessorMaxPollRPS": [{ value: 200, constraints: {} }],
          },
        },
      },
    });
    const namespaced = made.filter(
      ({ type }) => /^kubernetes:(core|apps)/.test(type) && !type.endsWith(":Namespace"),
    );
    expect(namespaced.map(({ inputs }) => inputs.metadata)).toEqual(
      Array(4).fill(expect.objectContaining({ namespace: "temporal" })),
    );
  });

  it("runs the pinned images, or others", async () => {
    await temporal({ images: { ui: "registry.lan:5000/temporal-ui:2.49.1" } });
    const text = JSON.stringify(one("it-server").inputs.values);
    for (const image of [temporalImages.server, temporalImages.adminTools]) {
      const [repository, tag] = image.split(":");
      expect(text).toContain(JSON.stringify({ repository, tag }));
    }
    expect(text).toContain('{"repository":"registry.lan:5000/temporal-ui","tag":"2.49.1"}');
    expect(JSON.stringify(one("it-postgresql").inputs)).toContain(`"image":"${temporalImages.postgresql}"`);
  });

  it("connects both stores to PostgreSQL, and keeps the password in one Secret only", async () => {
    await temporal();
    const values = one("it-server").inputs.values as {
      server: { config: { persistence: { datastores: Record<string, { sql: Record<string, unknown> }> } } };
    };
    const { datastores } = values.server.config.persistence;
    expect(Object.values(datastores).map(({ sql }) => sql.databaseName)).toEqual([
      "temporal",
      "temporal_visibility",
    ]);
    for (const { sql } of Object.values(datastores)) {
      expect(sql).toMatchObject({
        pluginName: "postgres12",
        connectAddr: "it-postgresql:5432",
        existingSecret: "it-access",
        secretKey: "password",
      });
    }
    const knowing = made.filter(({ inputs }) => JSON.stringify(inputs).includes(PASSWORD));
    expect(knowing.map(({ name, type }) => [name, type])).toEqual([
      ["it-access", "kubernetes:core/v1:Secret"],
    ]);
  });

  it("accepts another namespace, size, storage class and chart", async () => {
    expect(
      await temporal({
        kubernetesNamespace: "lab",
        namespace: "pipelines",
        storageGb: 50,
        storageClass: "local-path",
        chart: "/srv/charts/temporal",
      }),
    ).toMatchObject({ address: "it-frontend.lab.svc:7233" });
    expect(one("it-data").inputs.spec).toMatchObject({
      storageClassName: "local-path",
      resources: { requests: { storage: "50Gi" } },
    });
    const server = one("it-server").inputs;
    expect(server).toMatchObject({ chart: "/srv/charts/temporal", namespace: "lab" });
    expect(server).not.toHaveProperty("repositoryOpts");
    expect(JSON.stringify(server.values)).toContain('"name":"pipelines"');
  });
});
