import * as pulumi from "@pulumi/pulumi";
import ipaddr from "ipaddr.js";

/** A problem with one argument of a component. */
export interface ArgumentProblem {
  /** Path of the argument, `leases[1].address`. */
  readonly propertyPath: string;
  readonly reason: string;
}

/** Throws one `InputPropertiesError` with all problems; returns when there are none. */
export function checkArguments(component: string, problems: readonly ArgumentProblem[]): void {
  if (problems.length === 0) return;
  const reasons = problems.map(({ propertyPath, reason }) => `${propertyPath} ${reason}`).join("; ");
  throw new pulumi.InputPropertiesError({
    message: `${component} has invalid arguments: ${reasons}`,
    errors: problems.map(({ propertyPath, reason }) => ({ propertyPath, reason })),
  });
}

/** No problem when `isValid`; otherwise the problem that the path and reason describe. */
export function problemUnless(
  isValid: boolean,
  propertyPath: string,
  reason: string,
): readonly ArgumentProblem[] {
  return isValid ? [] : [{ propertyPath, reason }];
}

// These functions accept outputs unchecked: the provider checks the values once they are known.

/** Accepts a whole number of at least `minimum`, and undefined. */
export function wholeNumber(
  propertyPath: string,
  value: pulumi.Input<number> | undefined,
  minimum: number,
): readonly ArgumentProblem[] {
  if (typeof value !== "number") return [];
  const isValid = Number.isInteger(value) && value >= minimum;
  return problemUnless(isValid, propertyPath, `is ${value}, not a whole number of at least ${minimum}`);
}

/** Accepts a TCP port, 1 to 65535. */
export function portNumber(propertyPath: string, value: pulumi.Input<number>): readonly ArgumentProblem[] {
  if (typeof value !== "number") return [];
  const isPort = Number.isInteger(value) && value >= 1 && value <= 65_535;
  return problemUnless(isPort, propertyPath, `is ${value}, not a port from 1 to 65535`);
}

/** Accepts a string that `isValid`; `kind` names the expected kind with its article, "an IPv4 address". */
function text(
  propertyPath: string,
  value: pulumi.Input<string>,
  isValid: (value: string) => boolean,
  kind: string,
): readonly ArgumentProblem[] {
  if (typeof value !== "string") return [];
  return problemUnless(isValid(value), propertyPath, `is ${quoted(value)}, not ${kind}`);
}

/** Accepts a dotted IPv4 address. */
export function ipv4(propertyPath: string, value: pulumi.Input<string>): readonly ArgumentProblem[] {
  return text(propertyPath, value, (it) => ipaddr.IPv4.isValidFourPartDecimal(it), "an IPv4 address");
}

/** Accepts an IPv4 subnet, `10.0.0.0/24`. */
export function ipv4Subnet(propertyPath: string, value: pulumi.Input<string>): readonly ArgumentProblem[] {
  const isSubnet = (it: string) => /^\d+\.\d+\.\d+\.\d+\/\d+$/.test(it) && ipaddr.IPv4.isValidCIDR(it);
  return text(propertyPath, value, isSubnet, "a subnet such as 10.0.0.0/24");
}

/** Accepts a PCI address, `0000:41:00.0`. */
export function pciAddress(propertyPath: string, value: pulumi.Input<string>): readonly ArgumentProblem[] {
  const isAddress = (it: string) => /^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/i.test(it);
  return text(propertyPath, value, isAddress, "a PCI address such as 0000:41:00.0");
}

/** Accepts a MAC address of six bytes, `02:00:00:00:00:0a`. */
export function macAddress(propertyPath: string, value: pulumi.Input<string>): readonly ArgumentProblem[] {
  return text(propertyPath, value, (it) => /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(it), "a MAC address");
}

/** Accepts an absolute path. */
export function absolutePath(propertyPath: string, value: pulumi.Input<string>): readonly ArgumentProblem[] {
  return text(propertyPath, value, (it) => it.startsWith("/"), "an absolute path");
}

/** Accepts values without duplicates; `propertyPath` gives the path of the value at an index. */
export function distinct(
  values: readonly string[],
  propertyPath: (index: number) => string,
): readonly ArgumentProblem[] {
  return values.flatMap((value, index) =>
    problemUnless(
      values.indexOf(value) === index,
      propertyPath(index),
      `is ${quoted(value)}, which is a duplicate`,
    ),
  );
}

function quoted(value: string): string {
  return value === "" ? "empty" : JSON.stringify(value);
}
