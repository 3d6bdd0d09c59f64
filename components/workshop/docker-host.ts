import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

export interface DockerHostArgs {
  /** Its daemon, `unix:///run/docker.sock`. Default: DOCKER_HOST of whoever runs the program, else the usual socket. */
  host?: pulumi.Input<string>;
}

/** A host's Docker, which is asked only when there is something to do: a preview needs none. */
export class DockerHost extends pulumi.ComponentResource {
  readonly docker: docker.Provider;

  constructor(name: string, args: DockerHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:workshop:DockerHost", name, {}, opts);
    this.docker = new docker.Provider(
      `${name}-docker`,
      { disableDockerDaemonCheck: true, ...(args.host !== undefined && { host: args.host }) },
      { parent: this },
    );
    this.registerOutputs({ host: this.docker.host });
  }
}
