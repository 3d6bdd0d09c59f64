import { execa } from "execa";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { lacks } from "../../required.ts";
import { Provider } from "../../../providers/framework/provider.ts";
import { host } from "../../../providers/host/provider.ts";
import { Driver, type Made } from "../libvirt/stage.ts";

const repository = resolve(import.meta.dirname, "..", "..", "..");
const ansible = (file: string) => join(repository, "ansible", file);

/** Why these tests cannot run here; undefined where they can. */
export const unavailable = await lacks("root", "nspawn", "mmdebstrap", "Ansible");

interface KeyPair {
  readonly publicKey: string;
  readonly privateKey: string;
}

interface Node {
  readonly name: string;
  readonly ip: string;
  readonly hostKey: KeyPair;
  readonly resource: Driver;
  made: Made;
}

/** What one run of a playbook said. */
export interface Play {
  readonly exitCode: number | undefined;
  readonly output: string;
  /** Sum over all hosts. */
  readonly changed: number;
}

/** The provider's `host` resources, driven as an engine does. */
export function hostDriver(type: string, name: string): Driver {
  const provider = new Provider(host);
  provider.configure({});
  return new Driver(provider, `host:index:${type}`, name);
}

/** The id that a `host` resource will have. */
export function identify(type: string, raw: Record<string, unknown>): string | undefined {
  const provider = new Provider(host);
  provider.configure({});
  const token = `host:index:${type}`;
  return provider.identify(token, "", provider.check(token, raw).inputs);
}

/** The golden image that the tests of this checkout share. */
export async function buildImage(log?: (line: string) => void): Promise<Made> {
  const inputs = { distribution: "debian12", cacheDirectory: ".ai-how/cache" };
  return hostDriver("Image", "image").create(inputs, log);
}

/** Container machines from the golden image in a network namespace of their own, for the tests of one file. */
export class Stage {
  readonly namespace: string;
  readonly #names: readonly string[];
  readonly #nodes = new Map<string, Node>();
  #directory = "";
  #image: Made | undefined;
  #key: KeyPair | undefined;

  /** Registers its own setting up and taking down with vitest. */
  constructor(subject: string, names: readonly string[]) {
    this.namespace = `ai-how-test-${subject}-${process.pid}`;
    this.#names = names;
    beforeAll(async () => {
      if (unavailable === undefined) await this.#setUp();
    });
    afterAll(async () => {
      await this.#takeDown();
    });
  }

  get networkNamespace(): string {
    return `/run/netns/${this.namespace}`;
  }

  /** Where machines keep their files. */
  get stateDirectory(): string {
    return join(this.#directory, "machines");
  }

  /** The host's folder that every machine sees as /scratch. */
  get scratch(): string {
    return join(this.#directory, "scratch");
  }

  get image(): Made {
    if (this.#image === undefined) throw new Error("the image is made before the first test");
    return this.#image;
  }

  node(name: string): Node {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`there is no machine ${name}`);
    return node;
  }

  /** The inputs of a machine, as its resource takes them. */
  inputs(name: string, hostKey: KeyPair, number: number): Record<string, unknown> {
    return {
      name,
      hostname: name,
      rootDirectory: this.image.state.rootDirectory,
      networkNamespace: this.networkNamespace,
      bridge: "br0",
      mac: `52:54:00:00:01:${number.toString(16).padStart(2, "0")}`,
      address: `192.168.190.${10 + number}/24`,
      gateway: "192.168.190.1",
      authorizedKey: this.#key?.publicKey,
      hostKey: hostKey.privateKey,
      hostPublicKey: hostKey.publicKey,
      adminUser: "admin",
      binds: [{ source: this.scratch, target: "/scratch" }],
      stateDirectory: this.stateDirectory,
    };
  }

  /** Boots one machine more. */
  async add(name: string): Promise<Node> {
    const number = this.#nodes.size;
    const hostKey = await keyPair(name);
    const resource = hostDriver("Container", name);
    const made = await resource.create(this.inputs(name, hostKey, number));
    const node = { name, ip: `192.168.190.${10 + number}`, hostKey, resource, made };
    this.#nodes.set(name, node);
    return node;
  }

  /** Runs the cluster playbook on all machines; the first is in each of `firsts`, the others are in each of `others`. */
  async play(
    groups: { firsts: readonly string[]; others: readonly string[] },
    variables: Record<string, unknown> = {},
    environment = {},
  ): Promise<Play> {
    const [first, ...others] = [...this.#nodes.keys()];
    const inventory = {
      all: { vars: { node_kind: "container", storage_backend: "bind", ...variables } },
      ...Object.fromEntries(groups.firsts.map((group) => [group, { hosts: [first] }])),
      ...Object.fromEntries(groups.others.map((group) => [group, { hosts: others }])),
      _meta: {
        hostvars: Object.fromEntries(
          [...this.#nodes.values()].map(({ name, ip }) => [
            name,
            {
              ansible_host: ip,
              ansible_user: "admin",
              ansible_ssh_common_args: `-o ProxyCommand='${this.#proxy}'`,
            },
          ]),
        ),
      },
    };
    const run = await execa(ansible("run"), ["cluster"], {
      all: true,
      reject: false,
      env: {
        AI_HOW_INVENTORY: JSON.stringify(inventory),
        AI_HOW_SSH_KEY: this.#key?.privateKey,
        AI_HOW_KNOWN_HOSTS: [...this.#nodes.values()]
          .map(({ ip, hostKey }) => `${ip} ${hostKey.publicKey}\n`)
          .join(""),
        ...environment,
      },
    });
    const changed = [...run.all.matchAll(/^recap .* changed=(\d+)/gm)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    );
    return { exitCode: run.exitCode, output: run.all, changed };
  }

  /** Runs a command on a machine, by `ansible/ssh`. */
  async on(name: string, command: string, input = ""): Promise<string> {
    const { ip, hostKey } = this.node(name);
    const machine = {
      address: ip,
      user: "admin",
      hostKey: hostKey.publicKey,
      privateKey: this.#key?.privateKey,
      proxyCommand: this.#proxy,
    };
    const env = { AI_HOW_MACHINE: JSON.stringify(machine) };
    return (await execa(ansible("ssh"), [command], { env, input })).stdout;
  }

  get #proxy(): string {
    return `nsenter --net=${this.networkNamespace} nc %h %p`;
  }

  async #setUp(): Promise<void> {
    this.#image = await buildImage();
    this.#key = await keyPair("test");
    this.#directory = await mkdtemp(join(tmpdir(), `${this.namespace}-`));
    await execa("ip", ["netns", "add", this.namespace]);
    for (const line of [
      "link set lo up",
      "link add br0 type bridge",
      "addr add 192.168.190.1/24 dev br0",
      "link set br0 up",
    ]) {
      await execa("ip", ["-n", this.namespace, ...line.split(" ")]);
    }
    for (const name of this.#names) await this.add(name);
  }

  async #takeDown(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map(({ resource, made }) => resource.delete(made)));
    if (existsSync(this.networkNamespace)) await execa("ip", ["netns", "delete", this.namespace]);
    if (this.#directory !== "") await rm(this.#directory, { recursive: true, force: true });
  }
}

/** A new SSH key pair. */
export async function keyPair(comment: string): Promise<KeyPair> {
  const { state } = await hostDriver("SshKey", comment).create({ comment });
  return { publicKey: String(state.publicKey), privateKey: String(state.privateKey) };
}
