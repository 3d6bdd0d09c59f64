// Pulumi's language host runs the program with the `node` that is first on PATH, and loads this first (`nodeargs`). Where that Node is
// too old to run the sources as they are, the one that npm installed with the project takes over. Compiled code is kept between
// runs, which saves each a third of a second.
"use strict";
const { spawnSync } = require("node:child_process");
const { existsSync } = require("node:fs");
const { enableCompileCache } = require("node:module");
const { join } = require("node:path");

const NEEDED = 24;
if (Number.parseInt(process.versions.node) < NEEDED) {
  const node = join(
    __dirname,
    "..",
    "node_modules",
    `node-${process.platform}-${process.arch}`,
    "bin",
    "node",
  );
  if (!existsSync(node)) {
    console.error(
      `Node ${NEEDED} or newer is needed, and this is ${process.versions.node}: run \`npm install\` in ${join(__dirname, "..")}`,
    );
    process.exit(1);
  }
  const { status } = spawnSync(node, [...process.execArgv, ...process.argv.slice(1)], { stdio: "inherit" });
  process.exit(status ?? 1);
}
// A folder that cannot be written to is no error, and NODE_COMPILE_CACHE has precedence.
enableCompileCache(join(__dirname, "..", ".ai-how", "cache", "compile"));
