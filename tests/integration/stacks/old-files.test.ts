import { expect, test } from "vitest";
import { z } from "zod";
import { parse } from "yaml";
import { preview, refusedUp } from "../../support/plan.ts";
import { fixtures } from "../../unit/config/fixtures.ts";

const old = fixtures("valid").filter(({ name }) => name.startsWith("old-"));
const vmsOf = z.object({ name: z.string(), interfaces: z.array(z.object({ mac: z.string() })) });

test.each(old)("$name: the target workstation previews a file of the old ai-how", async ({ text, lines }) => {
  const { resources, warnings, failures } = await preview("workstation", text);
  expect(failures).toEqual([]);

  // Everything that validate warns of, and the images, none of which is built here.
  const site = lines.filter((line) => !line.includes(", the name of the file"));
  expect(warnings).toEqual(expect.arrayContaining(site));
  expect(warnings.filter((line) => line.includes("does not exist; build it before up"))).not.toEqual([]);

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

test("up begins neither without its images nor with a device that two VMs would start with", async () => {
  const shared = old.find(({ name }) => name === "old-shared-gpu-running.yaml");
  // A name with a digest in it, as the policy on images wants.
  const text = shared?.text.replaceAll("images/server.qcow2", "images/server-0123456789ab.qcow2") ?? "";
  const said = await refusedUp("workstation", text);
  expect(said.slice(0, 4)).toEqual([
    "this cluster file is not ready for up",
    "clusters.hpc: base_image_path: /var/lib/libvirt/images/server-0123456789ab.qcow2 does not exist; build it before up (controller, compute-01, compute-02, compute-03)",
    "clusters.cloud: base_image_path: /var/lib/libvirt/images/server-0123456789ab.qcow2 does not exist; build it before up (control-plane, cpu-worker-01, gpu-worker-01)",
    "0000:01:00.0: hpc-test-compute-01 and cloud-test-gpu-worker-01 share it and both start; set auto_start: false for one of them",
  ]);
});
