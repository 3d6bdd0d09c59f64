import { join } from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { acceleration, imageDirectory } from "./image.ts";

const report = z.object({ ssh: z.number(), configured: z.number(), job: z.number() });

/** Seconds until a job has run on three machines from the same image, which a plain script makes. */
export async function floorFirstJob(kind: "vm" | "container"): Promise<number> {
  const { stdout } = await execa(
    join(import.meta.dirname, "floor", "first-job"),
    [kind, await imageDirectory()],
    {
      env: { ACCELERATION: kind === "vm" ? await acceleration() : "tcg" },
      stdin: "ignore",
    },
  );
  return report.parse(JSON.parse(stdout)).job;
}
