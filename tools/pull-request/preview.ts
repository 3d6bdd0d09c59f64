// Previews every stack in two checkouts and writes the differences as Markdown: `node preview.ts BASE HEAD`. The text goes to
// standard output, in a workflow to the step's output `comment`. Needs no host, cluster, secret or token.
import { randomUUID } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { Providers, runs } from "../../engine/in-process/providers.ts";
import { compare, type ReplacedBy } from "./comparison.ts";
import { report } from "./markdown.ts";
import { outcomeOf, stacksOf } from "./stack-plans.ts";

const [base, head] = process.argv.slice(2).map((path) => resolve(path));
if (base === undefined || head === undefined) {
  process.stderr.write("usage: preview.ts BASE HEAD: two checkouts\n");
  process.exit(2);
}

await install(base, head);
const providers = new Providers(head, () => undefined);
const replacedBy: ReplacedBy = async (type, was, is) =>
  runs(type) ? (await providers.handler(type, undefined)).diff(was, is).replaces : undefined;
const comparisons = [];
for (const stack of new Set([...stacksOf(base), ...stacksOf(head)])) {
  // Two at a time: each preview is a program that needs a core.
  const [was, is] = await Promise.all([outcomeOf(base, stack), outcomeOf(head, stack)]);
  comparisons.push(await compare(stack, was, is, replacedBy));
}
const text = report(comparisons, { base: await nameOf(base), head: await nameOf(head) });
process.stdout.write(`${text}\n`);
const { GITHUB_OUTPUT } = process.env;
if (GITHUB_OUTPUT !== undefined) {
  // The text cannot contain this random delimiter.
  const end = randomUUID();
  appendFileSync(GITHUB_OUTPUT, `comment<<${end}\n${text}\n${end}\n`);
}

/** Installs the base branch's packages, or links those of the pull request if both need the same. */
async function install(checkout: string, other: string): Promise<void> {
  if (existsSync(join(checkout, "node_modules"))) return;
  const wants = (folder: string): string => readFileSync(join(folder, "package-lock.json"), "utf8");
  if (wants(checkout) === wants(other)) {
    symlinkSync(join(other, "node_modules"), join(checkout, "node_modules"));
    return;
  }
  const args = ["ci", "--ignore-scripts", "--no-progress", "--loglevel=error"];
  await execa("npm", args, { cwd: checkout, stdio: ["ignore", "ignore", "inherit"] });
}

async function nameOf(checkout: string): Promise<string> {
  const { stdout } = await execa("git", ["log", "-1", "--format=%h %s"], { cwd: checkout });
  return stdout;
}
