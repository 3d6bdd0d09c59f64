import { needsOf } from "../doctor/workstation/needs.ts";
import { PAGE_KIB } from "../doctor/workstation/processor.ts";
import type { VerifyContext } from "./context.ts";
import { attempt, failed, lastLine, notTried, passed, succeeded, type Outcome, type Result } from "./step.ts";

const OWNER = "ai-how-verify";

/** Huge pages for the throwaway machine if the cluster file asks for some. Takes free ones, else reserves its own. */
export class HugePages {
  readonly #context: VerifyContext;
  readonly #memoryMib: number;
  readonly #wanted: "2M" | "1G" | undefined;
  #reserved = false;
  #ready = false;

  constructor(context: VerifyContext, memoryMib: number) {
    this.#context = context;
    this.#memoryMib = memoryMib;
    this.#wanted = needsOf(context.site).vms.find(({ acceleration }) => acceleration.hugepages !== undefined)
      ?.acceleration.hugepages;
  }

  /** Page size in KiB; undefined: the machine gets ordinary memory. */
  get size(): 2048 | 1048576 | undefined {
    return this.#ready && this.#wanted !== undefined ? PAGE_KIB[this.#wanted] : undefined;
  }

  get #count(): number {
    return this.#wanted === undefined ? 0 : Math.ceil((this.#memoryMib * 1024) / PAGE_KIB[this.#wanted]);
  }

  /** Makes sure that there are enough pages. */
  async *prepare(): AsyncGenerator<Result> {
    if (this.#wanted === undefined) return;
    yield await attempt("huge pages available", undefined, () => this.#reserve());
  }

  async #reserve(): Promise<Outcome> {
    const free = await this.#number("free_hugepages");
    if (free === undefined) return notTried(`this kernel does not support pages of ${this.#wanted ?? ""}`);
    if (free >= this.#count) {
      this.#ready = true;
      return passed(`${free} of ${this.#wanted ?? ""} are free`);
    }
    this.#reserved = true;
    const result = await this.#set(this.#count);
    if (!succeeded(result)) return failed(lastLine(result), "reboot, or end programs that use much memory");
    this.#ready = true;
    return passed(`${this.#count} of ${this.#wanted ?? ""}, reserved for this run`);
  }

  /** Verifies that the machine's memory lies in huge pages. */
  async used(pid: string | undefined): Promise<Outcome> {
    if (this.#wanted === undefined) return notTried("the cluster file asks for no huge pages");
    if (!this.#ready) return notTried("no huge pages are available");
    const status = (await this.#context.host.text(`proc/${pid ?? ""}/status`)) ?? "";
    const mib = Number(/^HugetlbPages:\s*(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
    if (mib >= this.#memoryMib) return passed(`${mib} MiB of its memory lie in pages of ${this.#wanted}`);
    return failed(
      `${mib} MiB of ${this.#memoryMib} lie in huge pages`,
      "look at /var/log/libvirt/qemu, and check that a hugetlbfs of this size is mounted",
    );
  }

  /** Gives back pages that an earlier run reserved; true if there were any. */
  async clean(): Promise<boolean> {
    const shares = Object.values(PAGE_KIB).map((kib) => `etc/ai-how/huge-pages/${kib}/${OWNER}`);
    const there = await Promise.all(shares.map((file) => this.#context.host.may(file)));
    if (!there.includes(true)) return false;
    this.#reserved = true;
    return (await this.giveBack()) === undefined;
  }

  /** Gives back reserved pages; returns a description of what is left, if that failed. */
  async giveBack(): Promise<string | undefined> {
    if (!this.#reserved) return undefined;
    this.#reserved = false;
    return succeeded(await this.#set(0)) ? undefined : `huge pages of ${OWNER}`;
  }

  #set(count: number) {
    const size = this.#wanted === "1G" ? "base_huge_pages_1g" : "base_huge_pages_2m";
    // This owner claims no device, so the playbook binds none.
    const owner = { nvidia_vfio_owner: OWNER, base_huge_pages_owner: OWNER };
    return this.#context.play("host-devices", { ...owner, [size]: count });
  }

  async #number(file: string): Promise<number | undefined> {
    if (this.#wanted === undefined) return undefined;
    const text = await this.#context.host.text(
      `sys/kernel/mm/hugepages/hugepages-${PAGE_KIB[this.#wanted]}kB/${file}`,
    );
    return text === undefined ? undefined : Number(text);
  }
}
