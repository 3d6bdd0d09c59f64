import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { type Context, ProviderError } from "../framework/resource.ts";
import { writeXml, type XmlElement } from "./xml.ts";

/** The provider's configuration. */
export interface LibvirtConfig {
  /** libvirt connection URI, `qemu:///system`. */
  uri: string;
}

/** Kind of a virsh failure; `absent`: libvirt runs but has no such object. */
export type LibvirtFailure = "absent" | "unreachable" | "other";

/** A virsh command that failed, as one line. */
export class LibvirtError extends ProviderError {
  readonly failure: LibvirtFailure;

  constructor(message: string, failure: LibvirtFailure) {
    super(message);
    this.failure = failure;
  }
}

/** A connection to one libvirt; each call is one run of virsh. */
export class Libvirt {
  readonly #uri: string;
  readonly #signal: AbortSignal | undefined;

  constructor(uri: string, signal?: AbortSignal) {
    this.#uri = uri;
    this.#signal = signal;
  }

  /** True for a sandbox's libvirtd: when it is gone, so are its machines. */
  get isPrivate(): boolean {
    return /[?&]socket=/.test(this.#uri);
  }

  /** True if libvirt runs on this host and sees the same files. */
  get isLocal(): boolean {
    return /^\w+(\+unix)?:\/\/\//.test(this.#uri);
  }

  /** Runs one virsh command and returns what it printed. */
  async run(...args: readonly string[]): Promise<string> {
    const result = await execa("virsh", ["--quiet", "--connect", this.#uri, ...args], {
      env: { LC_ALL: "C" },
      reject: false,
      stdin: "ignore",
      stripFinalNewline: true,
      ...(this.#signal === undefined ? {} : { cancelSignal: this.#signal }),
    });
    if (result.isCanceled) throw new ProviderError(`virsh ${args[0] ?? ""}: cancelled`);
    if (result.code === "ENOENT") {
      throw new ProviderError("virsh is not installed: install libvirt-clients");
    }
    if (result.exitCode !== 0) throw this.#failure(args, result.stderr);
    return result.stdout;
  }

  /** Like `run`, but undefined if libvirt has no such object. */
  async find(...args: readonly string[]): Promise<string | undefined> {
    try {
      return await this.run(...args);
    } catch (error) {
      if (error instanceof LibvirtError && error.failure === "absent") return undefined;
      throw error;
    }
  }

  /** Runs a virsh command whose file argument is this XML: `define("net-define", xml)`. */
  async define(command: string | readonly string[], xml: XmlElement): Promise<string> {
    const [name = "", ...rest] = typeof command === "string" ? [command] : command;
    // Node's pipes are sockets, which virsh cannot open as /dev/stdin; hence a file.
    return withTemporaryFile("definition.xml", writeXml(xml), (file) =>
      this.run(name, ...rest, "--file", file),
    );
  }

  #failure(args: readonly string[], stderr: string): LibvirtError {
    const lines = stderr
      .split("\n")
      .map((line) => line.replace(/^error: /, "").trim())
      .filter((line) => line !== "");
    const text = lines.join(": ");
    if (/Failed to connect socket to|Cannot recv data|failed to connect to the hypervisor/.test(text)) {
      const failure = text.includes("Failed to connect socket to") ? "unreachable" : "other";
      return new LibvirtError(`libvirt at ${this.#uri} does not answer: ${lines.at(-1) ?? ""}`, failure);
    }
    // The last line has the reason; the lines before it say what virsh was doing.
    const reason = lines.at(-1) ?? "no reason given";
    // When virsh looks up a name itself, its error has no reason.
    const isAbsent = lines.some((line) =>
      /(domain|network|storage (pool|vol|volume)|node device) not found|^failed to get domain/i.test(line),
    );
    const failure = isAbsent ? "absent" : "other";
    return new LibvirtError(`virsh ${args[0] ?? ""}: ${reason}`, failure);
  }
}

/** The libvirt of an operation's configuration. */
export function connect(context: Context<LibvirtConfig>): Libvirt {
  return new Libvirt(context.config.uri, context.signal);
}

/** Runs an action; `otherwise` instead of an error if a sandbox's libvirtd does not run. */
export async function whileReachable<Result>(
  libvirt: Libvirt,
  action: () => Promise<Result>,
  otherwise: () => Result,
): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof LibvirtError && error.failure === "unreachable" && libvirt.isPrivate)
      return otherwise();
    throw error;
  }
}

/** `Name:   value` lines, as virsh's info commands print them. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split("\n").flatMap((line) => {
      const colon = line.indexOf(":");
      return colon < 0 ? [] : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const];
    }),
  );
}

/** Calls `action` with a temporary file that only this user can read. */
export async function withTemporaryFile<Result>(
  name: string,
  content: string,
  action: (file: string) => Promise<Result>,
): Promise<Result> {
  return withTemporaryDirectory(async (directory) => {
    const file = join(directory, name);
    await writeFile(file, content, { mode: 0o600 });
    return action(file);
  });
}

/** Calls `action` with a temporary folder that only this user can read. */
export async function withTemporaryDirectory<Result>(
  action: (directory: string) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), "ai-how-libvirt-"));
  try {
    return await action(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
