import { expect, test } from "vitest";
import { z } from "zod";
import { parse } from "yaml";
import { preview } from "../../support/plan.ts";
import { fixtures } from "../../unit/config/fixtures.ts";

const old = fixtures("valid").filter(({ name }) => name.startsWith("old-"));
const vmsOf = z.object({ name: z.string(), interfaces: z.array(z.object({ mac: z.string() })) });

/** What the target itself says as long as it does not build BeeGFS. */
const BEEGFS = "clusters.hpc.storage.beegfs: the target workstation does not build this yet";

test.each(old)("$name: the target workstation previews a file of the old ai-how", async ({ text, lines }) => {
  const { resources, warnings, failures } = await preview("workstation", text);
  if (failures.some((line) => line.includes(BEEGFS))) {
    expect(text).toContain("beegfs:");
    expect(failures).toHaveLength(2);
    return;
  }
  expect(failures).toEqual([]);

  // Everything that validate warns of, and the images, none of which is built here.
  const site = lines.filter((line) => !line.includes("the site is named"));
  expect(warnings).toEqual(expect.arrayContaining(site));
  expect(warnings.filter((line) => line.includes("is not there; build it before up"))).not.toEqual([]);

  const names = resources
    .filter(({ type }) => type === "libvirt:index:Domain")
    .map(({ inputs }) => vmsOf.pick({ name: true }).parse(inputs).name);
  expect(names.length).toBeGreaterThan(0);
  expect(new Set(names).size).toBe(names.length);
  const clusters = Object.values(
    z
      .object({ clusters: z.record(z.string(), z.object({ name: z.string() })) })
      .parse(parse(text, { merge: true })).clusters,
  );
  for (const { name } of clusters.filter(({ name }) => !name.includes("$")))
    expect(names.some((vm) => vm.startsWith(`${name}-`))).toBe(true);
});
