import { describe, it } from "vitest";
import { lacks } from "../required.ts";

/** Why a stack cannot be brought up on this host; undefined where it can. */
export function hostLacks(): Promise<string | undefined> {
  return lacks("root", "libvirtd", "QEMU", "nspawn", "mmdebstrap", "Ansible");
}

/** A group of tests that runs unless something is lacking, and then says in its name what. */
export function describeUnless(lacking: string | undefined, name: string, tests: () => void): void {
  if (lacking === undefined) describe(name, tests);
  else describe.skip(`${name} (skipped: ${lacking})`, tests);
}

/** The same of one test. */
export function itUnless(lacking: string | undefined, name: string, test: () => void | Promise<void>): void {
  if (lacking === undefined) it(name, test);
  else it.skip(`${name} (skipped: ${lacking})`, test);
}
