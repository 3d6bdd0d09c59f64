import { nameOf } from "../wire/urn.ts";

/** What a user is told whose protected resource would be `deleted` or `replaced`. */
export function protectedMessage({ urn }: { readonly urn: string }, verb: "deleted" | "replaced"): string {
  return `${nameOf(urn)} is protected and would be ${verb}; take \`protect\` away in the program and run \`up\` first, or keep it by \`down --exclude-protected\``;
}
