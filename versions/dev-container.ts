import { createHash } from "node:crypto";

/** SHA-256 by Debian's name of the architecture. */
type Checksums = Readonly<Record<"amd64" | "arm64", string>>;

/** What the image of the development container is made of; images/dev/Dockerfile has no version of its own. */
export const devContainer = {
  /** CUDA 12.9.1 with cuDNN and compilers on Ubuntu 24.04, NVIDIA's; the digest is that of both architectures' index. */
  base: "docker.io/nvidia/cuda:12.9.1-cudnn-devel-ubuntu24.04@sha256:a2e1e2360c85298ac47ec2543b406ab1e8cec42e31ee47e4d32140ebc82e1067",
  /** What Bazelisk runs where a project names no other. */
  bazel: "6.4.0",
  bazelisk: {
    version: "1.28.1",
    checksums: {
      amd64: "22e7d3a188699982f661cf4687137ee52d1f24fec1ec893d91a6c4d791a75de8",
      arm64: "8ded44b58a0d9425a4178af26cf17693feac3b87bdcfef0a2a0898fcd1afc9f2",
    },
  },
  /** The base's own where it has it, else uv's. */
  python: "3.12",
  rust: "1.79.0",
  rustup: {
    version: "1.28.2",
    checksums: {
      amd64: "20a06e644b0d9bd2fbdbfd52d42540bdde820ea7df86e92e533c073da0cdd43c",
      arm64: "e3853c5a252fca15252d07cb23a1bdd9377a8c6f3efa01531109281ae47f841c",
    },
  },
  go: {
    version: "1.21.5",
    checksums: {
      amd64: "e2bc0b3e4b64111ec117295c088bde5f00eeed1567999ff77bc859d7df70078e",
      arm64: "841cced7ecda9b2014f139f5bab5ae31785f35399f236b8b3e75dff2a2978d96",
    },
  },
  spack: {
    version: "1.1.0",
    checksum: "518474f546e87723c43b80143d83a51c065a8d54333c8140da6f48bc7d9e50c1",
  },
  /** The wheel of Python's package index. */
  uv: {
    version: "0.13.9",
    checksums: {
      amd64: "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
      arm64: "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe",
    },
  },
} as const;

/** Everything that can be left out of the image, in the order in which it is put in. */
export const devTools = ["system", "uv", "python", "rust", "go", "bazel", "spack"] as const;

/** What of the development container's image may be chosen; the rest is pinned. */
export interface DevImageChoices {
  /** Of the user whose files the container writes. */
  readonly uid: number;
  readonly gid: number;
  /** Image to build on. Default: CUDA's. */
  readonly base?: string | undefined;
  readonly bazel?: string | undefined;
  /** `3.12` */
  readonly python?: string | undefined;
  readonly rust?: string | undefined;
  readonly go?: string | undefined;
  /** Default: all. */
  readonly tools?: readonly (typeof devTools)[number][] | undefined;
}

/**
 * Build arguments of images/dev/Dockerfile. Whoever builds that image passes exactly these. A checksum is empty where another
 * version than ours was chosen: the Dockerfile then asks for the one that is published beside the file.
 */
export function devImageArguments(choices: DevImageChoices): Readonly<Record<string, string>> {
  const { bazelisk, rustup, spack, uv } = devContainer;
  const go = choices.go ?? devContainer.go.version;
  const goChecksums: Checksums =
    go === devContainer.go.version ? devContainer.go.checksums : { amd64: "", arm64: "" };
  return {
    BASE_IMAGE: choices.base ?? devContainer.base,
    HOST_UID: String(choices.uid),
    HOST_GID: String(choices.gid),
    TOOLS: (choices.tools ?? devTools).join(" "),
    PYTHON_VERSION: choices.python ?? devContainer.python,
    UV_VERSION: uv.version,
    ...both("UV", uv.checksums),
    RUST_VERSION: choices.rust ?? devContainer.rust,
    RUSTUP_VERSION: rustup.version,
    ...both("RUSTUP", rustup.checksums),
    GO_VERSION: go,
    ...both("GO", goChecksums),
    BAZEL_VERSION: choices.bazel ?? devContainer.bazel,
    BAZELISK_VERSION: bazelisk.version,
    ...both("BAZELISK", bazelisk.checksums),
    SPACK_VERSION: spack.version,
    SPACK_SHA256: spack.checksum,
  };
}

function both(tool: string, { amd64, arm64 }: Checksums): Record<string, string> {
  return { [`${tool}_SHA256_AMD64`]: amd64, [`${tool}_SHA256_ARM64`]: arm64 };
}

/** The repository of its images, as the predecessor's launcher calls it. */
export const devImageRepository = "sygaldry/zephyr";

/** SHA-256 of what an image is built from: the digest of images/dev, its build arguments, and the platform where it is given. */
export function devImageDigest(
  contentDigest: string,
  buildArguments: Readonly<Record<string, string>>,
  platform?: string,
): string {
  const content = JSON.stringify([contentDigest, Object.entries(buildArguments).sort(), platform]);
  return createHash("sha256").update(content).digest("hex");
}
