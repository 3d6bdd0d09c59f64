import type { Geometry, GpuModel, MigProfile } from "./geometry.ts";

const LISTING = "`nvidia-smi mig -lgipp` on hardware";
const COUNTS = "`nvidia-smi mig -lgip` on hardware: names and counts";
const TABLES = "NVIDIA's MIG user guide and mig-parted's configurations: names and counts";

/** The geometry of a GPU with eight memory and seven compute slices. Arguments: memory of the profiles in GB. */
function sevenSlices(
  one: number,
  double: number,
  two: number,
  three: number,
  four: number,
  seven: number,
): Geometry {
  return {
    slices: 8,
    profiles: [
      profile(`7g.${seven}gb`, 0, 8, [0]),
      profile(`4g.${four}gb`, 5, 4, [0]),
      profile(`3g.${three}gb`, 9, 4, [0, 4]),
      profile(`2g.${two}gb`, 14, 2, [0, 2, 4]),
      profile(`1g.${double}gb`, 15, 2, [0, 2, 4, 6]),
      profile(`1g.${one}gb`, 19, 1, [0, 1, 2, 3, 4, 5, 6]),
      profile(`1g.${one}gb+me`, 20, 1, [0, 1, 2, 3, 4, 5, 6], "media"),
    ],
  };
}

function profile(
  name: string,
  id: number | undefined,
  size: number,
  starts: readonly number[],
  engine?: string,
): MigProfile {
  return { name, id, size, starts, engine };
}

const A30: Geometry = {
  slices: 4,
  profiles: [
    profile("4g.24gb", 0, 4, [0]),
    profile("2g.12gb", 5, 2, [0, 2]),
    profile("2g.12gb+me", 6, 2, [0, 2], "media"),
    profile("1g.6gb", 14, 1, [0, 1, 2, 3]),
    profile("1g.6gb+me", 21, 1, [0, 1, 2, 3], "media"),
  ],
};

const RTX_PRO_6000: Geometry = {
  slices: 12,
  profiles: [
    profile("4g.96gb", 0, 12, [0]),
    profile("4g.96gb+gfx", 32, 12, [0]),
    profile("2g.48gb", 5, 6, [0, 6]),
    profile("2g.48gb+gfx", 35, 6, [0, 6]),
    profile("2g.48gb+me.all", 64, 6, [0, 6], "all media"),
    profile("2g.48gb-me", 66, 6, [0, 6]),
    profile("1g.24gb", 14, 3, [0, 3, 6, 9]),
    profile("1g.24gb+me", 21, 3, [0, 3, 6, 9], "media"),
    profile("1g.24gb+gfx", 47, 3, [0, 3, 6, 9]),
    profile("1g.24gb+me.all", 65, 3, [0, 3, 6, 9], "all media"),
    profile("1g.24gb-me", 67, 3, [0, 3, 6, 9]),
  ],
};

