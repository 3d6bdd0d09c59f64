import { Option, type Command } from "commander";
import { UserError } from "../config/errors.ts";

const FILE = "whose Pulumi.<stack>.yaml names the cluster file as ai-how:clusterFile";

/** What the old ai-how's groups of commands are called now. */
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
    stop: "`ai-how stop <stack> --machine NAME`, with --force for one that hangs",
    restart: "`ai-how restart <stack> --machine NAME`",
    status: "`ai-how status <stack>`",
  },
};

/** Options that every command of the old ai-how took, and why there are none now. */
const OPTIONS: Readonly<Record<string, string>> = {
  "--state <path>": "ignored: each stack has a state of its own, kept by its engine",
  "--log-level <level>": "ignored: everything is shown",
  "--log-file <path>": "ignored: redirect the output instead",
  "-v, --verbose": "ignored: everything is shown",
};

/** Commands and options of the old ai-how: each says what its successor is. */
export function addFormer(program: Command): void {
  for (const [group, commands] of Object.entries(SUCCESSORS)) {
    const former = program.command(group, { hidden: true }).description("of the old ai-how");
    for (const [name, successor] of Object.entries(commands)) {
      former
        .command(name)
        .argument("[arguments...]")
        .allowUnknownOption()
        .action(() => {
          throw new UserError(`${group} ${name} is ${successor} now`, { exitCode: 2 });
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
