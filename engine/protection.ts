import { nameOf } from "../wire/urn.ts";

/** The message for a protected resource that a run would delete or replace. */
export function protectedMessage({ urn }: { readonly urn: string }, verb: "deleted" | "replaced"): string {
  return `${nameOf(urn)} is protected and would be ${verb}; remove \`protect\` from the program and run \`up\` first, or keep the resource with \`down --exclude-protected\``;
}
