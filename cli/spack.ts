import { relative } from "node:path";
import { Option, type Command } from "commander";
import { findProjectRoot } from "../services/dev/place.ts";
import { environmentInContainer, newEnvironment, templates } from "../services/dev/spack.ts";
import { dev } from "./dev.ts";
import type { RuntimeProgram } from "../services/docker/runtime.ts";

interface SpackOptions {
  readonly projectRoot?: string;
  readonly engine?: RuntimeProgram;
}

/** `spack`: builds Spack environments of a project in its development container. */
export function addSpack(program: Command): void {
  const spack = program
    .command("spack")
    .description("build Spack environments of a project in its development container");
  spack
    .command("new")
    .description("create an environment of this project: spack/NAME/spack_src.yaml")
    .argument("<name>", "lower-case letters, digits, dashes and underscores")
    .addOption(
      new Option("--from <name>", "the environment to copy").choices(templates()).default("torch_cuda"),
    )
    .addOption(projectOption())
    .action((name: string, options: SpackOptions & { from: string }) => {
      const root = options.projectRoot ?? findProjectRoot(process.cwd());
      const folder = newEnvironment(root, name, options.from);
      process.stdout.write(
        `${relative(process.cwd(), folder)}/spack_src.yaml: edit this file, then run \`ai-how spack build ${name}\`\n`,
      );
    });
  addInContainer(
    spack,
    "build",
    "install the versions of spack.lock, or of spack_src.yaml if there is no lock",
    [],
  );
  addInContainer(spack, "lock", "choose versions for spack_src.yaml again and write them to spack.lock", [
    "--lock",
  ]);
}

function addInContainer(spack: Command, name: string, what: string, flags: readonly string[]): void {
  spack
    .command(name)
    .description(what)
    .argument("<name>", "a folder below spack/ of the project")
    .addOption(projectOption())
    .addOption(
      new Option("--engine <name>", "the container engine. Default: docker, else podman").choices([
        "docker",
        "podman",
      ]),
    )
    .action(async (environment: string, options: SpackOptions) => {
      const projectRoot = options.projectRoot ?? findProjectRoot(process.cwd());
      const folder = environmentInContainer(projectRoot, environment);
      process.exitCode = await dev([...flags, folder], {
        entrypoint: "spack-build",
        projectRoot,
        env: [],
        ...(options.engine !== undefined && { engine: options.engine }),
      });
    });
}

function projectOption(): Option {
  return new Option(
    "--project-root <folder>",
    "the project. Default: the repository around the current folder",
  );
}
