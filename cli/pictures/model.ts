/** A box of a picture; it can contain others. */
export interface Box {
  readonly id: string;
  /** Lines of text; the first one is the name. */
  readonly label: readonly string[];
  /** The box around it. */
  readonly parent?: string;
}

/** An arrow from a resource to one that depends on it. */
export interface Arrow {
  readonly from: string;
  readonly to: string;
}

/** A picture as data. */
export interface Picture {
  readonly boxes: readonly Box[];
  readonly arrows: readonly Arrow[];
}

/** Removes the arrows that others imply: the transitive reduction. */
export function withoutShortcuts({ boxes, arrows }: Picture): Picture {
  const next = new Map<string, Set<string>>(boxes.map(({ id }) => [id, new Set<string>()]));
  for (const { from, to } of arrows) next.get(from)?.add(to);
  const reach = new Map<string, Set<string>>();
  const reachable = (id: string): Set<string> => {
    const known = reach.get(id);
    if (known !== undefined) return known;
    const found = new Set<string>();
    reach.set(id, found);
    for (const step of next.get(id) ?? []) {
      found.add(step);
      for (const further of reachable(step)) found.add(further);
    }
    return found;
  };
  const kept = arrows.filter(
    ({ from, to }) => ![...(next.get(from) ?? [])].some((step) => step !== to && reachable(step).has(to)),
  );
  return { boxes, arrows: kept };
}

/** Joins boxes with the same kind and the same arrows into one. */
export function withAlikeJoined(
  picture: Picture,
  kindOf: (box: Box) => string,
  join: (boxes: readonly Box[]) => Box,
): Picture {
  const into = new Map<string, string[]>();
  const outOf = new Map<string, string[]>();
  for (const { from, to } of picture.arrows) {
    into.set(to, [...(into.get(to) ?? []), from]);
    outOf.set(from, [...(outOf.get(from) ?? []), to]);
  }
  const groups = new Map<string, Box[]>();
  for (const box of picture.boxes) {
    const key = JSON.stringify([
      kindOf(box),
      box.parent,
      into.get(box.id)?.sort(),
      outOf.get(box.id)?.sort(),
    ]);
    groups.set(key, [...(groups.get(key) ?? []), box]);
  }
  const place = new Map<string, string>();
  const boxes = [...groups.values()].map((alike) => {
    const [first] = alike;
    const box = alike.length === 1 && first !== undefined ? first : join(alike);
    for (const { id } of alike) place.set(id, box.id);
    return box;
  });
  const arrows = new Map(
    picture.arrows.map(({ from, to }) => {
      const arrow = { from: place.get(from) ?? from, to: place.get(to) ?? to };
      return [`${arrow.from} ${arrow.to}`, arrow] as const;
    }),
  );
  return { boxes, arrows: [...arrows.values()] };
}
