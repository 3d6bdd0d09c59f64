import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { addRender } from "../../../cli/render.ts";
import { ClusterFileError, formatProblem } from "../../../config/index.ts";

const VALID = readFileSync(join(import.meta.dirname, "../../fixtures/valid/minimal-hpc.yaml"), "utf8");

let folder = "";
let template = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ai-how-render-"));
  template = join(folder, "site.yaml");
  vi.stubEnv("SITE", "lab");
  vi.stubEnv("UNSET", undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the command in this process; returns what it printed. */
async function render(text: string, ...options: string[]): Promise<string> {
  writeFileSync(template, text);
  let output = "";
  vi.spyOn(process.stdout, "write").mockImplementation((written) => {
    output += String(written);
    return true;
  });
  const program = new Command().exitOverride();
  addRender(program);
  await program.parseAsync(["render", template, ...options], { from: "user" });
  return output;
}

describe("`render`", () => {
  const text = "name: ${SITE}\nimage: ${UNSET:-debian12}\nprice: 5$$\n";

  test("prints the file with its variables expanded", async () => {
    expect(await render(text)).toBe("name: lab\nimage: debian12\nprice: 5$\n");
  });

  test("writes the result to a file, and prints nothing", async () => {
    const file = join(folder, "result.yaml");
    expect(await render(text, "--output", file)).toBe("");
    expect(readFileSync(file, "utf8")).toBe("name: lab\nimage: debian12\nprice: 5$\n");
  });

  test("prints the variables that are set instead of the result", async () => {
    expect(await render(text, "--show-variables")).toBe("SITE=lab\n");
  });

  test("checks the result instead of printing it", async () => {
    const valid = VALID.replace(/^ {2}name: .*$/m, "  name: ${SITE}");
    expect(valid).not.toBe(VALID);
    expect(await render(valid, "--validate-only")).toBe(`${template}: valid\n`);
    await expect(render(text, "--validate-only")).rejects.toThrow(ClusterFileError);
  });

  test("names a variable that is not set", async () => {
    const error: unknown = await render("name: ${UNSET}\n").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ClusterFileError);
    expect((error as ClusterFileError).problems.map(formatProblem)).toEqual([
      "name: the variable UNSET is not set: set it, or use ${UNSET:-default}",
    ]);
  });
});
