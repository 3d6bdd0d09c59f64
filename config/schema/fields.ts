import { z } from "zod";
import { parseSubnet, addressText } from "../ipv4.ts";

/** Formats a value for a message: text and numbers as in the file, lists and maps by their kind. */
export function formatValue(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (value !== null && typeof value === "object") return "a map";
  return typeof value === "string" && !/^[\w.:/+-]+$/.test(value) ? JSON.stringify(value) : String(value);
}

/** An error function of zod with the message `<value> <text>`. A missing value gets the general message. */
export function withValue(text: string) {
  return ({ input }: { readonly input?: unknown }) =>
    input === undefined ? undefined : `${formatValue(input)} ${text}`;
}

/** A dotted IPv4 address. */
export const address = z.ipv4({ error: withValue("is not an IPv4 address") });

/** A node's address: static, or DHCP. */
export const addressOrDhcp = z.union([address, z.literal("DHCP")], {
  error: withValue("is neither an IPv4 address nor DHCP"),
});

const notSubnet = "is not a subnet such as 10.0.0.0/24";

/** An IPv4 subnet of /30 or larger: a gateway and at least one machine. */
export const subnet = z
  .cidrv4({ error: withValue(notSubnet), abort: true })
  .refine((text) => parseSubnet(text).prefix <= 30, {
    error: withValue("is too small: use /30 or larger"),
    abort: true,
  })
  .refine((text) => text.startsWith(`${addressText(parseSubnet(text).first)}/`), {
    error: ({ input }) => {
      const { text, first, prefix } = parseSubnet(String(input));
      return `${text} has host bits set: did you mean ${addressText(first)}/${prefix}?`;
    },
  });

/** A PCI address: domain, bus, device, function. */
export const pciAddress = z.string().regex(/^[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7]$/, {
  error: withValue("is not a PCI address such as 0000:65:00.0"),
});

/** A unicast MAC address of six bytes. */
export const macAddress = z
  .mac({ error: withValue("is not a MAC address such as 52:54:00:12:34:56"), abort: true })
  .refine((mac) => (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0, {
    error: withValue("is a group address: the first byte has to be even"),
  });

/** An absolute path. */
export const absolutePath = z.string().regex(/^\/.*$/, { error: withValue("is not an absolute path") });

/** A path to a qcow2 image, relative to the working directory or absolute. */
export const imagePath = z.string().regex(/\.qcow2$/, { error: withValue("does not end in .qcow2") });

/** Non-empty text. */
export const text = z.string().min(1);

/** A whole number of at least `minimum`. */
export function count(minimum: number) {
  return z.int().min(minimum);
}
