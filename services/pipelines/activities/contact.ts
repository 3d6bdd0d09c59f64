import type { Client } from "@temporalio/client";

// The workflow takes a worker for lost that has said nothing for 30 s, and a worker says something every 5 s: cut off, it has
// 25 s until another one begins its steps. This is asked for every 5 s, too.
const LOST_MILLISECONDS = 18_000;
const CALL_MILLISECONDS = 5000;

let last = 0;
let isAsking = false;
let lost = new AbortController();

/** What is aborted when this worker has not reached Temporal for so long that its steps are about to be done elsewhere. */
export function temporalLost(): AbortSignal {
  // A step that has just been given out is a word of Temporal's.
  last = Date.now();
  if (lost.signal.aborted) lost = new AbortController();
  return lost.signal;
}

/** Asks whether Temporal is there; every step that runs may call it, and one asks. */
export async function keepContact(client: Client): Promise<void> {
  if (isAsking) return;
  isAsking = true;
  try {
    await client.withDeadline(Date.now() + CALL_MILLISECONDS, () => client.workflowService.getSystemInfo({}));
    last = Date.now();
  } catch {
    if (Date.now() - last < LOST_MILLISECONDS) return;
    lost.abort(new Error(`its worker has not reached Temporal for ${LOST_MILLISECONDS / 1000} s`));
  } finally {
    isAsking = false;
  }
}
