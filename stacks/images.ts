import type * as pulumi from "@pulumi/pulumi";
import type { BootImage } from "../components/machines/boot-image.ts";
import { GoldenImage } from "../components/machines/golden-image.ts";
import { ImageFile } from "../components/machines/image-file.ts";
import { PackerImage } from "../components/machines/packer-image.ts";
import type { Cluster, Image, VirtualNode } from "../config/site.ts";

// Where others than root may look, too: libvirt's machines run under an account of their own.
const CACHE = "/var/cache/ai-how";

type ImageOf<Kind extends Image["kind"]> = Extract<Image, { kind: Kind }>;
type Release = Pick<ImageOf<"built">, "distribution" | "mirror">;

/** Makes the images of a cluster's nodes on libvirt's host, each once, and finds that of a node. */
export function imagesOf(
  { name: cluster, acceleration }: Cluster,
  pool: pulumi.Output<string>,
  opts: pulumi.ComponentResourceOptions,
): (node: VirtualNode) => BootImage {
  const golden = new Map<string, GoldenImage>();
  const goldenImage = ({ distribution, mirror }: Release, name: (number: number) => string): GoldenImage =>
    once(golden, { distribution, mirror }, (number) => {
      const args = { distribution, cacheDirectory: CACHE, ...(mirror !== undefined && { mirror }) };
      return new GoldenImage(name(number), args);
    });

  const plain = new Map<string, BootImage>();
  const plainImage = (image: ImageOf<"file" | "built">): BootImage =>
    once(plain, image, (number) => {
      const name = numbered(`${cluster}-image`, number);
      if (image.kind === "built") return goldenImage(image, () => name);
      const fileName = `${numbered(`${cluster}-base`, number)}.qcow2`;
      return new ImageFile(name, { path: image.path, pool, fileName }, opts);
    });

  const packed = { controller: new Map<string, BootImage>(), compute: new Map<string, BootImage>() };
  const packerImage = (image: ImageOf<"packer">, kind: "controller" | "compute"): BootImage =>
    once(packed[kind], image, (number) => {
      const { distribution, source } = image;
      const base = () => goldenImage(image, (count) => numbered(`${cluster}-base-image`, count));
      return new PackerImage(numbered(`${cluster}-${kind}-image`, number), {
        kind,
        distribution,
        source: source === "mmdebstrap" ? base() : source,
        acceleration: acceleration.mode,
        cacheDirectory: CACHE,
      });
    });

  return ({ image, role }) => {
    if (image.kind !== "packer") return plainImage(image);
    return packerImage(image, role === "controller" ? "controller" : "compute");
  };
}

/** What is in the map for a value; made when it is not there yet, with a number from 1 on. */
function once<T>(map: Map<string, T>, value: unknown, make: (number: number) => T): T {
  const key = JSON.stringify(value);
  const found = map.get(key) ?? make(map.size + 1);
  map.set(key, found);
  return found;
}

/** The first has the plain name, so that a cluster with one image keeps it when a node gets its own. */
function numbered(name: string, number: number): string {
  return number === 1 ? name : `${name}-${number}`;
}
