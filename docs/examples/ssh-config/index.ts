// A Pulumi program of its own that depends on a stack of ai-how: its output is an OpenSSH configuration for the machines.
//
//   pulumi config set site organization/ai-how/dev
//   pulumi up && pulumi stack output sshConfig >site.conf
import * as pulumi from "@pulumi/pulumi";
import { stackOutputsSchema, type MachineOutput, type StackOutputs } from "ai-how/outputs";

/** The outputs of another stack, checked. Each is asked for by its name: all at once would be secret, as one of them is. */
function outputsOf(reference: pulumi.StackReference): pulumi.Output<StackOutputs> {
  const keys = Object.keys(stackOutputsSchema.shape);
  const values = Object.fromEntries(keys.map((key) => [key, reference.getOutput(key)]));
  return pulumi.output(values).apply((found) => stackOutputsSchema.parse(found));
}

function hostOf(machine: MachineOutput): string {
  return [
    `Host ${machine.shortName} ${machine.name}`,
    `  HostName ${machine.address}`,
    `  Port ${machine.port}`,
    `  User ${machine.user}`,
    `  HostKeyAlias ${machine.name}`,
    ...(machine.proxyCommand === undefined ? [] : [`  ProxyCommand ${machine.proxyCommand}`]),
    ...(machine.privateKeyPath === undefined ? [] : [`  IdentityFile ${machine.privateKeyPath}`]),
    "",
  ].join("\n");
}

const site = outputsOf(new pulumi.StackReference(new pulumi.Config().require("site")));

export const sshConfig = site.machines.apply((machines) => machines.map(hostOf).join("\n"));
export const knownHosts = site.machines.apply((machines) =>
  machines.map(({ name, hostKey }) => `${name} ${hostKey}\n`).join(""),
);
/** Where to submit jobs; nothing for a stack without SLURM. */
export const submitOn = site.apply(({ slurm }) => slurm?.controller);
