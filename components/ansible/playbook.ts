import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { checkArguments, problemUnless } from "../arguments.ts";
import { inCheckout } from "../checkout.ts";
import type { Machine } from "../machines/machine.ts";
import { inventory, knownHosts, type Variables } from "./inventory.ts";
import type { Play } from "./play.ts";

export interface PlaybookArgs {
  /** File in `ansible/playbooks`, without `.yml`. */
  playbook: string;
  /** The plays to run. Groups of the same name are merged, and so are variables that are maps. */
  plays: readonly Play[];
}

/**
 * One run of `ansible-playbook`. It reruns only when a role's files, a variable or a machine has changed.
 * Plays share one run because connecting to an emulated machine takes longer than most tasks.
 */
export class Playbook extends pulumi.ComponentResource {
  /** ID of the run. Resolves when the run succeeds; changes with every rerun. */
  readonly completed: pulumi.Output<string>;
  /** Values that rerun the playbook when they change; later steps may depend on them, too. */
  readonly triggers: readonly pulumi.Input<unknown>[];

  constructor(name: string, args: PlaybookArgs, opts?: pulumi.ComponentResourceOptions) {
    super("ai-how:ansible:Playbook", name, {}, opts);

    const groups = joinGroups(args.plays);
    const machines = [
      ...new Map([...groups.values()].flat().map((machine) => [machine.name, machine])).values(),
    ];
    const all = [...groups.values()].flat();
    checkArguments(name, [
      ...problemUnless(machines.length > 0, "plays", "name no machine; give at least one"),
      ...machines.flatMap((machine) =>
        problemUnless(
          all.every((other) => other === machine || other.name !== machine.name),
          "plays",
          `have two machines named ${machine.name}`,
        ),
      ),
    ]);
    const hosts = pulumi.all(
      machines.map((machine) =>
        pulumi
          .all([machine.ssh, machine.address, machine.ready])
          .apply(([ssh, address]) => ({ name: machine.name, kind: machine.kind, address, ssh })),
      ),
    );
    const members = Object.fromEntries(
      [...groups].map(([group, machines]) => [group, machines.map(({ name }) => name)]),
    );
    const roles = [...new Set(["base", ...args.plays.flatMap((play) => play.roles)])];
    this.triggers = [
      new pulumi.asset.FileAsset(inCheckout(`ansible/playbooks/${args.playbook}.yml`)),
      ...roles.map((role) => new pulumi.asset.FileArchive(inCheckout(`ansible/roles/${role}`))),
      ...machines.map(({ ready }) => ready),
      ...args.plays.flatMap(({ rerunOn = [] }) => rerunOn),
    ];

    const run = new command.local.Command(
      `${name}-run`,
      {
        create: `${inCheckout("ansible/run")} ${args.playbook}`,
        // On standard input, because Linux limits one environment variable to 128 KiB.
        stdin: pulumi.secret(
          pulumi
            .all([hosts, pulumi.all(args.plays.map(({ variables }) => variables))])
            .apply(([known, variables]) =>
              JSON.stringify(
                inventory(members, known, mergeVariables(variables)),
              ),
            ),
        ),
        environment: {
          AI_HOW_INVENTORY: "-",
          AI_HOW_KNOWN_HOSTS: hosts.apply(knownHosts),
          // All machines of a stack accept one key; existing hosts accept the key of the user's SSH agent.
          AI_HOW_SSH_KEY: pulumi.secret(
            hosts.apply(
              (known) => known.find(({ ssh }) => ssh.privateKey !== undefined)?.ssh.privateKey ?? "",
            ),
          ),
        },
        triggers: [...this.triggers],
      },
      { parent: this },
    );

    this.completed = run.id;
    this.registerOutputs({ completed: this.completed });
  }
}

/** The variables of all plays. Maps of the same name are merged, one level deep; otherwise the last play wins. */
function mergeVariables(variables: readonly Variables[]): Variables {
  const merged: Record<string, unknown> = {};
  for (const [name, value] of variables.flatMap(Object.entries<unknown>)) {
    const before = merged[name];
    merged[name] = isMap(before) && isMap(value) ? { ...before, ...value } : value;
  }
  return merged;
}

function isMap(value: unknown): value is Variables {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function joinGroups(plays: readonly Play[]): Map<string, Machine[]> {
  const groups = new Map<string, Machine[]>();
  for (const [group, machines] of plays.flatMap((play) => Object.entries(play.groups))) {
    groups.set(group, [...new Set([...(groups.get(group) ?? []), ...machines])]);
  }
  return groups;
}
