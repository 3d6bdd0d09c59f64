import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { projectFolders } from "../../config/project-folders.ts";
import { checkArguments, problemUnless, wholeNumber } from "../arguments.ts";
import * as host from "../../providers/host/resources.ts";
import type { DevImage } from "./dev-image.ts";

export interface DevEnvironmentArgs {
  /** What the launcher calls the project, SYGALDRY_PROJECT_ID. */
  projectId: string;
  /** The folder on this host that keeps all that is the project's; absolute. */
  root: string;
  /** Owner of its folders, the number of the user who works in the container. */
  uid: number;
  /** Group of its folders. */
  gid: number;
  image: DevImage;
}

const CACHES = ["spack_store", "bazel_cache", "hf_cache"] as const;

/**
 * What one project's development containers find on the host: the folders that are mounted into them with their owner, a volume
 * for each cache so that other containers can mount it by name, and the launcher's settings. What is in the folders is
 * the user's: it stays whatever becomes of the stack.
 */
export class DevEnvironment extends pulumi.ComponentResource {
  readonly projectId: string;
  /** The folder, once all in it is there. */
  readonly root: pulumi.Output<string>;
  readonly imageName: pulumi.Output<string>;

  constructor(name: string, args: DevEnvironmentArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:workshop:DevEnvironment", name, {}, opts);
    const { projectId, root, uid, gid, image } = args;
    checkArguments(name, [
      ...problemUnless(
        /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/.test(projectId),
        "projectId",
        "is no name of a project",
      ),
      ...problemUnless(
        /^\/[^\n]*[^/\n]$/.test(root),
        "root",
        "is not an absolute path without a slash at its end",
      ),
      ...wholeNumber("uid", uid, 0),
      ...wholeNumber("gid", gid, 0),
    ]);
    const part = (folder: string): string => `${name}-${folder.replaceAll("_", "-")}`;
    const owner = { uid, gid };
    const whole = new host.Folder(part("root"), { path: root, mode: "0755", ...owner }, { parent: this });
    const folder = (folder: keyof typeof projectFolders, files: Record<string, pulumi.Input<string>> = {}) =>
      new host.Folder(
        part(folder),
        {
          path: `${root}/${folder}`,
          mode: projectFolders[folder].mode.toString(8).padStart(4, "0"),
          ...owner,
          files,
        },
        { parent: this, dependsOn: [whole] },
      );

    // `set -a; . dev.env` makes the launcher use what this stack has made.
    const settings = pulumi.interpolate`SYGALDRY_PROJECT_ID=${projectId}
SYGALDRY_CONTAINER_ROOT=${root}
SYGALDRY_IMAGE=${image.imageName}
`;
    const folders = [folder("monorepo_home"), folder("config", { "dev.env": settings }), folder("logs")];
    for (const cache of CACHES) {
      const made = folder(cache);
      folders.push(made);
      new docker.Volume(
        `${part(cache)}-volume`,
        {
          name: `ai-how-${projectId}-${cache}`,
          driver: "local",
          driverOpts: { type: "none", o: "bind", device: made.path },
        },
        { parent: this },
      );
    }

    this.projectId = projectId;
    this.root = pulumi.all(folders.map(({ path }) => path)).apply(() => root);
    this.imageName = image.imageName;
    this.registerOutputs({ root: this.root, imageName: this.imageName });
  }
}
