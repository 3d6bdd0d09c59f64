/** The type of the stack itself, the root of all resources. */
export const STACK_TYPE = "pulumi:pulumi:Stack";
const PROVIDER_TYPE = "pulumi:providers:";

/** `urn:pulumi:dev::ai-how::parentType$type::name`, as in Pulumi's engine. */
export function makeUrn(stack: string, project: string, parent: string, type: string, name: string): string {
  const parentType = parent === "" ? "" : qualifiedType(parent);
  const prefix = parentType === "" || parentType === STACK_TYPE ? "" : `${parentType}$`;
  return `urn:pulumi:${stack}::${project}::${prefix}${type}::${name}`;
}

function qualifiedType(urn: string): string {
  return urn.split("::")[2] ?? "";
}

/** The type of a resource without its parents' types: `libvirt:index:Domain`. */
export function typeOf(urn: string): string {
  return qualifiedType(urn).split("$").at(-1) ?? "";
}

/** The name of a resource in the program. */
export function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

/** `libvirt` of `libvirt:index:Domain`, and of a provider's type `pulumi:providers:libvirt`. */
export function packageOf(type: string): string {
  return (isProvider(type) ? type.slice(PROVIDER_TYPE.length) : type).split(":")[0] ?? type;
}

/** Whether this is the type of a provider resource: `pulumi:providers:libvirt`. */
export function isProvider(type: string): boolean {
  return type.startsWith(PROVIDER_TYPE);
}

/** The URN in a resource's `provider`, `urn::id`; undefined for a default provider. */
export function providerUrn(reference: string | undefined): string | undefined {
  return reference === undefined || reference === ""
    ? undefined
    : reference.slice(0, reference.lastIndexOf("::"));
}
