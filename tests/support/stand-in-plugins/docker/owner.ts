const LABEL = "ai-how.urn";

/** The label by which what was begun and not finished is known again. */
export function labelsOf(urn: string): Record<string, string> {
  return { [LABEL]: urn };
}

/** Whether something with these labels was made for the resource. */
export function isOf(urn: string, labels: Readonly<Record<string, string>> | null | undefined): boolean {
  return labels?.[LABEL] === urn;
}
