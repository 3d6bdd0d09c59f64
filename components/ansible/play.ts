import type * as pulumi from "@pulumi/pulumi";
import type { Machine } from "../machines/machine.ts";
import type { Variables } from "./inventory.ts";

/** What a component wants Ansible to make of its machines; a `Playbook` applies one or several in one run. */
export interface Play {
  /** Roles besides `base`, which every machine gets. */
  readonly roles: readonly string[];
  /** Which machines are in which group. */
  readonly groups: Readonly<Record<string, readonly Machine[]>>;
  /** Variables of all machines. */
  readonly variables: pulumi.Input<Variables>;
  /** Further values whose change is a reason to apply it again. Default none. */
  readonly rerunOn?: readonly pulumi.Input<unknown>[];
}
