import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { repository } from "../../support/project.ts";

const git = (...args: string[]): string => execFileSync("git", args, { cwd: repository, encoding: "utf8" });
const files = git("ls-files", "Pulumi.*.yaml").split("\n").filter(Boolean);

test.each(files)("%s has no encryption salt, which would need a passphrase", (file) => {
  const settings = parse(git("show", `HEAD:${file}`)) as object;
  expect(Object.keys(settings)).toEqual(["config"]);
});
