import { temporalSettings } from "../../config/temporal.ts";

// PostgreSQL's columns for ids hold 255 characters.
const settings = { "limit.maxIDLength": 255, ...temporalSettings };

/** Temporal's dynamic configuration on PostgreSQL: the content of its file, and a value of its chart. */
export const dynamicConfig = Object.fromEntries(
  Object.entries(settings).map(([key, value]) => [key, [{ value, constraints: {} }]]),
);
