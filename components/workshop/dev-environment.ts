import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { projectFolders } from "../../config/project-folders.ts";
import { checkArguments, problemUnless, wholeNumber } from "../arguments.ts";
import * as host from "../../providers/host/resources.ts";
import type { DevImage } from "./dev-image.ts";

export interface DevEnvironmentArgs {
  /** Name of the project, SYGALDRY_PROJECT_ID of the launcher. */
  projectId: string;
  /** Absolute path of the project's folder on this host. */
  root: string;
  /** UID of the user in the container, who owns the folders. */
  uid: number;
  /** GID of the folders. */
  gid: number;
  image: DevImage;
}

const CACHES = ["spack_store", "bazel_cache", "hf_cache"] as const;

/**
 * Prepares the host for one project's development containers: the folders that the containers mount, a named volume for each
 * cache so that other containers can mount it, and the launcher's settings. Destroying the stack keeps the folders' contents,
 * which belong to the user.
 */
export class DevEnvironment extends pulumi.ComponentResource {
  readonly projectId: string;
  /** Path of the project's folder; resolves once all subfolders exist. */
  readonly root: pulumi.Output<string>;
  readonly imageName: pulumi.Output<string>;

  constructor(name: string, args: DevEnvironmentArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:workshop:DevEnvironment", name, {}, opts);
    const { projectId, root, uid, gid, image } = args;
    checkArguments(name, [
      ...problemUnless(
        /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/.test(projectId),
        "projectId",
        "may have letters, digits, dots, dashes and underscores only, and begins with a letter or digit",
      ),
      ...problemUnless(
        /^\/[^\n]*[^/\n]$/.test(root),
        "root",
        "is not an absolute path without a trailing slash",
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

    // `set -a; . dev.env` points the launcher to this stack's folders and image.
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
