/** The Packer that makes images, Debian 12's; packer/image.pkr.hcl refuses any other, as later ones want plugins installed. */
export const packer = "1.6.6";

/** The BeeGFS of its makers' repository, which has one for each minor version. */
export const beegfs = {
  version: "8.3.1",
  repository: (minor: string) => `https://www.beegfs.io/release/beegfs_${minor}`,
  /** Of the key that signs it, as its makers' download page gives it. */
  keyFingerprint: "0683AF2B9AC5BC7D59B2D62340CE4E243CD50804",
} as const;
