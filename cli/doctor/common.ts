import { join } from "node:path";
import { execa } from "execa";
import { findPulumi } from "../../engine/select.ts";
import { installPacker, packerLacks } from "../../providers/host/packer/installed.ts";
import { fail, note, pass, type Finding } from "./finding.ts";
import type { Host } from "./host.ts";

const SETUP = "run `make setup`";

/** Checks that a program is installed; `purpose` goes on after "it". */
export async function program(
  host: Host,
  name: string,
  purpose: string,
  remedy: string = SETUP,
): Promise<Finding> {
  const file = await host.find(name);
  return file === undefined ? fail(name, `not installed; it ${purpose}`, remedy) : pass(name, file);
}

/** Checks Ansible in the project's virtual environment. */
export async function ansible(root: string): Promise<Finding> {
  const file = join(root, ".venv", "bin", "ansible-playbook");
  const result = await execa(file, ["--version"], { reject: false });
  if (result.failed) return fail("ansible", ".venv has no ansible-playbook", SETUP);
  return pass("ansible", result.stdout.split("\n")[0] ?? "");
}

/** Says which engine runs the program. */
export async function engine(): Promise<Finding> {
  const file = await findPulumi();
  if (file !== undefined) return pass("pulumi", file);
  return note(
    "pulumi",
    "not installed; the in-process engine runs the program",
    "`npx pulumi version` fetches it, or tools/pulumi.sh builds it",
  );
}

/** Checks Packer and its version. */
export async function packer(): Promise<Finding> {
  const lacking = await packerLacks();
  if (lacking === undefined) return pass("packer", "the pinned version");
  return fail("packer", `${lacking}; the cluster file has images that Packer builds`, installPacker);
}
