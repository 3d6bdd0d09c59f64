import { describe, expect, test } from "vitest";
import { beegfsKernels, distributionKernels, kernelProblem } from "../../../components/hpc/beegfs-kernels.ts";
import { beegfs } from "../../../versions/tools.ts";

describe("BeeGFS's client module", () => {
  // Sources: release notes 7.4.5 and 7.4.6 at doc.beegfs.io, ThinkParQ/beegfs#73, and a build of 8.3.1 on Debian 12.
  test.each([
    ["7.4.5", "6.8"],
    ["7.4.6", "6.11"],
    ["7.4.7", "6.11"],
    ["8.3.1", "6.1"],
  ])("%s supports kernel %s", (version, kernel) => {
    expect(kernelProblem(version, kernel)).toBeUndefined();
  });

  test.each([
    ["7.4.5", "6.11", "6.8", "8.3.0 or 8.2.1 or 8.1.0 or 8.0.1 or 7.4.6, or storage.nfs"],
    ["7.4.6", "6.14", "6.11", "8.3.0, or storage.nfs"],
    ["8.1.0", "6.12", "6.11", "8.3.0, or storage.nfs"],
    ["8.1.0", "6.14", "6.11", "8.3.0, or storage.nfs"],
    ["8.3.1", "3.10", "6.14", "7.4.6 or 7.4.5, or storage.nfs"],
    ["8.3.1", "7.0", "6.14", "storage.nfs"],
  ])("%s does not support kernel %s, and the message names what does", (version, kernel, to, instead) => {
    const from = version.startsWith("7.") ? "3.10" : "4.18";
    expect(kernelProblem(version, kernel)).toBe(
      `BeeGFS ${version} supports kernels ${from} to ${to}, not ${kernel}; use ${instead}`,
    );
  });

  test("of an unknown version is an error", () => {
    expect(kernelProblem("8.9.0", "6.1")).toBe(
      `BeeGFS 8.9.0 is not a known version; use one of ${beegfsKernels.map(({ version }) => version).join(", ")}`,
    );
  });

  test.each(Object.entries(distributionKernels))("of the default version supports %s", (_name, kernel) => {
    expect(kernelProblem(beegfs.version, kernel)).toBeUndefined();
  });
});
