import * as pulumi from "@pulumi/pulumi";
import { beegfsImagePackages } from "../components/hpc/beegfs.ts";
import { BaseImage, fileDigest } from "../components/images/base-image.ts";
import type { BootImage } from "../components/images/boot-image.ts";
import { GoldenImage, type GoldenImageArgs } from "../components/images/golden-image.ts";
import { bakedDriver } from "../components/gpu/nvidia-driver.ts";
import { PackerImage } from "../components/images/packer-image.ts";
import type { Cluster, Image, Site, VirtualNode } from "../config/site.ts";
import { isReal } from "./gpu-driver.ts";

// Readable without root, because libvirt runs VMs as another user.
const CACHE = "/var/cache/ai-how";
// Length of the digest in file names.
const SHORT = 12;
// A value that is unknown in a preview.
const NOT_KNOWN = pulumi.output(pulumi.unknown).apply((): string => "");

type ImageOf<Kind extends Image["kind"]> = Extract<Image, { kind: Kind }>;
type Release = Pick<ImageOf<"built">, "distribution" | "mirror">;

/** SHA-256 of each image file of a site's nodes, by path. Undefined for a missing file, of which preflight warns or fails. */
export async function imageDigests(site: Site): Promise<ReadonlyMap<string, string | undefined>> {
  const images = site.clusters.flatMap(({ nodes }) =>
    nodes.filter((node) => node.kind === "virtual").map(({ image }) => image),
  );
  const paths = new Set(images.flatMap((image) => (image.kind === "file" ? [image.path] : [])));
  const digests = new Map<string, string | undefined>();
  for (const path of paths) digests.set(path, await fileDigest(path));
  return digests;
}

/** Returns a function that gives the image of a node, and makes each image of the cluster once. */
export function imagesOf(
  of: Cluster,
  pool: pulumi.Output<string>,
  digests: ReadonlyMap<string, string | undefined>,
  opts: pulumi.ComponentResourceOptions,
): (node: VirtualNode) => BootImage {
  const { name: cluster, acceleration } = of;
  const hasBeegfs = of.kind === "hpc" && of.storage.beegfs !== undefined;
  const golden = new Map<string, GoldenImage>();
  const goldenImage = (
    { distribution, mirror }: Release,
    variables: RoleVariables,
    name: (number: number) => string,
  ): GoldenImage =>
    getOrMake(golden, { distribution, mirror, ...variables }, (number) => {
      const args = {
        ...{ distribution, cacheDirectory: CACHE, ...variables },
        ...(mirror !== undefined && { mirror }),
        ...(hasBeegfs && { packages: beegfsImagePackages(distribution) }),
      };
      return new GoldenImage(name(number), args);
    });

  // The cache may be emptied, so VMs boot from copies in the pool of their disks.
  const copyOf = (name: string, made: GoldenImage | PackerImage): BaseImage => {
    const { imageName: content, disk, direct } = made;
    const args = { pool, fileName: name, content, disk, ...(direct !== undefined && { direct }) };
    return new BaseImage(`${name}-base`, args, opts);
  };

  const plain = new Map<string, BootImage>();
  const plainImage = (image: ImageOf<"file" | "built">, variables: RoleVariables): BootImage =>
    // Files are the same image if their absolute paths are equal.
    getOrMake(plain, image.kind === "file" ? image.path : { ...image, ...variables }, (number) => {
      const name = numbered(`${cluster}-image`, number);
      if (image.kind === "built")
        return copyOf(
          name,
          goldenImage(image, variables, () => name),
        );
      const digest = digests.get(image.path);
      const args = { pool, fileName: numbered(`${cluster}-base`, number), disk: image.path };
      const known = { content: digest?.slice(0, SHORT) ?? NOT_KNOWN, digest: digest ?? NOT_KNOWN };
      return new BaseImage(name, { ...args, ...known }, opts);
    });

  const packed = { controller: new Map<string, BootImage>(), compute: new Map<string, BootImage>() };
  const packerImage = (
    image: ImageOf<"packer">,
    kind: "controller" | "compute",
    variables: RoleVariables,
  ): BootImage =>
    getOrMake(packed[kind], { ...image, ...variables }, (number) => {
      const { distribution, source } = image;
      const base = () => goldenImage(image, {}, (count) => numbered(`${cluster}-base-image`, count));
      const name = numbered(`${cluster}-${kind}-image`, number);
      const made = new PackerImage(name, {
        kind,
        distribution,
        source: source === "mmdebstrap" ? base() : source,
        acceleration: acceleration.mode,
        cacheDirectory: CACHE,
        ...variables,
      });
      return copyOf(name, made);
    });

  return (node) => {
    const { image, role } = node;
    // ai-how does not change image files of the user.
    const variables = image.kind === "file" ? {} : driverIn(of, node);
    if (image.kind !== "packer") return plainImage(image, variables);
    return packerImage(image, role === "controller" ? "controller" : "compute", variables);
  };
}

type RoleVariables = Pick<GoldenImageArgs, "roleVariables">;

/** Role variables that build the driver into the image of a node with GPUs, if the cluster file asks for it. */
function driverIn(cluster: Cluster, { gpus }: VirtualNode): RoleVariables {
  const driver = cluster.kind === "hpc" ? cluster.driver : undefined;
  if (driver?.bake !== true || driver.source === "none" || !gpus.some(isReal)) return {};
  return { roleVariables: bakedDriver(driver) };
}

/** The map's entry for a value. If there is none, `make` gets the number of the new entry, from 1. */
function getOrMake<T>(map: Map<string, T>, value: unknown, make: (number: number) => T): T {
  const key = JSON.stringify(value);
  const found = map.get(key) ?? make(map.size + 1);
  map.set(key, found);
  return found;
}

/** Adds a number to all names but the first, so that a cluster's image keeps its name when a node gets another image. */
function numbered(name: string, number: number): string {
  return number === 1 ? name : `${name}-${number}`;
}
