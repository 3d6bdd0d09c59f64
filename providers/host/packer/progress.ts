// Lines of Packer's output, and the step that each starts.
const steps: readonly (readonly [line: RegExp, step: string])[] = [
  [/^==> \S+: Retrieving ISO/, "source: fetching the source image"],
  [/^==> \S+: Starting VM/, "boot: waiting until the machine answers SSH"],
  [/^==> \S+: Provisioning with Ansible/, "roles: baking what does not depend on a cluster"],
  [/^==> \S+: Gracefully halting/, "finish: removing the build's own files"],
  [/^==> \S+: Running post-processor/, "disk: qcow2"],
];

// `ansible/run` prints one line per task; newer versions of Packer put their own prefix before it.
const task = /^(?:==>| {3}) \S+: (\S+ : .+ \.\.\. .+)$/;

/** The progress line for a line of Packer's output, if there is one. */
export function progressOf(line: string): string | undefined {
  return steps.find(([pattern]) => pattern.test(line))?.[1] ?? task.exec(line)?.[1];
}
