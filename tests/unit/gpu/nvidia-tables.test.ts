import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { gpuModels, placePartitions, type MigProfile } from "../../../gpu/index.ts";

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

test("every GPU of the catalogue has a table of NVIDIA, and every row has a source", () => {
  expect(gpuModels.map(({ key }) => key).sort()).toEqual(Object.keys(tables.gpus).sort());
  const named = Object.values(tables.gpus).flatMap((rows) => rows.flatMap(({ from }) => from));
  expect([...new Set(named)].sort()).toEqual(Object.keys(tables.sources).sort());
});

describe.each(gpuModels.map((model) => ({ ...model, rows: tables.gpus[model.key] ?? [] })))(
  "$key",
  ({ geometry, rows, derived }) => {
    test("has the profiles, numbers of instances, IDs and placements of NVIDIA's table", () => {
      const fit = (profile: MigProfile, count: number): boolean =>
        placePartitions(geometry, Array<MigProfile>(count).fill(profile)).fits;
      const planned = geometry.profiles.map((profile) => {
        const row = rows.find((each) => each.profile === profile.name);
        const most = row?.instances ?? 0;
        return {
          profile: profile.name,
          fits: [fit(profile, most), fit(profile, most + 1)],
          id: row?.id === undefined ? undefined : profile.id,
          placements:
            row?.placements === undefined ? undefined : `{${profile.starts.join(",")}}:${profile.size}`,
        };
      });
      const listed = rows.map(({ profile, id, placements }) => ({
        ...{ profile, fits: [true, false], id, placements },
      }));
      const byName = (a: { profile: string }, b: { profile: string }) => (a.profile < b.profile ? -1 : 1);
      expect(planned.sort(byName)).toEqual(listed.sort(byName));
    });

    test("is marked as derived exactly if a row has no placements from hardware", () => {
      expect(derived).toBe(rows.some(({ placements }) => placements === undefined));
    });
  },
);
