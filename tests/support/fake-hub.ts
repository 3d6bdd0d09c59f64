import { createHash } from "node:crypto";
import { file, status, type Behaviour, type FaultServer } from "./fault-server.ts";

const COMMIT = createHash("sha1").update("the only commit").digest("hex");

/** A repository of the fake hub. */
export interface HubRepository {
  readonly kind: "models" | "datasets";
  /** `owner/name` */
  readonly id: string;
  readonly files: Readonly<Record<string, Buffer>>;
  /** Without it nothing is given out. */
  readonly token?: string;
}

/** Has a server answer as Hugging Face's hub does, as far as its libraries ask; returns the paths of the files. */
export function serveRepository(server: FaultServer, repository: HubRepository): Record<string, string> {
  const { kind, id, files, token } = repository;
  const guarded =
    (behaviour: Behaviour): Behaviour =>
    (request, response) => {
      const isAllowed = token === undefined || request.headers.authorization === `Bearer ${token}`;
      (isAllowed ? behaviour : status(401))(request, response);
    };
  const entries = Object.entries(files).map(([path, content]) => ({
    ...{ type: "file", path, size: content.length, oid: createHash("sha1").update(content).digest("hex") },
  }));
  const api = `/api/${kind}/${id}`;
  const about = json({
    ...{
      _id: COMMIT.slice(0, 24),
      id,
      modelId: id,
      sha: COMMIT,
      private: false,
      gated: false,
      disabled: false,
    },
    ...{ tags: [], downloads: 0, likes: 0, lastModified: "2026-11-25T00:00:00.000Z" },
    siblings: entries.map(({ path, size }) => ({ rfilename: path, size })),
  });
  for (const path of [api, `${api}/revision/main`, `${api}/revision/${COMMIT}`])
    server.on(path, guarded(about));
  for (const revision of ["main", COMMIT]) {
    server.on(`${api}/tree/${revision}`, guarded(json(entries)));
  }
  // Where `datasets` looks first; there are no folders here.
  server.on(`${api}/tree/${COMMIT}/data`, guarded(status(404, { "x-error-code": "EntryNotFound" })));
  const base = kind === "models" ? `/${id}` : `/datasets/${id}`;
  return Object.fromEntries(
    Object.entries(files).map(([name, content]) => {
      const path = `${base}/resolve/${COMMIT}/${name}`;
      for (const at of [path, `${base}/resolve/main/${name}`]) server.on(at, guarded(resolved(content)));
      return [name, path];
    }),
  );
}

/** A file's content with what the libraries want to know of it. */
export function resolved(content: Buffer, options: { stallAfter?: number } = {}): Behaviour {
  const tag = `"${createHash("sha1").update(content).digest("hex")}"`;
  const send = file(content, { tag, ...options });
  return (request, response) => {
    response.setHeader("x-repo-commit", COMMIT);
    if (request.method === "HEAD")
      response.writeHead(200, { etag: tag, "content-length": content.length }).end();
    else send(request, response);
  };
}

function json(value: unknown): Behaviour {
  return (_request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
  };
}
