import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Provider } from "../../../providers/framework/provider.ts";
import { host } from "../../../providers/host/provider.ts";
import { Driver } from "../libvirt/stage.ts";

/** Fake daemons: what answers a ping, and what answers it wrongly. */
let folder: string;
const servers: Server[] = [];

async function serve(name: string, status: number): Promise<string> {
  const server = createServer((request, response) => {
    response.statusCode = request.url === "/_ping" ? status : 404;
    response.end();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(join(folder, name), resolve));
  return `unix://${join(folder, name)}`;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ai-how-fake-docker-"));
});
afterAll(async () => {
  for (const server of servers) server.close();
  await rm(folder, { recursive: true });
});

function driver(): Driver {
  const provider = new Provider(host);
  provider.configure({});
  return new Driver(provider, "host:index:DockerDaemon", "docker");
}

test("a daemon that answers has an address, which no preview knows before", async () => {
  const address = await serve("good.sock", 200);
  const made = await driver().create({ host: address });
  expect(made.state).toMatchObject({ address });
  expect(await driver().drift(made)).toEqual([]);
  const provider = new Provider(host);
  provider.configure({});
  expect(provider.preview("host:index:DockerDaemon", "urn", { host: address })).not.toHaveProperty("address");
});

test("one that does not answer, or wrongly, is told in one line with what to do", async () => {
  const missing = `unix://${join(folder, "missing.sock")}`;
  await expect(driver().create({ host: missing })).rejects.toThrow(
    `${missing}: Docker does not answer (ENOENT); install and start it, or set ai-how:dockerHost`,
  );
  const wrong = await serve("wrong.sock", 503);
  await expect(driver().create({ host: wrong })).rejects.toThrow(
    `${wrong}: Docker does not answer (status 503); `,
  );
});

test("DOCKER_HOST says where it is, unless the stack does", async () => {
  const [byVariable, byStack] = [await serve("variable.sock", 200), await serve("stack.sock", 200)];
  const before = process.env.DOCKER_HOST;
  process.env.DOCKER_HOST = byVariable;
  try {
    expect((await driver().create({})).state).toMatchObject({ address: byVariable });
    expect((await driver().create({ host: byStack })).state).toMatchObject({ address: byStack });
  } finally {
    if (before === undefined) delete process.env.DOCKER_HOST;
    else process.env.DOCKER_HOST = before;
  }
});
