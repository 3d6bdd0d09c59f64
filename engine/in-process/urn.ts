/** The type of the stack itself, the parent of all. */
export const STACK_TYPE = "pulumi:pulumi:Stack";

/** `urn:pulumi:dev::ai-how::parentType$type::name`, as Pulumi's engine builds it. */
export function makeUrn(stack: string, project: string, parent: string, type: string, name: string): string {
  const parentType = parent === "" ? "" : qualifiedType(parent);
  const prefix = parentType === "" || parentType === STACK_TYPE ? "" : `${parentType}$`;
  return `urn:pulumi:${stack}::${project}::${prefix}${type}::${name}`;
}

function qualifiedType(urn: string): string {
  return urn.split("::")[2] ?? "";
}

/** The type of a resource, without its parents': `libvirt:index:Domain`. */
export function typeOf(urn: string): string {
  return qualifiedType(urn).split("$").at(-1) ?? "";
}

/** The name that the program gave. */
export function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}
