import { describe, expect, test } from "vitest";
import { beegfsKernels, distributionKernels, kernelProblem } from "../../../components/hpc/beegfs-kernels.ts";
import { beegfs } from "../../../versions/tools.ts";

describe("BeeGFS's client module", () => {
  // What others saw: doc.beegfs.io's release notes 7.4.5 and 7.4.6, ThinkParQ/beegfs#73, and a build of 8.3.1 on Debian 12.
  test.each([
    ["7.4.5", "6.8"],
    ["7.4.6", "6.11"],
    ["7.4.7", "6.11"],
    ["8.3.1", "6.1"],
  ])("%s fits kernel %s", (version, kernel) => {
    expect(kernelProblem(version, kernel)).toBeUndefined();
  });

  test.each([
    ["7.4.5", "6.11"],
    ["7.4.6", "6.14"],
    ["8.1.0", "6.12"],
    ["8.1.0", "6.14"],
    ["8.3.1", "3.10"],
  ])("%s does not fit kernel %s", (version, kernel) => {
    expect(kernelProblem(version, kernel)).toContain(`BeeGFS ${version} is for kernels`);
  });

  test("that does not fit names the versions that would, or NFS alone", () => {
    expect(kernelProblem("8.1.0", "6.12")).toBe(
      "BeeGFS 8.1.0 is for kernels 4.18 to 6.11, not 6.12; 8.3.0 would fit, and so does storage.nfs",
    );
    expect(kernelProblem("8.3.1", "3.10")).toBe(
      "BeeGFS 8.3.1 is for kernels 4.18 to 6.14, not 3.10; 7.4.6, 7.4.5 would fit, and so does storage.nfs",
    );
    expect(kernelProblem("8.3.1", "7.0")).toBe(
      "BeeGFS 8.3.1 is for kernels 4.18 to 6.14, not 7.0; use storage.nfs",
    );
  });

  test("of a version that nobody has looked at is not guessed", () => {
    expect(kernelProblem("8.9.0", "6.1")).toBe(
      `nothing is known of BeeGFS 8.9.0; known are ${beegfsKernels.map(({ version }) => version).join(", ")}`,
    );
  });

  test.each(Object.entries(distributionKernels))("that is installed by default fits %s", (_name, kernel) => {
    expect(kernelProblem(beegfs.version, kernel)).toBeUndefined();
  });
});
