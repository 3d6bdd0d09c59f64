import { Option, type Command } from "commander";
import { stackOutputsSchema } from "../stacks/outputs.ts";
import { UserError } from "../config/errors.ts";
import { outputsOf, type StackOutput } from "../engine/engine.ts";
import { stringify } from "yaml";
import { openStack, withStack, type StackOptions } from "./stack.ts";

interface OutputsOptions extends StackOptions {
  readonly json?: boolean;
  readonly secret?: string;
}

/** `outputs`: prints the outputs of the last `up`, as YAML or, with `--json`, as JSON. */
export function addOutputs(program: Command): void {
  withStack(program.command("outputs"))
    .description("print the outputs of the last `up` without secrets")
    .addOption(new Option("--json", "as JSON; docs/reference/outputs.md has the schema").conflicts("secret"))
    .option("--secret <name>", "print only this secret output: adminPrivateKey")
    .action(async (stack: string, options: OutputsOptions) => {
      const { engine } = await openStack(stack, options);
      const all = await outputsOf(engine);
      const outputs = Object.entries(all);
      if (outputs.length === 0) throw new UserError(`${stack}: not up; run \`ai-how up ${stack}\` first`);
      if (options.secret !== undefined) {
        process.stdout.write(secretOf(all, options.secret));
        return;
      }
      const plain = Object.fromEntries(
        outputs.filter(([, { secret }]) => !secret).map(([key, { value }]) => [key, value]),
      );
      const checked = stackOutputsSchema.parse(plain);
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify(checked, undefined, 2)}\n`
          : stringify(checked, { lineWidth: 0 }),
      );
    });
}

/** The text of a secret output, with the newline that `ssh-add -` wants. Other outputs are refused: `outputs` prints them. */
function secretOf(outputs: Readonly<Record<string, StackOutput>>, name: string): string {
  const found = outputs[name];
  if (found?.secret === true && typeof found.value === "string")
    return found.value.endsWith("\n") ? found.value : `${found.value}\n`;
  const known = Object.entries(outputs).flatMap(([key, { secret }]) => (secret ? [key] : []));
  throw new UserError(`${name}: this stack has no such secret output; it has ${known.join(", ") || "none"}`, {
    exitCode: 2,
  });
}
