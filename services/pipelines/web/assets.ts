import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { build } from "esbuild";

/** A file of the page. */
export interface Asset {
  readonly type: string;
  readonly content: string;
  /** Changes with the content. */
  readonly tag: string;
}

const folder = join(import.meta.dirname, "page");

/** Builds the page's files in memory, by path; takes half a second. */
export async function pageAssets(): Promise<ReadonlyMap<string, Asset>> {
  const { outputFiles } = await build({
    entryPoints: [join(folder, "main.tsx")],
    outdir: "/assets",
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    legalComments: "none",
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "silent",
  });
  const [page, layout] = await Promise.all([
    readFile(join(folder, "index.html"), "utf8"),
    readFile(createRequire(import.meta.url).resolve("elkjs/lib/elk-worker.min.js"), "utf8"),
  ]);
  return new Map([
    ["/", asset("text/html; charset=utf-8", page)],
    // A browser worker computes the layout of graphs, so this is a separate file.
    ["/assets/layout.js", asset("text/javascript; charset=utf-8", layout)],
    ...outputFiles.map(({ path, text }) => {
      const type = path.endsWith(".css") ? "text/css" : "text/javascript";
      return [path, asset(`${type}; charset=utf-8`, text)] as const;
    }),
  ]);
}

function asset(type: string, content: string): Asset {
  return { type, content, tag: `"${createHash("sha256").update(content).digest("hex").slice(0, 16)}"` };
}
