import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import * as host from "../../providers/host/resources.ts";

export interface DockerHostArgs {
  /** Its daemon, `unix:///run/docker.sock`. Default: DOCKER_HOST of whoever runs `up`, else the usual socket. */
  host?: pulumi.Input<string>;
}

/** A host's Docker. Nothing is asked of it before there is something to do: a preview of what is not there yet needs none. */
export class DockerHost extends pulumi.ComponentResource {
  readonly docker: docker.Provider;

  constructor(name: string, args: DockerHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:workshop:DockerHost", name, {}, opts);
    const daemon = new host.DockerDaemon(`${name}-daemon`, args, { parent: this });
    this.docker = new docker.Provider(`${name}-docker`, { host: daemon.address }, { parent: this });
    this.registerOutputs({ address: daemon.address });
  }
}
