import { ProviderError } from "../../../../providers/framework/resource.ts";
import type { Daemon } from "./connection.ts";

/** Fetches an image that the daemon does not have; what it has by that name is not looked for again. */
export async function pullMissing(
  daemon: Daemon,
  image: string,
  { log, signal }: { readonly log: (line: string) => void; readonly signal: AbortSignal },
): Promise<void> {
  if ((await daemon.find((client) => client.getImage(image).inspect())) !== undefined) return;
  log(`pulling ${image}`);
  const pull = daemon.ask(async (client) => {
    const stream = await client.pull(image, { abortSignal: signal });
    await new Promise<void>((resolve, reject) => {
      client.modem.followProgress(stream, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  });
  await pull.catch((error: unknown) => {
    if (!(error instanceof Error) || signal.aborted) throw error;
    throw new ProviderError(`${image} cannot be pulled: ${error.message}`);
  });
}
