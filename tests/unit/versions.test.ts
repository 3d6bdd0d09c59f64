import { expect, test } from "vitest";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cloudImages, packer } from "../../versions.ts";
import { repository } from "../support/project.ts";

const images = Object.entries(cloudImages).flatMap(([distribution, byArchitecture]) =>
  Object.entries(byArchitecture).map(
    ([architecture, image]) => [`${distribution} ${architecture}`, architecture, image] as const,
  ),
);

test.each(images)("the cloud image %s is a dated one of its architecture", (_name, architecture, image) => {
  expect(image.url).toMatch(/^https:\/\/.*20\d{6}.*\.(qcow2|img)$/);
  expect(image.url).not.toMatch(/latest|current|daily/);
  expect(image.url).toContain(architecture);
  expect(image.checksum).toMatch(/^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/);
});

test("no two are the same", () => {
  const checksums = images.map(([, , { checksum }]) => checksum);
  expect(new Set(checksums).size).toBe(checksums.length);
});

test("the template asks for the same Packer", () => {
  const template = readFileSync(join(repository, "packer", "image.pkr.hcl"), "utf8");
  expect(/required_version = "(.*)"/.exec(template)?.[1]).toBe(`= ${packer}`);
});
