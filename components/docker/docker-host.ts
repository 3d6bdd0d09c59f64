import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import * as host from "../../providers/host/resources.ts";

export interface DockerHostArgs {
  /** Address of the Docker daemon. Default: DOCKER_HOST, else `unix:///var/run/docker.sock`. */
  host?: pulumi.Input<string>;
}

/** The Docker daemon of a host, and Pulumi's provider for it. A preview of a new stack does not connect to the daemon. */
export class DockerHost extends pulumi.ComponentResource {
  readonly docker: docker.Provider;

  constructor(name: string, args: DockerHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:workshop:DockerHost", name, {}, opts);
    const daemon = new host.DockerDaemon(`${name}-daemon`, args, { parent: this });
    this.docker = new docker.Provider(`${name}-docker`, { host: daemon.address }, { parent: this });
    this.registerOutputs({ address: daemon.address });
  }
}
