import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { containers } from "./containers.ts";
import { describeMachine } from "./measure.ts";
import { planner } from "./planner.ts";
import { page } from "./page.ts";
import { pipelines } from "./pipelines.ts";
import { preview } from "./preview.ts";
import { results, toMarkdown, writeFormatted, writeResult, type Result } from "./result.ts";
import { vms } from "./vms.ts";

// `node bench/main.ts [BENCHMARK...]`: by default those that take at most a few minutes; `all` runs all.
const benchmarks = [preview, containers, vms, planner, pipelines, page];
const names = process.argv.slice(2);
const unknown = names.filter((name) => name !== "all" && !benchmarks.some((each) => each.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `bench: ${unknown.join(", ")}: there are ${benchmarks.map(({ name }) => name).join(", ")} and all\n`,
  );
  process.exit(2);
}
const chosen = benchmarks.filter(({ name, slow }) =>
  names.length === 0 ? slow !== true : names.includes("all") || names.includes(name),
);

await mkdir(results, { recursive: true });
for (const benchmark of chosen) {
  const say = (line: string): void => void process.stdout.write(`${benchmark.name}: ${line}\n`);
  const machine = await describeMachine();
  say(`begins, at a load of ${machine.loadBefore}`);
  const { name, title, floor } = benchmark;
  const rows = await benchmark.run(say);
  await writeResult({
    benchmark: name,
    title,
    floor,
    machine,
    day: new Date().toISOString().slice(0, 10),
    rows,
  });
  await writePage();
}
for (const { name } of benchmarks.filter((each) => !chosen.includes(each))) {
  process.stdout.write(`${name}: not run; \`make bench BENCH=all\` or BENCH=${name} runs it\n`);
}

/** The table of all results, also of earlier runs. */
async function writePage(): Promise<void> {
  const files = (await readdir(results)).filter((file) => file.endsWith(".json"));
  const all = await Promise.all(
    files.map(async (file) => JSON.parse(await readFile(join(results, file), "utf8")) as Result),
  );
  const order = benchmarks.map(({ name }) => name);
  all.sort((a, b) => order.indexOf(a.benchmark) - order.indexOf(b.benchmark));
  const file = join(results, "README.md");
  await writeFormatted(file, toMarkdown(all));
  process.stdout.write(`bench: ${file}\n`);
}
