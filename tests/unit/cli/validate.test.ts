import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { addValidate } from "../../../cli/validate.ts";
import { fixtures } from "../config/fixtures.ts";

/** Runs the command in this process: a process each, for all files, takes most of a minute. */
async function validate(file: string): Promise<{ exitCode: unknown; output: string }> {
  let output = "";
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, "write").mockImplementation((text) => {
      output += String(text);
      return true;
    });
  }
  const program = new Command().exitOverride();
  addValidate(program);
  await program.parseAsync(["validate", file], { from: "user" });
  return { exitCode: process.exitCode, output };
}

describe("`validate`", () => {
  const before = process.exitCode;
  beforeEach(() => {
    process.exitCode = undefined;
  });
  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = before;
  });

  test("there are enough files to try", () => {
    expect(fixtures("invalid").length).toBeGreaterThanOrEqual(40);
    expect(fixtures("valid").length).toBeGreaterThanOrEqual(10);
  });

  test.each(fixtures("invalid"))("$name: exit 1, and what is wrong in its words", async ({ path, lines }) => {
    const { exitCode, output } = await validate(path);
    const count = lines.length === 1 ? "1 problem" : `${lines.length} problems`;
    expect({ exitCode, output }).toEqual({ exitCode: 1, output: `${lines.join("\n")}\n${path}: ${count}\n` });
  });

  test.each(fixtures("valid"))("$name: exit 0, and warnings of old keys", async ({ path, lines }) => {
    const { exitCode, output } = await validate(path);
    const warnings = lines.map((line) => `warning: ${line}\n`).join("");
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: `${warnings}${path}: valid\n` });
  });
});
