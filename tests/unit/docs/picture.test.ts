import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { repository } from "../../support/project.ts";

/** The labels of an SVG picture. */
const labels = (svg: string): string[] =>
  [...svg.matchAll(/<text [^>]*>([^<]*)</g)].map(([, text]) => text ?? "").sort();

const command = "ai-how topology stacks/dev.yaml --format svg --output docs/images/topology.svg";

test(`README's picture shows stacks/dev.yaml as it is now (else: ${command})`, async () => {
  const picture = readFileSync(join(repository, "docs/images/topology.svg"), "utf8");
  const { stdout } = await execa(
    join(repository, "bin/ai-how"),
    ["topology", "stacks/dev.yaml", "--format", "svg"],
    { cwd: repository },
  );
  expect(labels(picture)).toContain("SLURM cluster");
  expect(labels(picture)).toEqual(labels(stdout));
});
