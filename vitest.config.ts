import { defineConfig } from "vitest/config";

const MINUTE = 60_000;

const SERVICES = ["pipelines", "jobs", "docker", "dev"].map((room) => `tests/integration/${room}/**`);

/** One project a kind of test; files of real machines run one at a time, for they share the host. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["tests/unit/**/*.test.ts"], testTimeout: 20_000 } },
      {
        test: {
          name: "integration",
          include: ["tests/integration/**/*.test.ts"],
          exclude: SERVICES,
          testTimeout: 3 * MINUTE,
          hookTimeout: 5 * MINUTE,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "services",
          include: SERVICES.map((folder) => `${folder}/*.test.ts`),
          testTimeout: 3 * MINUTE,
          hookTimeout: 5 * MINUTE,
          fileParallelism: false,
        },
      },
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
      {
        test: {
          name: "e2e",
          include: ["tests/e2e/**/*.test.ts"],
          testTimeout: 10 * MINUTE,
          hookTimeout: 15 * MINUTE,
          fileParallelism: false,
        },
      },
    ],
  },
});