/** Every GPU model whose partitions can be planned. Source of minimumDriver: NVIDIA's MIG user guide, release 620, deployment considerations. */
export const gpuModels: readonly GpuModel[] = [
  {
    key: "a100-40gb",
    aliases: ["a100", "a100-sxm4-40gb", "a100-pcie-40gb"],
    name: "A100 40GB",
    gresType: "a100",
    geometry: sevenSlices(5, 10, 10, 20, 20, 40),
    minimumDriver: "450.80.02",
    source: LISTING,
    derived: false,
  },
  {
    key: "a100-80gb",
    aliases: ["a100-sxm4-80gb", "a100-80gb-pcie"],
    name: "A100 80GB",
    gresType: "a100",
    geometry: sevenSlices(10, 20, 20, 40, 40, 80),
    minimumDriver: "450.80.02",
    source: COUNTS,
    derived: true,
  },
  {
    key: "a30",
    aliases: ["a30-24gb"],
    name: "A30",
    gresType: "a30",
    geometry: A30,
    minimumDriver: "460.73.01",
    source: LISTING,
    derived: false,
  },
  {
    key: "h100-80gb",
    aliases: ["h100", "h100-80gb-hbm3", "h100-pcie"],
    name: "H100 80GB",
    gresType: "h100",
    geometry: sevenSlices(10, 20, 20, 40, 40, 80),
    minimumDriver: "525.85.12",
    source: LISTING,
    derived: false,
  },
  {
    key: "h100-94gb",
    aliases: ["h100-nvl"],
    name: "H100 94GB, H100 NVL",
    gresType: "h100",
    geometry: sevenSlices(12, 24, 24, 47, 47, 94),
    minimumDriver: "525.85.12",
    source: LISTING,
    derived: false,
  },
  {
    key: "gh200-96gb",
    aliases: ["gh200"],
    name: "GH200 96GB",
    gresType: "gh200",
    geometry: sevenSlices(12, 24, 24, 48, 48, 96),
    minimumDriver: "525.85.12",
    source: TABLES,
    derived: true,
  },
  {
    key: "gh200-144gb",
    aliases: [],
    name: "GH200 144GB",
    gresType: "gh200",
    geometry: sevenSlices(18, 36, 36, 72, 72, 144),
    minimumDriver: "550.90.07",
    source: TABLES,
    derived: true,
  },
  {
    key: "h200",
    aliases: ["h200-141gb", "h200-nvl"],
    name: "H200 141GB",
    gresType: "h200",
    geometry: sevenSlices(18, 35, 35, 71, 71, 141),
    minimumDriver: "550.90.07",
    source: TABLES,
    derived: true,
  },
  {
    key: "b200",
    aliases: ["b200-180gb"],
    name: "B200 180GB",
    gresType: "b200",
    geometry: sevenSlices(23, 45, 45, 90, 90, 180),
    minimumDriver: "570.133.20",
    source: TABLES,
    derived: true,
  },
  {
    key: "gb200-186gb",
    aliases: ["gb200"],
    name: "GB200 186GB",
    gresType: "gb200",
    geometry: sevenSlices(23, 47, 47, 93, 93, 186),
    minimumDriver: "570.133.20",
    source: TABLES,
    derived: true,
  },
  {
    key: "gb200-189gb",
    aliases: [],
    name: "GB200 189GB",
    gresType: "gb200",
    geometry: sevenSlices(24, 47, 47, 95, 95, 189),
    minimumDriver: "570.133.20",
    source: TABLES,
    derived: true,
  },
  {
    key: "b300",
    aliases: ["b300-269gb"],
    name: "B300 269GB",
    gresType: "b300",
    geometry: sevenSlices(34, 67, 67, 135, 135, 269),
    minimumDriver: "580.82.07",
    source: TABLES,
    derived: true,
  },
  {
    key: "gb300",
    aliases: ["gb300-278gb"],
    name: "GB300 278GB",
    gresType: "gb300",
    geometry: sevenSlices(35, 70, 70, 139, 139, 278),
    minimumDriver: "595.58.03",
    source: TABLES,
    derived: true,
  },
  {
    key: "rtx-pro-6000",
    aliases: ["rtx-pro-6000-blackwell", "rtx-pro-6000-96gb"],
    name: "RTX PRO 6000 Blackwell",
    gresType: "rtx_pro_6000",
    geometry: RTX_PRO_6000,
    minimumDriver: "575.51.03",
    source: LISTING,
    derived: false,
  },
];

/** Known models whose partitions cannot be planned, with the reason. */
const UNPLANNED: ReadonlyMap<string, string> = new Map([
  ...["rtx-pro-5000", "rtx-pro-4500", "thor"].map(
    (key) => [key, "has at most two partitions, and no source gives their placements"] as const,
  ),
  ...[
    ...["gb10", "dgx-spark", "t4", "l4", "l40", "l40s", "a2", "a10", "a16", "a40", "v100", "p100"],
    ...["rtx-2080-ti", "rtx-3080", "rtx-3090", "rtx-4080", "rtx-4090", "rtx-5080", "rtx-5090"],
    ...["rtx-a4000", "rtx-a5000", "rtx-a6000", "rtx-4000-ada", "rtx-5000-ada", "rtx-6000-ada"],
  ].map((key) => [key, "does not support MIG; use time_slices to share it"] as const),
]);

/** A model by any of its names, in any case, with spaces, dashes or underscores. Undefined for an unknown one. */
export function findGpuModel(name: string): GpuModel | undefined {
  const key = normalizedGpuName(name);
  return gpuModels.find((model) => model.key === key || model.aliases.includes(key));
}

/** Why the partitions of a model cannot be planned. Undefined if they can, or the model is unknown. */
export function whyUnpartitioned(name: string): string | undefined {
  return UNPLANNED.get(normalizedGpuName(name));
}

/** True for the name of a known GPU, with or without MIG. */
export function isKnownGpu(name: string): boolean {
  return findGpuModel(name) !== undefined || UNPLANNED.has(normalizedGpuName(name));
}

/** Every known name, for suggestions. */
export function knownGpuNames(): readonly string[] {
  return [...gpuModels.flatMap(({ key, aliases }) => [key, ...aliases]), ...UNPLANNED.keys()];
}

/** Normalizes a name: `NVIDIA A100-SXM4-40GB` and `a100_sxm4_40gb` become `a100-sxm4-40gb`. */
export function normalizedGpuName(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replaceAll(/[\s_-]+/g, "-")
    .replace(/^nvidia-/, "")
    .replace(/^geforce-/, "");
}
