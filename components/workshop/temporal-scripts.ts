const SCHEMAS = "/etc/temporal/schema/postgresql/v12";

/** Shell script that brings Temporal's two databases to the schema of the image's version. It is idempotent. */
export function setUpSchema({ host, user }: { readonly host: string; readonly user: string }): string {
  const tool = `temporal-sql-tool --plugin postgres12 --ep ${host} -p 5432 -u ${user}`;
  const databases = [
    ["temporal", "temporal"],
    ["temporal_visibility", "visibility"],
  ] as const;
  return [
    "set -eu",
    ...databases.flatMap(([database, schema]) => [
      `${tool} --db ${database} create`,
      `${tool} --db ${database} setup-schema -v 0.0`,
      `${tool} --db ${database} update-schema -d ${SCHEMAS}/${schema}/versioned`,
    ]),
  ].join("\n");
}

/** Shell script that waits for a server and creates a namespace if it is missing. It fails after five minutes. */
export function createNamespace({
  address,
  namespace,
}: {
  readonly address: string;
  readonly namespace: string;
}): string {
  const operator = `temporal operator namespace`;
  const to = `--namespace ${namespace} --address ${address}`;
  return [
    "set -eu",
    "tries=0",
    `until ${operator} describe ${to} >/dev/null 2>&1 || ${operator} create ${to}; do`,
    "  tries=$((tries + 1))",
    '  [ "$tries" -lt 150 ]',
    "  sleep 2",
    "done",
  ].join("\n");
}
