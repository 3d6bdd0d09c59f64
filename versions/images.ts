/** A file somewhere else, and what it must be. */
export interface Download {
  readonly url: string;
  /** `sha256:...` or `sha512:...`, from the list that is published beside it. */
  readonly checksum: string;
}

/** The dated cloud images of each distribution, by Debian's name of the architecture. */
export const cloudImages: Readonly<
  Record<"debian12" | "ubuntu2404", Readonly<Record<"amd64" | "arm64", Download>>>
> = {
  debian12: {
    amd64: {
      url: "https://cloud.debian.org/images/cloud/bookworm/20260923-2610/debian-12-genericcloud-amd64-20260923-2610.qcow2",
      checksum:
        "sha512:3d94c9dd66d8a283fde060b8810373b7ae04038b956ee00d553d1ae564f6fbdeaa2fd6e7404e87e53348b5a9509170f3ea7c0731ba737590c5c4cb8d559a47f8",
    },
    arm64: {
      url: "https://cloud.debian.org/images/cloud/bookworm/20260923-2610/debian-12-genericcloud-arm64-20260923-2610.qcow2",
      checksum:
        "sha512:89a752d5c7d8e88bee39a57d88d496cca574f7d1e8df5df7a169825435f99feb11ed13ab27ec7bee96fe1584be4ff9479358fbca6cc859efa109f4aba18724c8",
    },
  },
  ubuntu2404: {
    amd64: {
      url: "https://cloud-images.ubuntu.com/releases/noble/release-20260814/ubuntu-24.04-server-cloudimg-amd64.img",
      checksum: "sha256:6e40c07ae715f744f84af0bec76415cc1987dd115b4b8de437818561f01a3733",
    },
    arm64: {
      url: "https://cloud-images.ubuntu.com/releases/noble/release-20260814/ubuntu-24.04-server-cloudimg-arm64.img",
      checksum: "sha256:4a281a921b8d7db952895ab619736f10efe9f63e111fa5b5779ed18f023818aa",
    },
  },
};

/** The images that Temporal runs from, by their tags on Docker Hub: those that Temporal releases together. */
export const temporalImages = {
  postgresql: "postgres:16.15",
  server: "temporalio/server:1.31.0",
  /** The schema of its databases, and the commands that set it up. */
  adminTools: "temporalio/admin-tools:1.31.0",
  ui: "temporalio/ui:2.49.1",
} as const;
