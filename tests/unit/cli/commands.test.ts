import { Command } from "commander";
import { expect, test } from "vitest";
import { addCommands, SOURCES } from "../../../cli/commands.ts";

const namesOf = (program: Command): string[] => program.commands.map((command) => command.name());

test.each(SOURCES)("of $names each is loaded by its own name, and nothing else", async ({ names }) => {
  for (const name of names) {
    const program = new Command().enablePositionalOptions();
    await addCommands(program, name);
    expect(namesOf(program)).toEqual(names);
  }
});

test.each([undefined, "--help", "help", "complete", "upp", "--state"])(
  "after %s all of them are known",
  async (first) => {
    const program = new Command().enablePositionalOptions();
    await addCommands(program, first);
    expect(namesOf(program)).toEqual(
      expect.arrayContaining([...SOURCES.flatMap(({ names }) => names), "complete", "completion"]),
    );
  },
);
