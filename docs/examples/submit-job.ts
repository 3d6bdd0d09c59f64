// Submits a job to the SLURM cluster of a stack, knowing nothing of it but its outputs:
//
//   ai-how outputs --json | node docs/examples/submit-job.ts 'srun hostname'
//   node docs/examples/submit-job.ts --outputs outputs.json --nodes 2 'srun hostname'
//
// Waits for the job, prints what it came to as JSON, and exits with 0 if it was completed. The key comes from the SSH
// agent, as docs/outputs-for-programs.md shows.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { stackOutputsSchema, type MachineOutput, type StackOutputs } from "ai-how/outputs";

interface Job {
  readonly jobId: number;
  /** SLURM's word, `COMPLETED`. */
  readonly state: string;
  readonly output: string;
}

/** Submits a job to the default partition and waits until it has ended. */
async function submit({ machines, slurm }: StackOutputs, command: string, nodes: number): Promise<Job> {
  if (slurm?.scratch === undefined) throw new Error("this stack has no SLURM cluster with a shared folder");
  const controller = machines.find(({ shortName }) => shortName === slurm.controller);
  const [partition] = slurm.partitions;
  if (controller === undefined || partition === undefined)
    throw new Error("the cluster has nowhere to submit to");
  const said = await onMachine(
    controller,
    `file=$(mktemp ${quoted(`${slurm.scratch}/job-XXXXXX`)})
     trap 'rm -f "$file"' EXIT
     id=$(sbatch --parsable --wait --nodes=${nodes} --partition=${quoted(partition)} \\
       --output="$file" --wrap=${quoted(command)} </dev/null) || true
     echo "$id $(scontrol --oneliner show job "$id" | grep -o 'JobState=[A-Z_]*')"
     cat "$file"`,
  );
  const [, id, state, output] = /^(\d+) JobState=(\w+)\n([^]*)$/.exec(said) ?? [];
  if (id === undefined || state === undefined || output === undefined)
    throw new Error(`the controller did not say what became of the job: ${said}`);
  return { jobId: Number(id), state, output };
}

/** Runs a script on a machine, which has to show the one host key that the outputs name. */
async function onMachine(machine: MachineOutput, script: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "submit-job-"));
  try {
    const knownHosts = join(folder, "known_hosts");
    const name = machine.port === 22 ? machine.address : `[${machine.address}]:${machine.port}`;
    writeFileSync(knownHosts, `${name} ${machine.hostKey}\n`);
    const options = {
      BatchMode: "yes",
      StrictHostKeyChecking: "yes",
      UserKnownHostsFile: knownHosts,
      ...(machine.proxyCommand !== undefined && { ProxyCommand: machine.proxyCommand }),
      ...(machine.privateKeyPath !== undefined && { IdentityFile: machine.privateKeyPath }),
    };
    const ssh = spawn(
      "ssh",
      [
        ...["-F", "none", "-p", String(machine.port), "-l", machine.user],
        ...Object.entries(options).map(([key, value]) => `-o${key}=${value}`),
        ...["--", machine.address, "bash", "-s"],
      ],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    ssh.stdin.end(script);
    const [said] = await Promise.all([text(ssh.stdout), once(ssh, "close")]);
    if (ssh.exitCode !== 0) throw new Error(`ssh to ${machine.name} ended with ${String(ssh.exitCode)}`);
    return said;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A word of a shell that means nothing but itself. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The outputs, checked: a version that this program does not know is an error, and not a surprise later. */
async function read(file: string | undefined): Promise<StackOutputs> {
  const content = file === undefined ? await text(process.stdin) : readFileSync(file, "utf8");
  const parsed = stackOutputsSchema.safeParse(JSON.parse(content));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new Error(`these are no outputs that it knows: ${problems.join("; ")}`);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { outputs: { type: "string" }, nodes: { type: "string", default: "1" } },
});
const [command] = positionals;
const nodes = Number(values.nodes);
if (command === undefined || positionals.length > 1 || !Number.isInteger(nodes) || nodes < 1) {
  process.stderr.write("usage: submit-job.ts [--outputs FILE] [--nodes COUNT] COMMAND\n");
  process.exit(2);
}
try {
  const job = await submit(await read(values.outputs), command, nodes);
  process.stdout.write(`${JSON.stringify(job)}\n`);
  process.exitCode = job.state === "COMPLETED" ? 0 : 1;
} catch (error) {
  process.stderr.write(`submit-job: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
