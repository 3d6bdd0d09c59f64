import { execa } from "execa";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { draw } from "../../../cli/pictures/draw.ts";
import { withAlikeJoined, withoutShortcuts, type Box } from "../../../cli/pictures/model.ts";
import { repository } from "../../support/project.ts";

const box = (id: string, parent?: string): Box => ({
  id,
  label: [id],
  ...(parent !== undefined && { parent }),
});

test("arrows that a longer way says already are left out", () => {
  const boxes = ["a", "b", "c", "d"].map((id) => box(id));
  const arrows = ["ab", "bc", "ac", "cd", "ad"].map(([from = "", to = ""]) => ({ from, to }));
  expect(withoutShortcuts({ boxes, arrows }).arrows.map(({ from, to }) => from + to)).toEqual([
    "ab",
    "bc",
    "cd",
  ]);
});

test("boxes of one kind with the same arrows are drawn as one, others are not", () => {
  const boxes = ["net", "vm1", "vm2", "vm3", "run"].map((id) => box(id));
  const arrows = ["net vm1", "net vm2", "net vm3", "vm1 run", "vm2 run"]
    .map((pair) => pair.split(" "))
    .map(([from = "", to = ""]) => ({ from, to }));
  const joined = withAlikeJoined(
    { boxes, arrows },
    ({ id }) => id.replace(/\d/, ""),
    (alike) => ({ id: alike[0]?.id ?? "", label: [`${alike.length} alike`] }),
  );
  expect(joined.boxes.map(({ label }) => label[0])).toEqual(["net", "2 alike", "vm3", "run"]);
  expect(joined.arrows).toEqual([
    { from: "net", to: "vm1" },
    { from: "net", to: "vm3" },
    { from: "vm1", to: "run" },
  ]);
});

describe("a picture", () => {
  const picture = {
    boxes: [box("outer"), { id: "x", label: ['say "<hi>"', "second"], parent: "outer" }, box("y")],
    arrows: [{ from: "x", to: "y" }],
  };

  it("is Mermaid with its boxes inside each other and its text quoted", async () => {
    expect((await draw(picture, "mermaid")).split("\n")).toEqual([
      "flowchart LR",
      '  subgraph box0["outer"]',
      '    box1["say #quot;#lt;hi>#quot;<br>second"]',
      "  end",
      '  box2["y"]',
      "  box1 --> box2",
      "",
    ]);
  });

  it("is an SVG that shows every text", async () => {
    const svg = await draw(picture, "svg");
    expect(svg).toContain("<svg");
    for (const text of ["outer", "say &quot;&lt;hi&gt;&quot;", "second", ">y<"]) expect(svg).toContain(text);
  });
});

describe("of a cluster file", () => {
  const file = join(repository, "tests/fixtures/valid/four-nodes-eight-gpus.yaml");
  const aiHow = async (...args: string[]): Promise<string> =>
    (await execa(join(repository, "bin/ai-how"), args, { cwd: repository })).stdout;

  it("the plan names machines, partitions and their places", async () => {
    const text = await aiHow("plan", "clusters", file);
    expect(text).toMatch(/^ws-compute-01 +compute +10\.10\.0\.11 +24 +200 GiB +1000 GiB +gpu:3g\.40gb:2,/m);
    expect(text).toContain("3g.40gb@4 1g.10gb@0 1g.10gb@1 1g.10gb@2 1g.10gb@3");
    const json = JSON.parse(await aiHow("plan", file, "-f", "json")) as {
      clusters: { hpc: { vms: unknown[] } };
    };
    expect(json.clusters.hpc.vms).toHaveLength(5);
    expect(json.clusters.hpc.vms[1]).toMatchObject({
      name: "ws-compute-01",
      ip_address: "10.10.0.11",
      gpus: [{ placements: ["9:4", "19:0", "19:1", "19:2", "19:3"] }, { placements: ["9:4", "5:0"] }],
    });
  });

  it("the topology has every network, machine and GPU", async () => {
    const { boxes, arrows } = JSON.parse(await aiHow("topology", "-c", file, "-f", "json")) as {
      boxes: Box[];
      arrows: unknown[];
    };
    expect(boxes).toHaveLength(1 + 1 + 5 + 8);
    expect(arrows).toHaveLength(5 + 8);
  });
});
