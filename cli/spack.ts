import { relative } from "node:path";
import { Option, type Command } from "commander";
import { findProjectRoot } from "../services/dev/place.ts";
import { environmentInContainer, newEnvironment, templates } from "../services/dev/spack.ts";
import { dev } from "./dev.ts";
import type { EngineProgram } from "../services/docker/engine.ts";

interface SpackOptions {
  readonly projectRoot?: string;
  readonly engine?: EngineProgram;
}

/** `spack`: environments of a project, built in its development container. */
export function addSpack(program: Command): void {
  const spack = program
    .command("spack")
    .description("Spack environments of a project, built in its development container");
  spack
    .command("new")
    .description("begin an environment of this project: spack/NAME/spack_src.yaml")
    .argument("<name>", "small letters, digits, dashes and underscores")
    .addOption(new Option("--from <name>", "what it is a copy of").choices(templates()).default("torch_cuda"))
    .addOption(projectOption())
    .action((name: string, options: SpackOptions & { from: string }) => {
      const root = options.projectRoot ?? findProjectRoot(process.cwd());
      const folder = newEnvironment(root, name, options.from);
      process.stdout.write(
        `${relative(process.cwd(), folder)}/spack_src.yaml: edit it, then \`ai-how spack build ${name}\`\n`,
      );
    });
  addInContainer(
    spack,
    "build",
    "install what spack.lock says, or what spack_src.yaml does where there is no lock",
    [],
  );
  addInContainer(spack, "lock", "decide anew which versions spack_src.yaml stands for: writes spack.lock", [
    "--lock",
  ]);
}

function addInContainer(spack: Command, name: string, what: string, flags: readonly string[]): void {
  spack
    .command(name)
    .description(what)
    .argument("<name>", "folder below spack/ of the project")
    .addOption(projectOption())
    .addOption(new Option("--engine <name>", "default: docker, else podman").choices(["docker", "podman"]))
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
  return new Option("--project-root <folder>", "default: the repository around this folder");
}
