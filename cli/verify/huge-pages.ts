import { needsOf } from "../doctor/workstation/needs.ts";
import {
  attempt,
  failed,
  lastLine,
  notTried,
  passed,
  succeeded,
  type Ground,
  type Outcome,
  type Result,
} from "./step.ts";

const OWNER = "ai-how-verify";
const KIB = { "2M": 2048, "1G": 1048576 } as const;

/** Huge pages for the throwaway machine, where the stack wants some: those that are free, or set aside for it alone. */
export class HugePages {
  readonly #ground: Ground;
  readonly #memoryMib: number;
  readonly #wanted: "2M" | "1G" | undefined;
  #reserved = false;
  #ready = false;

  constructor(ground: Ground, memoryMib: number) {
    this.#ground = ground;
    this.#memoryMib = memoryMib;
    this.#wanted = needsOf(ground.site).vms.find(({ acceleration }) => acceleration.hugepages !== undefined)
      ?.acceleration.hugepages;
  }

  /** Their size in KiB where the machine is to lie in them. */
  get size(): 2048 | 1048576 | undefined {
    return this.#ready && this.#wanted !== undefined ? KIB[this.#wanted] : undefined;
  }

  get #count(): number {
    return this.#wanted === undefined ? 0 : Math.ceil((this.#memoryMib * 1024) / KIB[this.#wanted]);
  }

  /** Makes sure that there are enough, and says where there are none. */
  async *prepare(): AsyncGenerator<Result> {
    if (this.#wanted === undefined) return;
    yield await attempt("huge pages to be had", undefined, () => this.#reserve());
  }

  async #reserve(): Promise<Outcome> {
    const free = await this.#number("free_hugepages");
    if (free === undefined) return notTried(`this host has no pages of ${this.#wanted ?? ""}`);
    if (free >= this.#count) {
      this.#ready = true;
      return passed(`${free} of ${this.#wanted ?? ""} are free`);
    }
    this.#reserved = true;
    const said = await this.#set(this.#count);
    if (!succeeded(said)) return failed(lastLine(said), "reboot, or close what uses much memory");
    this.#ready = true;
    return passed(`${this.#count} of ${this.#wanted ?? ""}, set aside for this run`);
  }

  /** Whether the machine's process lies in them. */
  async used(pid: string | undefined): Promise<Outcome> {
    if (this.#wanted === undefined) return notTried("the cluster file asks for none");
    if (!this.#ready) return notTried("there are none");
    const status = (await this.#ground.host.text(`proc/${pid ?? ""}/status`)) ?? "";
    const mib = Number(/^HugetlbPages:\s*(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
    if (mib >= this.#memoryMib) return passed(`${mib} MiB of it lie in pages of ${this.#wanted}`);
    return failed(
      `${mib} MiB of ${this.#memoryMib} lie in huge pages`,
      "see /var/log/libvirt/qemu, and whether a hugetlbfs of that size is mounted",
    );
  }

  /** Gives back what an earlier run has set aside; whether there was anything. */
  async clean(): Promise<boolean> {
    const shares = Object.values(KIB).map((kib) => `etc/ai-how/huge-pages/${kib}/${OWNER}`);
    const there = await Promise.all(shares.map((file) => this.#ground.host.may(file)));
    if (!there.includes(true)) return false;
    this.#reserved = true;
    return (await this.giveBack()) === undefined;
  }

  /** Gives back what was set aside; what could not be, if anything. */
  async giveBack(): Promise<string | undefined> {
    if (!this.#reserved) return undefined;
    this.#reserved = false;
    return succeeded(await this.#set(0)) ? undefined : `huge pages of ${OWNER}`;
  }

  #set(count: number) {
    const size = this.#wanted === "1G" ? "base_huge_pages_1g" : "base_huge_pages_2m";
    // An owner without devices: nothing is bound.
    const owner = { nvidia_vfio_owner: OWNER, base_huge_pages_owner: OWNER };
    return this.#ground.play("host-devices", { ...owner, [size]: count });
  }

  async #number(file: string): Promise<number | undefined> {
    if (this.#wanted === undefined) return undefined;
    const text = await this.#ground.host.text(
      `sys/kernel/mm/hugepages/hugepages-${KIB[this.#wanted]}kB/${file}`,
    );
    return text === undefined ? undefined : Number(text);
  }
}
