import { fileURLToPath } from "node:url";
import { createWorker } from "../../services/pipelines/worker.ts";
import { bundleInChild } from "../../services/pipelines/workflow-bundle.ts";

// `node bench/floor/bare-worker.ts ADDRESS QUEUE`: the product's worker with the bare workflow in place of its own.
const [address = "", taskQueue = ""] = process.argv.slice(2);
const workflowsPath = fileURLToPath(new URL("./bare-workflow.ts", import.meta.url));
const bundle = await bundleInChild(workflowsPath);
const worker = await createWorker({ address, namespace: "default", taskQueue, bundle });
process.stdout.write("working\n");
await worker.run();
