import { Option, type Command } from "commander";
import { UserError } from "../config/errors.ts";

const FILE = "whose Pulumi.<stack>.yaml names the cluster file as ai-how:clusterFile";

/** What replaces the groups of commands of the old ai-how. */
const SUCCESSORS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ...Object.fromEntries(
    ["hpc", "cloud", "system"].map((group) => [
      group,
      {
        start: `\`ai-how up <stack>\`, ${FILE}`,
        stop: "`ai-how stop <stack>`",
        status: "`ai-how status <stack>`",
        destroy: "`ai-how down <stack>`",
      },
    ]),
  ),
  vm: {
    start: "`ai-how start <stack> --machine NAME`",
    stop: "`ai-how stop <stack> --machine NAME`, with --force if the machine hangs",
    restart: "`ai-how restart <stack> --machine NAME`",
    status: "`ai-how status <stack>`",
  },
};

/** Options of every command of the old ai-how: accepted, without effect. */
const OPTIONS: Readonly<Record<string, string>> = {
  "--state <path>": "ignored: the engine keeps a state for each stack",
  "--log-level <level>": "ignored: all output is shown",
  "--log-file <path>": "ignored: redirect the output instead",
  "-v, --verbose": "ignored: all output is shown",
};

/** Adds the commands and options of the old ai-how; each names its replacement. */
export function addRemovedCommands(program: Command): void {
  for (const [group, commands] of Object.entries(SUCCESSORS)) {
    const removed = program.command(group, { hidden: true }).description("of the old ai-how");
    for (const [name, successor] of Object.entries(commands)) {
      removed
        .command(name)
        .argument("[arguments...]")
        .allowUnknownOption()
        .action(() => {
          throw new UserError(`${group} ${name} is now ${successor}`, { exitCode: 2 });
        });
    }
  }
  for (const [flags, why] of Object.entries(OPTIONS)) {
    const option = new Option(flags).hideHelp();
    program.addOption(option);
    program.on(`option:${option.name()}`, () => {
      process.stderr.write(`warning: ${option.long ?? flags}: ${why}\n`);
    });
  }
}
