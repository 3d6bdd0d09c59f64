/** Items that share a key with an earlier item, each with the first that has the key; no key, no match. */
export function repeated<T>(
  items: readonly T[],
  keyOf: (item: T) => string | undefined,
): { readonly item: T; readonly first: T }[] {
  const seen = new Map<string, T>();
  return items.flatMap((item) => {
    const key = keyOf(item);
    if (key === undefined) return [];
    const first = seen.get(key);
    if (first !== undefined) return [{ item, first }];
    seen.set(key, item);
    return [];
  });
}
