import { join } from "node:path";
import { execa } from "execa";
import { findPulumi } from "../../engine/select.ts";
import { installPacker, packerLacks } from "../../providers/host/packer/installed.ts";
import { fail, note, pass, type Finding } from "./finding.ts";
import type { Host } from "./host.ts";

const SETUP = "run `make setup`";

/** A program, and what it does in half a sentence. */
export async function program(
  host: Host,
  name: string,
  purpose: string,
  remedy: string = SETUP,
): Promise<Finding> {
  const file = await host.find(name);
  return file === undefined ? fail(name, `missing; it ${purpose}`, remedy) : pass(name, file);
}

/** Ansible in the project's own virtual environment. */
export async function ansible(root: string): Promise<Finding> {
  const file = join(root, ".venv", "bin", "ansible-playbook");
  const result = await execa(file, ["--version"], { reject: false });
  if (result.failed) return fail("ansible", ".venv has no ansible-playbook", SETUP);
  return pass("ansible", result.stdout.split("\n")[0] ?? "");
}

/** Which engine will run the program. */
export async function engine(): Promise<Finding> {
  const file = await findPulumi();
  if (file !== undefined) return pass("pulumi", file);
  return note(
    "pulumi",
    "not installed; the in-process engine runs the program",
    "`npx pulumi version` fetches it, or tools/pulumi.sh builds it",
  );
}

/** Packer, of the version that is pinned. */
export async function packer(): Promise<Finding> {
  const lacking = await packerLacks();
  if (lacking === undefined) return pass("packer", "the pinned version");
  return fail("packer", `${lacking}; it builds the images that the cluster file asks for`, installPacker);
}
