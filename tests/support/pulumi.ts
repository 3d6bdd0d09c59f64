import { randomBytes } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { findPulumi, lacks } from "../required.ts";

const standIns = resolve(import.meta.dirname, "stand-in-plugins/bin");

/**
 * The `pulumi` that tests run. Programs that the test starts afterwards find it, its plugin for Kubernetes and the stand-ins for
 * `command` and `docker`; what is in the user's ~/.pulumi they do not find. Where there is none, tests that ask for it are skipped.
 */
export async function usePulumi(): Promise<string> {
  used ??= use();
  return used;
}

let used: Promise<string> | undefined;

async function use(): Promise<string> {
  if ((await lacks("Pulumi's CLI")) !== undefined) return "pulumi";
  const { path, kubernetes } = await findPulumi();
  // The language host takes the first `node` that it finds.
  const folders = [dirname(process.execPath), standIns, dirname(path), kubernetes];
  process.env.PATH = [...folders, process.env.PATH].join(delimiter);
  process.env.PULUMI_HOME = mkdtempSync(join(tmpdir(), "pulumi-"));
  return path;
}

/** Environment for a state in a folder, which is there, with a new passphrase. */
export function pulumiEnvironment(backend: string): Record<string, string> {
  return {
    PULUMI_BACKEND_URL: `file://${backend}`,
    PULUMI_CONFIG_PASSPHRASE: randomBytes(12).toString("hex"),
    PULUMI_SKIP_UPDATE_CHECK: "1",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}
