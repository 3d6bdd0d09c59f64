import type * as pulumi from "@pulumi/pulumi";
import type { Machine } from "../machines/machine.ts";
import type { Variables } from "./inventory.ts";

/** Roles, groups and variables by which Ansible configures a component's machines. A `Playbook` runs one or more plays. */
export interface Play {
  /** Names of roles, besides `base`, which runs on every machine. */
  readonly roles: readonly string[];
  /** Machines by inventory group. */
  readonly groups: Readonly<Record<string, readonly Machine[]>>;
  /** Variables of all machines. */
  readonly variables: pulumi.Input<Variables>;
  /** Further values that rerun the play when they change. Default: none. */
  readonly rerunOn?: readonly pulumi.Input<unknown>[];
}
