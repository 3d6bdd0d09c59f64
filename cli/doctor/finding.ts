/** The result of one check. A `note` does not keep the stack from coming up. */
export interface Finding {
  readonly check: string;
  readonly level: "pass" | "note" | "fail";
  readonly found: string;
  readonly remedy?: string;
}

export function pass(check: string, found: string): Finding {
  return { check, level: "pass", found };
}

export function note(check: string, found: string, remedy: string): Finding {
  return { check, level: "note", found, remedy };
}

export function fail(check: string, found: string, remedy: string): Finding {
  return { check, level: "fail", found, remedy };
}
