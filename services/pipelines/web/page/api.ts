import { z } from "zod";
import { problemSchema } from "../view.ts";

/** The server requires the token. */
export class TokenNeeded extends Error {}

/** Gets a path from the server. */
export async function get<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.output<Schema>> {
  return schema.parse(await (await checked(await fetch(path))).json());
}

/** Sends a request that changes something. */
export async function post(path: string, body?: unknown): Promise<void> {
  await checked(
    await fetch(path, {
      method: "POST",
      headers: { "x-ai-how": "1", "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }),
  );
}

async function checked(response: Response): Promise<Response> {
  if (response.ok) return response;
  if (response.status === 401) throw new TokenNeeded("give the token");
  const problem = problemSchema.safeParse(await response.json().catch(() => undefined)).data;
  throw new Error(problem?.error ?? `the server answered ${response.status}`);
}

export function runPath(runId: string, rest = ""): string {
  return `/api/runs/${encodeURIComponent(runId)}${rest}`;
}
