import { expect, test } from "vitest";
import { showDiffs } from "../../../engine/in-process/diff-view.ts";
import { secret, UNKNOWN, type Values } from "../../../wire/values.ts";

function diff(path: string, kind: "add" | "delete" | "update" = "update", replaces: string[] = []) {
  return { properties: [{ path, kind }], replaces, deleteBeforeReplace: false };
}

test("shows old and new value of what changed, and that it replaces", () => {
  expect(
    showDiffs(diff("disks[0].size", "update", ["disks"]), { disks: [{ size: 1 }] }, { disks: [{ size: 2 }] }),
  ).toEqual([{ path: "disks[0].size", kind: "update", was: "1", is: "2", replaces: true }]);
});

test("hides a secret on the way to the value", () => {
  const shown = showDiffs(
    diff("env.WORD"),
    { env: secret({ WORD: "old" }) },
    { env: { WORD: secret("new") } },
  );
  expect(JSON.stringify(shown)).not.toMatch(/old|new/);
  expect(shown[0]).toMatchObject({ was: "[secret]", is: "[secret]" });
});

test("says of an unknown that it is known later, and shortens what is long", () => {
  expect(showDiffs(diff("a"), { a: "x".repeat(100) }, { a: UNKNOWN })[0]).toMatchObject({
    was: `"${"x".repeat(58)}…`,
    is: "(known after up)",
  });
});

test("names a file by its path and hash", async () => {
  const { runtime, asset } = await import("@pulumi/pulumi");
  const file = (await runtime.serializeProperty(
    "a test",
    new asset.FileAsset("a/file.sh"),
    new Set(),
  )) as Values;
  const [was, is] = ["0".repeat(64), "f".repeat(64)].map((hash) => ({ triggers: [{ ...file, hash }] }));
  const shown = showDiffs(diff("triggers[0].hash"), was ?? {}, is ?? {});
  expect(shown[0]).toMatchObject({ was: '"a/file.sh (00000000)"', is: '"a/file.sh (ffffffff)"' });
});
