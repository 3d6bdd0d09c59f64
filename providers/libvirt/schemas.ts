import { isIPv4 } from "node:net";
import { z } from "zod";

/** A name that is safe as a file name and as an argument of virsh. */
export const nameSchema = z
  .string()
  .regex(
    /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/,
    "must be letters, digits, dots, dashes and underscores, 63 at most",
  );

/** The name of a volume, which is that of a file, with room for the mark beside it. */
export const volumeNameSchema = z
  .string()
  .regex(
    /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,199}$/,
    "must be letters, digits, dots, dashes and underscores, 200 at most",
  );

export const addressSchema = z.string().refine(isIPv4, {
  error: (issue) => `${String(issue.input)} is not an IPv4 address`,
});

/** Lower case, as libvirt writes them. */
export const macSchema = z
  .string()
  .regex(/^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/, "must be a MAC address such as 52:54:00:12:34:56")
  .transform((mac) => mac.toLowerCase());

export const absolutePathSchema = z.string().regex(/^\/[^\n]*$/, "must be an absolute path");

/** File formats of disks. */
export const formatSchema = z.enum(["qcow2", "raw"]);
