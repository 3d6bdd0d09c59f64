import * as pulumi from "@pulumi/pulumi";

/** Arguments of a `DockerDaemon`. */
export interface DockerDaemonArgs {
  /** Where it is, `unix:///run/docker.sock`. Default: DOCKER_HOST, else the usual socket. */
  host?: pulumi.Input<string | undefined>;
}

/** A Docker daemon that answers. */
export class DockerDaemon extends pulumi.CustomResource {
  /** Where it is; known after the first `up`. */
  declare readonly address: pulumi.Output<string>;

  constructor(name: string, args: DockerDaemonArgs, opts?: pulumi.CustomResourceOptions) {
    super("host:index:DockerDaemon", name, { ...args, address: undefined }, opts);
  }
}

/** Arguments of a `Folder`. */
export interface FolderArgs {
  /** Where it is; absolute. */
  path: pulumi.Input<string>;
  /** Number of its owner. */
  uid: pulumi.Input<number>;
  /** Number of its group. */
  gid: pulumi.Input<number>;
  /** In octal, `0755`. */
  mode: pulumi.Input<string>;
  /** Text files in it, by their names; everybody may read them. Default none. */
  files?: pulumi.Input<Record<string, pulumi.Input<string>> | undefined>;
}

/** A folder of this host with its owner and mode. What others put into it stays theirs, and the folder with it. */
export class Folder extends pulumi.CustomResource {
  declare readonly path: pulumi.Output<string>;

  constructor(name: string, args: FolderArgs, opts?: pulumi.CustomResourceOptions) {
    super("host:index:Folder", name, { files: undefined, ...args, made: undefined }, opts);
  }
}
