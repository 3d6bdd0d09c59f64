import { expect, test } from "vitest";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { devContainer, devImageArguments } from "../../versions/dev-container.ts";
import { cloudImages } from "../../versions/images.ts";
import { packer } from "../../versions/tools.ts";
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

const owner = { uid: 1000, gid: 1000 };

test("the development container is built of what is pinned, on an image that is pinned by its content", () => {
  const { BASE_IMAGE, ...rest } = devImageArguments(owner);
  expect(BASE_IMAGE).toMatch(
    /^docker\.io\/nvidia\/cuda:12\.9\.1-cudnn-devel-ubuntu24\.04@sha256:[0-9a-f]{64}$/,
  );
  const checksums = Object.entries(rest).filter(([name]) => name.includes("SHA256"));
  expect(checksums).toHaveLength(9);
  for (const [name, checksum] of checksums) expect(checksum, name).toMatch(/^[0-9a-f]{64}$/);
  expect(new Set(checksums.map(([, checksum]) => checksum)).size).toBe(checksums.length);
  expect(Object.values(rest)).not.toContain("");
});

test("another version is not held against the checksum of ours", () => {
  const chosen = devImageArguments({ ...owner, go: "1.22.0", python: "3.13", base: "debian:12", tools: [] });
  expect(chosen).toMatchObject({
    GO_VERSION: "1.22.0",
    GO_SHA256_AMD64: "",
    GO_SHA256_ARM64: "",
    PYTHON_VERSION: "3.13",
    BASE_IMAGE: "debian:12",
    TOOLS: "",
  });
  const named = devImageArguments({ ...owner, go: devContainer.go.version });
  expect(named).toEqual(devImageArguments(owner));
});
