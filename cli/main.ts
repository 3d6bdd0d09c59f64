import { Command, CommanderError } from "commander";
import manifest from "../package.json" with { type: "json" };
import { UserError } from "../config/errors.ts";
import { addCommands } from "./commands.ts";

const program = new Command("ai-how")
  .description("AI and HPC infrastructure on hardware that one person owns")
  .version(manifest.version)
  .showHelpAfterError("(`ai-how --help` lists the commands)")
  // `ai-how dev` and others end in another program's command line, with options of its own.
  .enablePositionalOptions()
  .exitOverride();

await addCommands(program, process.argv[2]);

try {
  await program.parseAsync(withDoubleDashes(process.argv));
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed the message. Usage errors exit with 2, --help and --version with 0.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (error instanceof UserError) {
    process.stderr.write(`ai-how: ${[error.message, ...error.details].join("\n")}\n`);
    process.exitCode = error.exitCode;
  } else {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  }
}

/** Accepts the flags of the old `orchestrate`, which begin with one dash as in Go: `-plan FILE`, `-log-dir=FOLDER`. */
function withDoubleDashes(argv: readonly string[]): string[] {
  const at = argv.indexOf("pipeline");
  const end = argv.indexOf("--");
  return argv.map((word, index) =>
    at !== -1 && index > at && (end === -1 || index < end) && /^-[a-z][a-z-]+(=|$)/.test(word)
      ? `-${word}`
      : word,
  );
}
