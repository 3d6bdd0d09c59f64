import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { referencePages } from "../../../docs/reference.ts";
import { repository } from "../../support/project.ts";

const generated = await referencePages();

test.each(Object.keys(generated))(
  "docs/reference/%s is what the schemas say (else: node docs/reference.ts)",
  (name) => {
    expect(readFileSync(join(repository, "docs", "reference", name), "utf8")).toBe(generated[name]);
  },
);

test("every key of the cluster file is on its page", () => {
  const page = generated["cluster-file.md"] ?? "";
  for (const key of ["compute_nodes", "slurm_config", "host_key", "cpu_pinning", "kubernetes_config"])
    expect(page).toContain(`| \`${key}\``);
});
