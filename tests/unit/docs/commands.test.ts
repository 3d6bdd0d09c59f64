import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { repository } from "../../support/project.ts";
import { pages } from "./pages.ts";

const aiHow = join(repository, "bin", "ai-how");

async function help(...words: string[]): Promise<string> {
  return (await execa(aiHow, [...words, "--help"], { cwd: repository })).stdout;
}

/** The commands that a help text lists. */
function listed(text: string): string[] {
  const [, list = ""] = text.split("Commands:\n");
  return [...list.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name ?? "");
}

/** The help of a command and of the commands below it. */
async function wholeHelp(name: string): Promise<string> {
  if (name === "help") return "";
  const own = await help(name);
  const below = listed(own).filter((other) => other !== "help");
  return [own, ...(await Promise.all(below.map((other) => help(name, other))))].join("\n");
}

const commands = listed(await help());
const helpOf = new Map(
  await Promise.all(commands.map(async (name) => [name, await wholeHelp(name)] as const)),
);

/** `ai-how up dev --machines container`, in a code span or at a prompt; what follows ` -- ` is another program's. */
const calls = pages.flatMap(({ name, text }) =>
  [...text.matchAll(/(?:`|^\s*\$ )(?:bin\/)?ai-how ([a-z]+)([^`\n#]*)/gm)].map(
    ([, command = "", rest = ""]) => ({
      page: name,
      command,
      options: (rest.split(" -- ")[0] ?? "").match(/--[a-z][a-z-]*/g) ?? [],
    }),
  ),
);

test("the pages name most of the commands", () => {
  const named = new Set(calls.map(({ command }) => command));
  expect(commands.filter((command) => !named.has(command))).toEqual(["help"]);
});

test("every command and option that a page names exists", () => {
  const wrong = calls.flatMap(({ page, command, options }) => {
    const text = helpOf.get(command);
    if (text === undefined) return [`${page}: ai-how ${command}`];
    return options
      .filter((option) => !text.includes(option))
      .map((option) => `${page}: ai-how ${command} ${option}`);
  });
  expect(wrong).toEqual([]);
});

test("every make target that a page names exists", () => {
  const makefile = readFileSync(join(repository, "Makefile"), "utf8");
  const wrong = pages.flatMap(({ name, text }) =>
    [...text.matchAll(/(?:`|\$ )make ([a-z]+)/g)]
      .filter(([, target]) => !new RegExp(`^${target ?? ""}:`, "m").test(makefile))
      .map(([whole]) => `${name}: ${whole}`),
  );
  expect(wrong).toEqual([]);
});

test("every file that a page links to exists", () => {
  const wrong = pages.flatMap(({ name, text }) =>
    [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)]
      .map(([, target]) => target ?? "")
      .filter((target) => !existsSync(join(repository, dirname(name), target)))
      .map((target) => `${name}: ${target}`),
  );
  expect(wrong).toEqual([]);
});
