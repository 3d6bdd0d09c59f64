import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import { UserError } from "../../../config/errors.ts";
import type { TemporalPlace } from "../connection.ts";
import { webApp } from "./app.ts";
import { pageAssets } from "./assets.ts";
import { isLoopback } from "./guard.ts";
import { Runs } from "./runs.ts";

export interface WebOptions {
  readonly place: TemporalPlace;
  readonly host: string;
  /** 0 chooses a free one. */
  readonly port: number;
  /** Log folder of this host's workers. */
  readonly logDirectory: string;
  /** Required if the host is not loopback. Default: a random one. */
  readonly token?: string | undefined;
}

/** The running server of the page. */
export interface Web {
  /** The address. A random token follows after `#`, which browsers do not send. */
  readonly url: string;
  close(): Promise<void>;
}

/** @throws UserError if the address is not available */
export async function serveWeb({ place, host, port, logDirectory, ...options }: WebOptions): Promise<Web> {
  const directory = resolve(logDirectory);
  const made =
    options.token === undefined && !isLoopback(host) ? randomBytes(24).toString("base64url") : undefined;
  const runs = new Runs({ place, logDirectory: directory });
  const { fetch } = webApp({
    ...{ runs, logDirectory: directory, address: place.address, namespace: place.namespace },
    assets: await pageAssets(),
    token: options.token ?? made,
  });
  const server = createAdaptorServer({ fetch });
  await new Promise<void>((done, fail) => {
    server.once("error", (error: Error) => {
      fail(
        new UserError(`cannot serve at ${host}:${port}: ${error.message}; choose another --port`, {
          cause: error,
        }),
      );
    });
    server.listen(port, host, done);
  }).catch(async (error: unknown) => {
    await runs.close();
    throw error;
  });
  const address = server.address() as AddressInfo;
  const shown = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${shown}:${address.port}/${made === undefined ? "" : `#token=${made}`}`,
    close: async () => {
      const closed = new Promise((done) => server.close(done));
      if ("closeAllConnections" in server) server.closeAllConnections();
      await closed;
      await runs.close();
    },
  };
}
