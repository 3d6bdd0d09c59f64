import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { describeUnless } from "../../support/where.ts";
import { tryKvm } from "../../../providers/host/kvm-trial.ts";

describeUnless(existsSync("/dev/kvm") ? undefined : "there is no /dev/kvm", "the trial of KVM", () => {
  let folder = "";
  let trials: string[] = [];
  const ask = (kernel: string, complaint: string | undefined, signal = new AbortController().signal) =>
    tryKvm(kernel, signal, {
      memory: join(folder, "cache", "kvm-trial.json"),
      trial: (tried) => {
        trials.push(tried);
        return Promise.resolve(complaint);
      },
    });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "kvm-trial-"));
    trials = [];
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("is made once for a kernel, whatever came of it", async () => {
    expect(await ask("/a", "no guest booted")).toBe("no guest booted");
    expect(await ask("/a", undefined)).toBe("no guest booted");
    expect(trials).toEqual(["/a"]);
    expect(await ask("/b", undefined)).toBeUndefined();
    expect(await ask("/b", "another")).toBeUndefined();
    expect(trials).toEqual(["/a", "/b"]);
  });

  it("is made again where the answer was spoilt", async () => {
    await ask("/a", undefined);
    await writeFile(join(folder, "cache", "kvm-trial.json"), '{"of": 1');
    expect(await ask("/a", "no guest booted")).toBe("no guest booted");
  });

  it("is not remembered where it was cancelled", async () => {
    const abort = new AbortController();
    abort.abort();
    await ask("/a", "no guest booted", abort.signal);
    expect(await ask("/a", undefined)).toBeUndefined();
    expect(trials).toEqual(["/a", "/a"]);
  });
});
