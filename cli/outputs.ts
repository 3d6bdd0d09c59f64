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

/** `outputs`: what the last `up` says about the stack, for people or, with `--json`, for programs. */
export function addOutputs(program: Command): void {
  withStack(program.command("outputs"))
    .description("print the outputs of the last `up`; secrets are left out")
    .addOption(new Option("--json", "as JSON, in the form of stacks/outputs.ts").conflicts("secret"))
    .option("--secret <name>", "print one secret output and nothing else: adminPrivateKey")
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

/** The text of a secret output, as `ssh-add -` takes a key; what is not secret is printed without being asked for. */
function secretOf(outputs: Readonly<Record<string, StackOutput>>, name: string): string {
  const found = outputs[name];
  if (found?.secret === true && typeof found.value === "string")
    return found.value.endsWith("\n") ? found.value : `${found.value}\n`;
  const known = Object.entries(outputs).flatMap(([key, { secret }]) => (secret ? [key] : []));
  throw new UserError(`${name}: no secret output of this stack; there is ${known.join(", ") || "none"}`, {
    exitCode: 2,
  });
}
