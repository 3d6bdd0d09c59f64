import type { Command } from "commander";
import { stackOutputsSchema } from "../stacks/outputs.ts";
import { UserError } from "../config/errors.ts";
import { stringify } from "yaml";
import { openStack, withStack, type StackOptions } from "./stack.ts";

/** `outputs`: what the last `up` says about the stack, for people or, with `--json`, for programs. */
export function addOutputs(program: Command): void {
  withStack(program.command("outputs"))
    .description("print the outputs of the last `up`; secrets are left out")
    .option("--json", "as JSON, in the form of stacks/outputs.ts")
    .action(async (stack: string, options: StackOptions & { json?: boolean }) => {
      const { engine } = await openStack(stack, options);
      const outputs = Object.entries(await engine.outputs());
      if (outputs.length === 0) throw new UserError(`${stack}: not up; run \`ai-how up ${stack}\` first`);
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
