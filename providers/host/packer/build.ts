import { createWriteStream, existsSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { ProviderError } from "../../framework/resource.ts";
import { removeLeftovers, type Building } from "../image/build.ts";
import { withLock } from "../image/lock.ts";
import { makeBuildAccess, type BuildAccess } from "./access.ts";
import type { PackerImageInputs } from "./inputs.ts";
import { progressOf } from "./progress.ts";
import { template, variablesFile } from "./recipe.ts";

// Lines of Packer's output that an error repeats.
const REPEATED = 15;
const MEMORY_MIB = 2048;

const emulators = {
  amd64: { qemu_binary: "qemu-system-x86_64", machine_type: "pc", emulated: "qemu64,svm=off", firmware: "" },
  arm64: {
    qemu_binary: "qemu-system-aarch64",
    machine_type: "virt",
    emulated: "cortex-a57",
    firmware: "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd",
  },
};

/** Builds an image under a temporary name and renames it when it is complete. Of two builds of one image, the second waits. */
export async function buildPackerImage(
  inputs: PackerImageInputs,
  name: string,
  cache: string,
  building: Building,
): Promise<void> {
  const images = join(cache, "images");
  const logs = join(cache, "packer");
  await mkdir(images, { recursive: true });
  await mkdir(join(logs, "sources"), { recursive: true });
  await withLock(join(logs, `${name}.lock`), building, async () => {
    const place = join(images, name);
    if (existsSync(place)) return;
    await removeLeftovers(images);
    const draft = join(images, `.building-${process.pid}-${name}`);
    try {
      await mkdir(draft, { mode: 0o700 });
      await build(inputs, draft, join(logs, name), building);
      await rename(join(draft, "image"), place);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  });
}

/** Creates DRAFT/image. The output is in LOG.log, and a finished image has it as build.log. */
async function build(
  inputs: PackerImageInputs,
  draft: string,
  log: string,
  building: Building,
): Promise<void> {
  const access = await makeBuildAccess(draft, inputs.adminUser);
  const variables: TemplateVariables = {
    ...variablesOf(inputs, access),
    output_directory: join(draft, "output"),
    console_log: `${log}.console.log`,
  };
  // Packer puts sockets here, whose paths must be short.
  const temporary = await temporaryDirectory();
  try {
    const failure = await runPacker(inputs.kind.name, `${log}.log`, building, {
      ...Object.fromEntries(
        Object.entries(variables).map(([key, value]) => [`PKR_VAR_${key}`, String(value)]),
      ),
      PACKER_LOG: "1",
      PACKER_LOG_PATH: `${log}.debug.log`,
      PACKER_CACHE_DIR: join(dirname(log), "sources"),
      TMPDIR: temporary,
      XDG_RUNTIME_DIR: temporary,
    });
    if (building.signal.aborted) throw new ProviderError("building the image was cancelled");
    if (failure !== undefined) {
      throw new ProviderError(`packer build failed; its output is in ${log}.log:\n${failure}`);
    }
    await collect(inputs, draft, `${log}.log`);
    for (const file of [".log", ".debug.log", ".console.log"]) await rm(log + file, { force: true });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

type TemplateVariables = Readonly<Record<string, string | number | boolean>>;

/** The template's variables, except the paths of its output. */
function variablesOf(inputs: PackerImageInputs, access: BuildAccess): TemplateVariables {
  const { source, architecture, accelerator, adminUser } = inputs;
  const { emulated, firmware, ...emulator } = emulators[architecture];
  const isEmulated = accelerator === "tcg";
  return {
    ...emulator,
    accelerator,
    cpu_model: isEmulated ? emulated : "host",
    // With more virtual processors emulation is slower.
    cpus: isEmulated ? 1 : Math.min(4, availableParallelism()),
    memory: MEMORY_MIB,
    admin_user: adminUser,
    role_variables: JSON.stringify(inputs.roleVariables),
    seed: access.seed,
    ssh_private_key_file: access.privateKeyFile,
    ssh_host_key: access.hostKey,
    ...("image" in source
      ? {
          source_url: source.image.disk,
          source_checksum: "none",
          kernel: source.image.kernel,
          initrd: source.image.initrd,
          // As in component VirtualMachine.
          kernel_arguments: `${source.image.kernelArguments}${isEmulated ? " mitigations=off cryptomgr.notests" : ""}`,
          // It has all of the roles' packages.
          update_packages: false,
        }
      : {
          source_url: source.cloud[architecture].url,
          source_checksum: source.cloud[architecture].checksum,
          firmware,
          update_packages: true,
        }),
  };
}

/** Runs Packer; undefined if it succeeded, else the end of its output. */
async function runPacker(
  kind: string,
  file: string,
  { log, signal }: Building,
  env: Record<string, string>,
): Promise<string | undefined> {
  // When this process ends, the namespace ends, and with it QEMU and Ansible.
  const inside = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const packer = ["packer", "build", "-color=false", `-var-file=${variablesFile(kind)}`, template];
  const packing = execa("setpriv", ["--pdeathsig", "KILL", "unshare", ...inside, ...packer], {
    cancelSignal: signal,
    forceKillAfterDelay: 1,
    stdin: "ignore",
    all: true,
    reject: false,
    extendEnv: true,
    env: { ...env, CHECKPOINT_DISABLE: "1", PACKER_NO_COLOR: "1" },
  });
  const output = createWriteStream(file, { mode: 0o600 });
  const last: string[] = [];
  for await (const line of packing.iterable({ from: "all" })) {
    output.write(`${line}\n`);
    if (line.trim() !== "") last.push(line);
    if (last.length > REPEATED) last.shift();
    const step = progressOf(line);
    if (step !== undefined) log(step);
  }
  const { exitCode } = await packing;
  await new Promise((resolve) => output.end(resolve));
  return exitCode === 0 ? undefined : last.join("\n");
}

/** Collects the files of an image. */
async function collect(inputs: PackerImageInputs, draft: string, log: string): Promise<void> {
  const image = join(draft, "image");
  await mkdir(image);
  await rename(join(draft, "output", "disk.qcow2"), join(image, "disk.qcow2"));
  if ("image" in inputs.source) {
    // Copies, because the source image may be removed.
    await copyFile(inputs.source.image.kernel, join(image, "vmlinuz"));
    await copyFile(inputs.source.image.initrd, join(image, "initrd.img"));
  }
  await copyFile(log, join(image, "build.log"));
  // Readable for the account that libvirt runs machines under, whatever the umask and the source's mode are.
  for (const file of await readdir(image)) await chmod(join(image, file), 0o644);
  await chmod(image, 0o755);
}

/** Creates a temporary folder with this process's id in its name, and removes those of processes that have ended. */
async function temporaryDirectory(): Promise<string> {
  for (const entry of await readdir(tmpdir())) {
    const pid = /^ai-how-packer-(\d+)-/.exec(entry)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
      await rm(join(tmpdir(), entry), { recursive: true, force: true });
    }
  }
  return mkdtemp(join(tmpdir(), `ai-how-packer-${process.pid}-`));
}
