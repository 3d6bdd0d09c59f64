import type { Engine } from "../../engine/engine.ts";
import { PulumiEngine } from "../../engine/pulumi/index.ts";
import { lacks } from "../required.ts";
import type { Project } from "./project.ts";
import { usePulumi } from "./pulumi.ts";

const cli = await usePulumi();

/** Both engines, each with why it cannot run here, and how it is made for a project. */
export const engines = [
  { name: "in-process", lacking: undefined, engineOf: (project: Project): Engine => project.engine },
  {
    name: "pulumi",
    lacking: await lacks("Pulumi's CLI"),
    engineOf: (project: Project): Engine => new PulumiEngine(project, cli),
  },
] as const;
