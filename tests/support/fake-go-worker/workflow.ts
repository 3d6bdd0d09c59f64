import { proxyActivities } from "@temporalio/workflow";

interface Step {
  readonly id: string;
  readonly type: string;
  readonly command: string;
  readonly dependsOn: readonly string[];
}

/** Notes each step with what it depends on, one after the other. */
export async function Pipeline({ logDir, steps }: { logDir: string; steps: Step[] }): Promise<void> {
  const { note } = proxyActivities<{ note(logDir: string, line: string): Promise<void> }>({
    startToCloseTimeout: "1 min",
  });
  for (const { id, type, command, dependsOn } of steps)
    await note(logDir, [id, type, command, ...dependsOn].join(" "));
}
