// What Packer says of its steps, and what that is to the person who waits.
const steps: readonly (readonly [said: RegExp, step: string])[] = [
  [/^==> \S+: Retrieving ISO/, "source: fetching the image to begin with"],
  [/^==> \S+: Starting VM/, "boot: waiting until the machine answers SSH"],
  [/^==> \S+: Provisioning with Ansible/, "roles: baking what does not depend on a cluster"],
  [/^==> \S+: Gracefully halting/, "finish: removing what is this build's own"],
  [/^==> \S+: Running post-processor/, "disk: qcow2"],
];

// `ansible/run` prints one line a task; newer versions of Packer begin it as they begin their own.
const task = /^(?:==>| {3}) \S+: (\S+ : .+ \.\.\. .+)$/;

/** The line of progress in a line of Packer's, if there is one. */
export function progressOf(line: string): string | undefined {
  return steps.find(([said]) => said.test(line))?.[1] ?? task.exec(line)?.[1];
}
