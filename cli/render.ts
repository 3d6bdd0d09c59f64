import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import { parseClusterText, readText, renderTemplate } from "../config/index.ts";
import { writeResult } from "./destination.ts";

interface RenderOptions {
  readonly output?: string;
  readonly showVariables?: boolean;
  readonly validateOnly?: boolean;
}

/** `render FILE`: prints a cluster file with its variables expanded. */
export function addRender(program: Command): void {
  program
    .command("render")
    .description("expand the variables of a cluster file")
    .argument("<template>", "a cluster file")
    .option("-o, --output <file>", "write there instead of to standard output")
    .option(
      "--show-variables",
      "print the variables that the file uses and that are set, with their values, instead",
    )
    .option("--validate-only", "check the result instead of printing it")
    .action(async (template: string, options: RenderOptions) => {
      const place = { file: template, directory: dirname(resolve(template)) };
      const rendered = renderTemplate(readText(template), place);
      if (options.validateOnly === true) {
        parseClusterText(rendered.text, place);
        process.stdout.write(`${template}: valid\n`);
      } else if (options.showVariables === true) {
        for (const [name, value] of Object.entries(rendered.variables))
          process.stdout.write(`${name}=${value}\n`);
      } else {
        await writeResult(rendered.text, options.output);
      }
    });
}
