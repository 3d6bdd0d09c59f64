import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const MINUTE = 60_000;

// They compare the whole host before and after, so nothing else may change it meanwhile.
const ALONE = ["tests/e2e/cluster-file.test.ts", "tests/integration/libvirt/sandbox.test.ts"];

const machines = {
  setupFiles: ["tests/support/temporary.ts"],
  testTimeout: 20 * MINUTE,
  hookTimeout: 15 * MINUTE,
};

// Minutes each: they begin first, so that no worker is left alone with one of them at the end.
const LONGEST = ["beegfs", "vm", "pulumi-lifecycle", "container-lifecycle", "packer", "debian13"].map(
  (name) => `/tests/e2e/${name}.test.ts`,
);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.findIndex((end) => moduleId.endsWith(end));
      return place === -1 ? LONGEST.length : place;
    };
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}

/** tools/run-tests.ts says which of these run beside each other. */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      // Modules are loaded once for all of them: a fifth less processor time.
      { test: { name: "unit", include: ["tests/unit/**/*.test.ts"], testTimeout: 20_000, isolate: false } },
      { test: { ...machines, name: "alone", include: ALONE, fileParallelism: false } },
      {
        test: {
          ...machines,
          name: "integration",
          include: ["tests/integration/**/*.test.ts"],
          exclude: ALONE,
          testTimeout: 3 * MINUTE,
          hookTimeout: 10 * MINUTE,
        },
      },
      { test: { ...machines, name: "e2e", include: ["tests/e2e/**/*.test.ts"], exclude: ALONE } },
      {
        test: {
          name: "pictures",
          include: ["tests/pictures/**/*.test.ts"],
          testTimeout: 3 * MINUTE,
          hookTimeout: 5 * MINUTE,
        },
      },
      {
        test: { name: "histories", include: ["tests/histories/**/*.test.ts"], testTimeout: 3 * MINUTE },
      },
    ],
  },
});
