/** The targets of a stack: programs of ai-how, each for one kind of machine. */
export const TARGETS = ["dev", "workstation", "dgx-spark", "homelab"] as const;

/** `dev, workstation, dgx-spark or homelab` */
export const targetNames = new Intl.ListFormat("en-GB", { type: "disjunction" }).format(TARGETS);
