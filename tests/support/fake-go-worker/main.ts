import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DefaultLogger, NativeConnection, Runtime, Worker } from "@temporalio/worker";

const { TEMPORAL_ADDRESS: address = "", TEMPORAL_NAMESPACE, TEMPORAL_TASK_QUEUE = "" } = process.env;
Runtime.install({ logger: new DefaultLogger("ERROR") });
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue: TEMPORAL_TASK_QUEUE,
  ...(TEMPORAL_NAMESPACE !== undefined && { namespace: TEMPORAL_NAMESPACE }),
  workflowsPath: join(import.meta.dirname, "workflow.ts"),
  activities: {
    async note(logDir: string, line: string): Promise<void> {
      await mkdir(logDir, { recursive: true });
      await appendFile(join(logDir, "steps-of-the-stand-in"), `${line}\n`);
    },
  },
});
await worker.run();
