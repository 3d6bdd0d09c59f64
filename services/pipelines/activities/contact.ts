import type { Client } from "@temporalio/client";

// A worker sends a heartbeat every 5 s and counts as lost after 30 s without one. Cut off, it has 25 s until another worker starts its
// steps. Contact is checked every 5 s, too.
const LOST_MILLISECONDS = 18_000;
const CALL_MILLISECONDS = 5000;

let last = 0;
let isAsking = false;
let lost = new AbortController();

/** Aborted when this worker has not reached Temporal for so long that another worker is about to start its steps. */
export function temporalLost(): AbortSignal {
  // A step that has just arrived shows that Temporal is reachable.
  last = Date.now();
  if (lost.signal.aborted) lost = new AbortController();
  return lost.signal;
}

/** Checks whether Temporal is reachable. Every running step may call it; one check runs at a time. */
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
