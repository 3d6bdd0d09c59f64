/** Dynamic configuration of every Temporal server that ai-how starts. */
export const temporalSettings = {
  // A worker gets a step with the reply to its workflow task. The default sends each step through the matching service.
  "system.enableActivityEagerExecution": true,
  // Reads of a shard's transfer queue in a second. The default is 20: each workflow task waits up to 50 ms for its turn.
  "history.transferProcessorMaxPollRPS": 200,
} as const;
