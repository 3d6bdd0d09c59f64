import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DockerEngine, TEST_IMAGE } from "./docker.ts";

const BASH = "#!/usr/bin/bash\n";

// Each stands for a command of the image: it does as little as the rest can notice.
const COMMANDS: Readonly<Record<string, string>> = {
  pg_isready: "exit 0",
  nc: "exit 0",
  // The database's password has to have come the other way, too.
  "temporal-sql-tool": '[ -n "$SQL_PASSWORD" ] || exit 1; echo "schema: $*"',
  temporal: '[ "$3" = create ] || exit 1; echo "namespace: $*"',
  serve: "trap 'exit 0' TERM; echo serving; while :; do sleep 0.2; done",
};

/** The image that stands for all of Temporal's and for PostgreSQL's. */
export const FAKE_TEMPORAL_IMAGE = "fake-temporal:1";

/**
 * Makes an image with fake commands in place of PostgreSQL's and Temporal's, which cannot be had without a registry. It shows that
 * the containers find each other, wait for each other and are kept; not that Temporal works.
 */
export async function makeFakeTemporalImage(docker: DockerEngine): Promise<void> {
  const folder = join(docker.folder, "fake-temporal");
  mkdirSync(join(folder, "bin"), { recursive: true });
  for (const [name, body] of Object.entries(COMMANDS))
    writeFileSync(join(folder, "bin", name), `${BASH}${body}\n`, { mode: 0o755 });
  cpSync("/bin/bash", join(folder, "bin", "sh"));
  writeFileSync(join(folder, "Dockerfile"), `FROM ${TEST_IMAGE}\nCOPY bin/ /bin/\nCMD ["/bin/serve"]\n`);
  const built = await docker.docker("build", "--tag", FAKE_TEMPORAL_IMAGE, folder);
  if (built.exitCode !== 0) throw new Error(built.output);
}
