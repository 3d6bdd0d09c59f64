/** A map of a cluster file before the checks. */
export type Values = Record<string, unknown>;

export function isMap(value: unknown): value is Values {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** The map under a key; undefined if there is none. */
export function mapAt(values: Values, key: string): Values | undefined {
  const value = values[key];
  return isMap(value) ? value : undefined;
}
