import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { gpuModels, placePartitions } from "../../../gpu/index.ts";

const tables = z
  .object({
    sources: z.record(z.string(), z.string()),
    gpus: z.record(
      z.string(),
      z.array(
        z.strictObject({
          profile: z.string(),
          instances: z.int(),
          id: z.int().optional(),
          placements: z.string().optional(),
          from: z.array(z.string()).min(1),
        }),
      ),
    ),
  })
  .parse(parse(readFileSync(join(import.meta.dirname, "../../fixtures/nvidia-mig.yaml"), "utf8")));

test("NVIDIA has a table for every GPU of the catalogue, and each of its rows has a source", () => {
  expect(gpuModels.map(({ key }) => key).sort()).toEqual(Object.keys(tables.gpus).sort());
  const named = Object.values(tables.gpus).flatMap((rows) => rows.flatMap(({ from }) => from));
  expect([...new Set(named)].sort()).toEqual(Object.keys(tables.sources).sort());
});

describe.each(gpuModels.map((model) => ({ ...model, rows: tables.gpus[model.key] ?? [] })))(
  "$key",
  ({ geometry, rows, derived }) => {
    test("has the profiles of NVIDIA's table, and no others", () => {
      expect(geometry.profiles.map(({ name }) => name).sort()).toEqual(
        rows.map(({ profile }) => profile).sort(),
      );
    });

    test.each(rows)("$profile: as many of it fit as NVIDIA says", ({ profile, instances }) => {
      const found = geometry.profiles.find(({ name }) => name === profile);
      const fits = (count: number) =>
        found !== undefined &&
        placePartitions(
          geometry,
          Array.from({ length: count }, () => found),
        ).fits;
      expect([fits(instances), fits(instances + 1)]).toEqual([true, false]);
    });

    test.each(rows.filter(({ id }) => id !== undefined))("$profile: its number is $id", ({ profile, id }) => {
      expect(geometry.profiles.find(({ name }) => name === profile)?.id).toBe(id);
    });

    test.each(rows.filter(({ placements }) => placements !== undefined))(
      "$profile begins where hardware says: $placements",
      ({ profile, placements }) => {
        const { starts = [], size } = geometry.profiles.find(({ name }) => name === profile) ?? {};
        expect(`{${starts.join(",")}}:${size ?? ""}`).toBe(placements);
      },
    );

    test("is marked as derived where, and only where, nobody has posted its placements", () => {
      expect(derived).toBe(rows.some(({ placements }) => placements === undefined));
    });
  },
);
