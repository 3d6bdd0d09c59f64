import { execa } from "execa";
import { afterAll, beforeAll } from "vitest";
import { Provider } from "../../../providers/framework/provider.ts";
import { host } from "../../../providers/host/provider.ts";
import { lacks } from "../../required.ts";
import { libvirt } from "../../../providers/libvirt/provider.ts";

type Values = Record<string, unknown>;

/** A resource as a test keeps it between two operations, like an engine's state. */
export interface Made {
  readonly id: string;
  readonly inputs: Values;
  readonly state: Values;
}

/** Why these tests cannot run here; undefined where they can. */
export const unavailable = await lacks("root", "libvirtd", "QEMU");

/** Drives one resource type the way an engine does: check, then the operation. */
export class Driver {
  readonly #provider: Provider;
  readonly #token: string;
  readonly #urn: string;

  constructor(provider: Provider, token: string, name: string) {
    this.#provider = provider;
    this.#token = token;
    this.#urn = `urn:pulumi:test::test::${token}::${name}`;
  }

  async create(raw: Values, log: (line: string) => void = () => undefined): Promise<Made> {
    return this.#provider.create(this.#token, this.#checked(raw), { ...this.#operation(), log });
  }

  /** What refresh would keep; undefined when the resource is gone. */
  async refresh(last: Made): Promise<Made | undefined> {
    return this.#provider.read(this.#token, last.id, last, this.#operation());
  }

  async import(id: string): Promise<Made | undefined> {
    return this.#provider.read(this.#token, id, undefined, this.#operation(""));
  }

  async update(was: Made, raw: Values): Promise<Made> {
    return this.#provider.update(this.#token, was.id, was, this.#checked(raw), this.#operation());
  }

  async delete(last: Made): Promise<void> {
    await this.#provider.delete(this.#token, last.id, last, this.#operation());
  }

  /** The paths at which reality differs from what was last known. */
  async drift(last: Made): Promise<string[]> {
    const found = await this.refresh(last);
    if (found === undefined) return ["gone"];
    return this.#provider.diff(this.#token, last.inputs, found.inputs).properties.map(({ path }) => path);
  }

  #checked(raw: Values): Values {
    const { inputs, problems } = this.#provider.check(this.#token, raw);
    if (problems.length > 0) throw new Error(JSON.stringify(problems));
    return inputs;
  }

  #operation(urn = this.#urn) {
    return { urn, log: () => undefined, signal: new AbortController().signal };
  }
}

/** A sandbox with a libvirtd for the tests of one file. */
export class Stage {
  readonly name: string;
  readonly sandbox: Driver;
  readonly #libvirt = new Provider(libvirt);
  #made: Made | undefined;

  /** Registers its own setting up and taking down with vitest. */
  constructor(subject: string) {
    this.name = `test-${subject}-${process.pid}`;
    const hostProvider = new Provider(host);
    hostProvider.configure({});
    this.sandbox = new Driver(hostProvider, "host:index:Sandbox", this.name);
    beforeAll(async () => {
      if (unavailable !== undefined) return;
      this.#made = await this.sandbox.create({ name: this.name });
      this.#libvirt.configure({ uri: this.uri });
    });
    afterAll(async () => {
      if (this.#made !== undefined) await this.sandbox.delete(this.#made);
    });
  }

  get made(): Made {
    if (this.#made === undefined) throw new Error("the sandbox is made before the first test");
    return this.#made;
  }

  get uri(): string {
    return String(this.made.state.uri);
  }

  get pool(): string {
    return String(this.made.state.poolDirectory);
  }

  get namespace(): string {
    return `ai-how-${this.name}`;
  }

  /** A driver for `libvirt:index:<type>`; another name is another resource. */
  driver(type: string, name = "it"): Driver {
    return new Driver(this.#libvirt, `libvirt:index:${type}`, name);
  }

  /** Does something behind the provider's back. */
  async virsh(...args: string[]): Promise<string> {
    return (await execa("virsh", ["--quiet", "-c", this.uri, ...args])).stdout;
  }
}
