import { cpSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import which from "which";
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

/** The same with the real server and command of Temporal in place of the fake ones; PostgreSQL, its schema and the web page stay fake. */
export const REAL_TEMPORAL_IMAGE = "real-temporal:1";

// The development server keeps its data in memory. It takes the dynamic configuration as options, not as a file.
const SERVE = `options=()
while read -r word value rest; do
  case $word in
    *:) key=\${word%:} ;;
    -) options+=(--dynamic-config-value "$key=$rest") ;;
  esac
done <"$DYNAMIC_CONFIG_FILE_PATH"
# The image has no list of users.
export USER=temporal
exec real-temporal server start-dev --headless --ip 0.0.0.0 --port 7233 --log-level warn "\${options[@]}"
`;
// `nc -z HOST PORT` of Temporal's own image.
const NC = 'exec 3<>"/dev/tcp/127.0.0.1/$3"';

// gRPC looks for SRV and TXT records, too. The tests' network has no way to a name server that could deny them, so each would
// take a timeout: the name goes into the list of hosts, and all other look-ups are refused.
const TEMPORAL = `getent ahostsv4 temporal >>/etc/hosts
echo nameserver 127.0.0.1 >/etc/resolv.conf
exec /bin/real-temporal "$@"
`;

/** Needs the image with the fake commands. */
export async function makeRealTemporalImage(docker: DockerEngine, temporal: string): Promise<void> {
  const folder = join(docker.folder, "real-temporal");
  mkdirSync(join(folder, "bin"), { recursive: true });
  for (const [name, body] of Object.entries({ "serve-temporal": SERVE, nc: NC, temporal: TEMPORAL }))
    writeFileSync(join(folder, "bin", name), `${BASH}${body}\n`, { mode: 0o755 });
  cpSync(realpathSync(temporal), join(folder, "bin", "real-temporal"));
  cpSync(which.sync("getent"), join(folder, "bin", "getent"));
  writeFileSync(
    join(folder, "Dockerfile"),
    `FROM ${FAKE_TEMPORAL_IMAGE}\nCOPY bin/ /bin/\nCMD ["/bin/serve-temporal"]\n`,
  );
  const built = await docker.docker("build", "--tag", REAL_TEMPORAL_IMAGE, folder);
  if (built.exitCode !== 0) throw new Error(built.output);
}
