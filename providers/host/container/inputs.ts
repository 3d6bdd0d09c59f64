import { z } from "zod";
import type { InputsOf, Problem } from "../../framework/resource.ts";

const path = z.string().regex(/^\/[^\n:,]*$/, "must be an absolute path without colons and commas");

export const containerSchemas = {
  /** Name of its folder in `stateDirectory`, and of its interface `vb-<name>` on the bridge. */
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,62}$/, "must be lower-case letters, digits and dashes, a letter first"),
  /** Its own name. */
  hostname: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "must be a host name"),
  /** The image's files; never written to. */
  rootDirectory: path,
  /** Path of the network namespace with the bridge, a sandbox's `networkNamespace`. */
  networkNamespace: path,
  /** The bridge that it joins. */
  bridge: z.string().regex(/^[^/\s]{1,15}$/, "must be the name of an interface"),
  /** Its MAC address, in lower case. */
  mac: z
    .string()
    .regex(/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/, "must be a unicast MAC address in lower case"),
  /** Its address with prefix length, `192.168.190.10/24`. */
  address: z.union([z.cidrv4(), z.cidrv6()], "must be an address with prefix length"),
  /** Its default route. Default none. */
  gateway: z.union([z.ipv4(), z.ipv6()]).optional(),
  /** Name servers. Default none. */
  dns: z.array(z.union([z.ipv4(), z.ipv6()])).default([]),
  /** The line of `authorized_keys` that may log in. */
  authorizedKey: z.string().regex(/^\S+ \S+[^\n]*\n?$/, "must be one line of authorized_keys"),
  /** The private SSH host key, ed25519, in OpenSSH's format; secret. */
  hostKey: z.string().min(1),
  /** The public SSH host key. */
  hostPublicKey: z.string().min(1),
  /** The account that the key logs in to; the image must have it. */
  adminUser: z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/, "must be the name of an account"),
  /** CPU time, in CPUs. Default unlimited. */
  cpus: z.number().positive().optional(),
  /** Memory in MiB. Default unlimited. */
  memoryMib: z.int().min(64).optional(),
  /** Folders of the host that it sees. Default none. */
  binds: z
    .array(
      z.strictObject({
        /** Absolute path on the host; never removed. */
        source: path,
        /** Absolute path in the machine. */
        target: path,
        /** Whether the machine may only read. Default false. */
        readOnly: z.boolean().default(false),
        /** Whether a missing source is an error. Default false: it is created, writable by everybody. */
        existing: z.boolean().default(false),
      }),
    )
    .default([]),
  /** Whether it runs. Default true. */
  running: z.boolean().default(true),
  /** Folder in which machines keep what differs from their image, one folder each. */
  stateDirectory: path,
};

/** What a container machine is made from. */
export type ContainerInputs = InputsOf<typeof containerSchemas>;

/** Problems between a container's inputs. */
export function checkContainer({ binds }: ContainerInputs): Problem[] {
  const targets = binds.map(({ target }) => target);
  return targets.flatMap((target, i) =>
    targets.indexOf(target) < i
      ? [{ property: `binds[${i}].target`, reason: `${target} is taken already` }]
      : [],
  );
}
