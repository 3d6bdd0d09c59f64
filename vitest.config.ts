import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const MINUTE = 60_000;

// They compare the whole host before and after, so nothing else may change it meanwhile.
const ALONE = ["tests/e2e/cluster-file.test.ts", "tests/integration/libvirt/sandbox.test.ts"];

const machines = {
  setupFiles: ["tests/support/temporary.ts"],
  testTimeout: 10 * MINUTE,
  hookTimeout: 15 * MINUTE,
};

/** Whole clusters take longest: they begin first, so that the last worker is not left alone with one. */
class ClustersFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { true: clusters = [], false: others = [] } = Object.groupBy(await super.sort(files), (file) =>
      String(file.project.name === "e2e"),
    );
    return [...clusters, ...others];
  }
}

/** tools/run-tests.ts says which of these run beside each other. */
export default defineConfig({
  test: {
    sequence: { sequencer: ClustersFirst },
    projects: [
      { test: { name: "unit", include: ["tests/unit/**/*.test.ts"], testTimeout: 20_000 } },
      { test: { ...machines, name: "alone", include: ALONE, fileParallelism: false } },
      {
        test: {
          ...machines,
          name: "integration",
          include: ["tests/integration/**/*.test.ts"],
          exclude: ALONE,
          testTimeout: 3 * MINUTE,
          hookTimeout: 5 * MINUTE,
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
