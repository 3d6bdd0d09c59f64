import { bundleWorkflowCode, DefaultLogger } from "@temporalio/worker";

// `node bundle-program.ts WORKFLOWS`: prints the bundle. Started by ./workflow-bundle.ts.
const [workflowsPath = ""] = process.argv.slice(2);
const { code } = await bundleWorkflowCode({
  workflowsPath,
  logger: new DefaultLogger("WARN"),
  // Stack traces need positions only; the sources are half of the bundle.
  webpackConfigHook: (config) => ({ ...config, devtool: "inline-nosources-source-map" }),
});
process.stdout.write(code);
