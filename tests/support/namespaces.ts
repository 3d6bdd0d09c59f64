import { execFileSync } from "node:child_process";

const NETWORK = "10.209.77";

/** Hosts of their own on a network of their own: namespaces, joined in one of them, the first, that no other network reaches. */
export class HostNetwork {
  readonly #prefix = `aihow-${process.pid}-`;
  readonly #names: string[] = [];

  /** Makes a host of this name; returns its address. */
  add(name: string): string {
    const [first = name] = this.#names;
    const address = `${NETWORK}.${this.#names.length + 1}`;
    this.#names.push(name);
    ip("netns", "add", this.#of(name));
    this.#in(name, "link", "set", "lo", "up");
    if (first === name) this.#in(name, "link", "add", "eth0", "type", "bridge");
    else {
      const peer = ["peer", "name", "eth0", "netns", this.#of(name)];
      this.#in(first, "link", "add", `to-${name}`, "type", "veth", ...peer);
      this.#in(first, "link", "set", `to-${name}`, "master", "eth0", "up");
    }
    this.#in(name, "address", "add", `${address}/24`, "dev", "eth0");
    this.#in(name, "link", "set", "eth0", "up");
    return address;
  }

  /** What begins a command line of something that runs on a host, and knows the host's name as its own. */
  on(name: string): readonly string[] {
    const named = ["unshare", "--uts", "sh", "-c", 'hostname "$0"; exec "$@"', name];
    return ["ip", "netns", "exec", this.#of(name), ...named];
  }

  /** Pulls the cable of a host, or puts it in again. */
  cable(name: string, state: "up" | "down"): void {
    this.#in(this.#names[0] ?? "", "link", "set", `to-${name}`, state);
  }

  remove(): void {
    for (const name of this.#names.splice(0)) ip("netns", "delete", this.#of(name));
  }

  #of(name: string): string {
    return this.#prefix + name;
  }

  #in(name: string, ...args: string[]): void {
    ip("-netns", this.#of(name), ...args);
  }
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: "pipe" });
}
