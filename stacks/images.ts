import * as pulumi from "@pulumi/pulumi";
import { beegfsImagePackages } from "../components/hpc/beegfs.ts";
import { BaseImage, fileDigest } from "../components/images/base-image.ts";
import type { BootImage } from "../components/images/boot-image.ts";
import { GoldenImage, type GoldenImageArgs } from "../components/images/golden-image.ts";
import { bakedDriver } from "../components/gpu/nvidia-driver.ts";
import { PackerImage } from "../components/images/packer-image.ts";
import type { Cluster, Image, Site, VirtualNode } from "../config/site.ts";
import { isReal } from "./gpu-driver.ts";

// Where others than root may look, too: libvirt's machines run under an account of their own.
const CACHE = "/var/cache/ai-how";
// Of a SHA-256, what names need of it.
const SHORT = 12;
// What a preview cannot know.
const NOT_KNOWN = pulumi.output(pulumi.unknown).apply((): string => "");

type ImageOf<Kind extends Image["kind"]> = Extract<Image, { kind: Kind }>;
type Release = Pick<ImageOf<"built">, "distribution" | "mirror">;

/** SHA-256 of each image file that a site's nodes start from; undefined, in a preview alone, for one that is not there yet: preflight tells. */
export async function imageDigests(site: Site): Promise<ReadonlyMap<string, string | undefined>> {
  const images = site.clusters.flatMap(({ nodes }) =>
    nodes.filter((node) => node.kind === "virtual").map(({ image }) => image),
  );
  const paths = new Set(images.flatMap((image) => (image.kind === "file" ? [image.path] : [])));
  const digests = new Map<string, string | undefined>();
  for (const path of paths) digests.set(path, await fileDigest(path));
  return digests;
}

/** Makes the images of a cluster's nodes on libvirt's host, each once, and finds that of a node. */
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

  // A cache may be emptied, so machines start from copies beside their disks.
  const copyOf = (name: string, made: GoldenImage | PackerImage): BaseImage => {
    const { imageName: content, disk, direct } = made;
    const args = { pool, fileName: name, content, disk, ...(direct !== undefined && { direct }) };
    return new BaseImage(`${name}-base`, args, opts);
  };

  const plain = new Map<string, BootImage>();
  const plainImage = (image: ImageOf<"file" | "built">, variables: RoleVariables): BootImage =>
    // Two ways to write one path are one image.
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
    // Nobody bakes a file of the user's.
    const variables = image.kind === "file" ? {} : driverIn(of, node);
    if (image.kind !== "packer") return plainImage(image, variables);
    return packerImage(image, role === "controller" ? "controller" : "compute", variables);
  };
}

type RoleVariables = Pick<GoldenImageArgs, "roleVariables">;

/** What the image of a node is baked with: the driver, where it has GPUs and the file says which. */
function driverIn(cluster: Cluster, { gpus }: VirtualNode): RoleVariables {
  const driver = cluster.kind === "hpc" ? cluster.driver : undefined;
  if (driver?.bake !== true || driver.source === "none" || !gpus.some(isReal)) return {};
  return { roleVariables: bakedDriver(driver) };
}

/** What is in the map for a value; made when it is not there yet, with a number from 1 on. */
function getOrMake<T>(map: Map<string, T>, value: unknown, make: (number: number) => T): T {
  const key = JSON.stringify(value);
  const found = map.get(key) ?? make(map.size + 1);
  map.set(key, found);
  return found;
}

/** The first has the plain name, so that a cluster with one image keeps it when a node gets its own. */
function numbered(name: string, number: number): string {
  return number === 1 ? name : `${name}-${number}`;
}
