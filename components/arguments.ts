import * as pulumi from "@pulumi/pulumi";
import ipaddr from "ipaddr.js";

/** What is wrong with one argument of a component. */
export interface ArgumentProblem {
  /** Its path below the component, `leases[1].address`. */
  readonly propertyPath: string;
  readonly reason: string;
}

/** Throws everything that is wrong with a component's arguments at once. */
export function checkArguments(component: string, problems: readonly ArgumentProblem[]): void {
  if (problems.length === 0) return;
  const reasons = problems.map(({ propertyPath, reason }) => `${propertyPath} ${reason}`).join("; ");
  throw new pulumi.InputPropertiesError({
    message: `${component} cannot be as it is described: ${reasons}`,
    errors: problems.map(({ propertyPath, reason }) => ({ propertyPath, reason })),
  });
}

/** The problem, unless all is well. */
export function problemUnless(
  isValid: boolean,
  propertyPath: string,
  reason: string,
): readonly ArgumentProblem[] {
  return isValid ? [] : [{ propertyPath, reason }];
}

// What is not known yet is checked by the provider that gets it.

/** A whole number from `minimum` on; undefined is allowed. */
export function wholeNumber(
  propertyPath: string,
  value: pulumi.Input<number> | undefined,
  minimum: number,
): readonly ArgumentProblem[] {
  if (typeof value !== "number") return [];
  const isValid = Number.isInteger(value) && value >= minimum;
  return problemUnless(isValid, propertyPath, `is ${value}, no whole number from ${minimum} on`);
}

/** A TCP port. */
export function portNumber(propertyPath: string, value: pulumi.Input<number>): readonly ArgumentProblem[] {
  if (typeof value !== "number") return [];
  const isPort = Number.isInteger(value) && value >= 1 && value <= 65_535;
  return problemUnless(isPort, propertyPath, `is ${value}, no port from 1 to 65535`);
}

/** A text of a form; `what` ends the sentence that says what it is not. */
function text(
  propertyPath: string,
  value: pulumi.Input<string>,
  isValid: (value: string) => boolean,
  what: string,
): readonly ArgumentProblem[] {
  if (typeof value !== "string") return [];
  return problemUnless(isValid(value), propertyPath, `is ${quoted(value)}, no ${what}`);
}

/** A dotted IPv4 address. */
export function ipv4(propertyPath: string, value: pulumi.Input<string>): readonly ArgumentProblem[] {
  return text(propertyPath, value, (it) => ipaddr.IPv4.isValidFourPartDecimal(it), "IPv4 address");
}

/** `10.0.0.0/24` */
export function ipv4Subnet(propertyPath: string, value: pulumi.Input<string>): readonly ArgumentProblem[] {
  const isSubnet = (it: string) => /^\d+\.\d+\.\d+\.\d+\/\d+$/.test(it) && ipaddr.IPv4.isValidCIDR(it);
  return text(propertyPath, value, isSubnet, "subnet such as 10.0.0.0/24");
}

/** A PCI function, `0000:41:00.0`. */
export function pciAddress(propertyPath: string, value: pulumi.Input<string>): readonly ArgumentProblem[] {
  const isAddress = (it: string) => /^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/i.test(it);
  return text(propertyPath, value, isAddress, "PCI address such as 0000:41:00.0");
}

/** Six bytes in hexadecimal. */
export function macAddress(propertyPath: string, value: pulumi.Input<string>): readonly ArgumentProblem[] {
  return text(propertyPath, value, (it) => /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(it), "MAC address");
}

/** An absolute path. */
export function absolutePath(propertyPath: string, value: pulumi.Input<string>): readonly ArgumentProblem[] {
  return text(propertyPath, value, (it) => it.startsWith("/"), "absolute path");
}

/** Each value once; `propertyPath` of one of them by its number. */
export function distinct(
  values: readonly string[],
  propertyPath: (index: number) => string,
): readonly ArgumentProblem[] {
  return values.flatMap((value, index) =>
    problemUnless(values.indexOf(value) === index, propertyPath(index), `is ${quoted(value)} a second time`),
  );
}

function quoted(value: string): string {
  return value === "" ? "empty" : JSON.stringify(value);
}
