import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { compareListing, findGpuModel, listedDevices, listedProfiles } from "../../../gpu/index.ts";

const recorded = (name: string): string =>
  readFileSync(resolve(import.meta.dirname, "../../fixtures/nvidia-smi", `${name}.txt`), "utf8");
const listed = (name: string) => listedProfiles(recorded(name), recorded(name), 0);

/** The geometry of a model in the catalogue. */
function geometryOf(name: string) {
  const geometry = findGpuModel(name)?.geometry;
  if (geometry === undefined) throw new Error(`there is no ${name}`);
  return geometry;
}

describe("the listing of nvidia-smi", () => {
  it("is read from listings of real GPUs", () => {
    expect(listed("a100-40gb")[0]).toEqual({
      ...{ name: "1g.5gb", id: 19, total: 7, size: 1 },
      starts: [0, 1, 2, 3, 4, 5, 6],
    });
    expect(listed("rtx-pro-6000").map(({ name, id, total }) => `${name} ${id} ${total}`)).toContain(
      "1g.24gb+me.all 65 1",
    );
    expect(listed("a30").map(({ name }) => name)).toEqual([
      ...["1g.6gb", "1g.6gb+me", "2g.12gb", "2g.12gb+me", "4g.24gb"],
    ]);
    expect(listedProfiles(recorded("a30"), recorded("a30"), 1), "of another GPU").toEqual([]);
  });

  it.each(["a100-40gb", "a30", "h100-80gb", "rtx-pro-6000"])("agrees with the catalogue on %s", (name) => {
    expect(compareListing(listed(name), geometryOf(name)).wrong).toEqual([]);
  });

  it("reports contradictions and missing profiles of the catalogue", () => {
    expect(compareListing(listed("h100-80gb"), geometryOf("h200")).wrong).toContain(
      "1g.18gb: missing in the driver",
    );
    const geometry = geometryOf("h100-80gb");
    const profiles = geometry.profiles.map((profile) => {
      if (profile.name === "3g.40gb") return { ...profile, starts: [0, 3] };
      if (profile.name === "1g.20gb") return { ...profile, id: 16 };
      return profile.name === "1g.10gb+me" ? { ...profile, engine: undefined } : profile;
    });
    expect(compareListing(listed("h100-80gb"), { ...geometry, profiles }).wrong).toEqual([
      "3g.40gb: starts at {0,3}:4, in the driver at {0,4}:4",
      "1g.20gb: has ID 16, in the driver 15",
      "1g.10gb+me: 7 fit, in the driver 1",
    ]);
    const less = geometryOf("rtx-pro-6000");
    const known = less.profiles.filter(({ name }) => name !== "4g.96gb+gfx");
    expect(compareListing(listed("rtx-pro-6000"), { ...less, profiles: known }).more).toEqual([
      "4g.96gb+gfx with ID 32 at {0}:12",
    ]);
  });

  it("has GPUs and partitions", () => {
    // From the log that has the A30's profiles.
    const text = `GPU 0: NVIDIA A30 (UUID: GPU-1e44b340-5807-0dbe-62e6-343a6b8b8bcd)
  MIG 2g.12gb     Device  0: (UUID: MIG-1b8509c0-e60d-502d-8263-d434867998aa)
  MIG 1g.6gb      Device  1: (UUID: MIG-41b9eab5-8d48-5c52-9f07-82bc59af3901)
`;
    expect(listedDevices(text)).toEqual([
      { uuid: "GPU-1e44b340-5807-0dbe-62e6-343a6b8b8bcd", profile: undefined },
      { uuid: "MIG-1b8509c0-e60d-502d-8263-d434867998aa", profile: "2g.12gb" },
      { uuid: "MIG-41b9eab5-8d48-5c52-9f07-82bc59af3901", profile: "1g.6gb" },
    ]);
    expect(listedDevices("No devices were found\n")).toEqual([]);
  });
});
