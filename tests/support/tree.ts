import type { StackResource } from "../../engine/engine.ts";
import { isProvider, nameOf, STACK_TYPE } from "../../wire/urn.ts";

/** What is wrong with the shape of a stack, as a plan or a state has it: parents, names, outputs and providers. */
export function faultsOfTree(resources: readonly StackResource[]): string[] {
  // Pulumi's engine shows the default providers of its own, too; they are nobody's children.
  const shown = resources.filter(({ type, parent }) => !(isProvider(type) && parent === undefined));
  const byUrn = new Map(shown.map((resource) => [resource.urn, resource]));
  const stack = shown.find(({ type }) => type === STACK_TYPE)?.urn;
  const below = shown.filter(({ urn }) => urn !== stack);
  return below.flatMap(({ urn, type, component, parent = "", outputs, provider }) => {
    const above = byUrn.get(parent);
    const faults = [
      ...(above === undefined ? ["has no parent"] : []),
      ...(!component && parent === stack ? ["lies right below the stack, and in no component"] : []),
      ...(component && !/^ai-how:[a-z]+:[A-Z][A-Za-z]+$/.test(type) ? [`is of the type ${type}`] : []),
      ...(parent !== stack && !nameOf(urn).startsWith(`${nameOf(parent)}-`)
        ? [`does not begin with the name of ${nameOf(parent)}`]
        : []),
      ...(component && Object.keys(outputs).length === 0 ? ["has no outputs"] : []),
      ...(/^(libvirt|docker):/.test(type) &&
      !provider?.includes(`pulumi:providers:${type.slice(0, type.indexOf(":"))}::`)
        ? ["uses no provider of its own"]
        : []),
    ];
    return faults.map((fault) => `${nameOf(urn)} ${fault}`);
  });
}
