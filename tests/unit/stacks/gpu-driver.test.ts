import { describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import { deriveSite, parseClusterText } from "../../../config/index.ts";
import { UserError } from "../../../config/errors.ts";
import { driverOf } from "../../../stacks/gpu-driver.ts";
import { validText } from "../config/fixtures.ts";

/** The fixture's cluster with another GPU and driver. */
function driverFor(model: string, driver: object | undefined): unknown {
  const file = parseDocument(validText("gpu-driver"));
  file.setIn(["clusters", "hpc", "compute_nodes", 0, "gpus", 0, "model"], model);
  if (driver === undefined) file.deleteIn(["clusters", "hpc", "driver"]);
  else file.setIn(["clusters", "hpc", "driver"], file.createNode(driver));
  const { hpc } = deriveSite(parseClusterText(file.toString(), { env: {} }).config);
  if (hpc === undefined) throw new Error("the fixture has a cluster");
  try {
    return driverOf(hpc);
  } catch (error) {
    if (error instanceof UserError) return error.details;
    throw error;
  }
}

describe("the driver of a cluster", () => {
  it("becomes variables of role nvidia; by default there are none", () => {
    expect(driverFor("a100-80gb", undefined)).toBeUndefined();
    expect(driverFor("a100-80gb", { modules: "proprietary", branch: "580-server" })).toEqual({
      nvidia_driver_source: "distribution",
      nvidia_driver_branch: "580-server",
      nvidia_driver_version: "",
      nvidia_kernel_modules: "proprietary",
      nvidia_repository_uri: "",
      nvidia_repository_key: "",
    });
  });

  it("is an error if it does not support a GPU", () => {
    expect(driverFor("rtx-pro-6000", { modules: "proprietary" })).toEqual([
      "clusters.hpc.driver.modules: RTX PRO 6000 Blackwell of lab-compute-01 needs the open kernel modules; use open",
      "clusters.hpc.driver.source: RTX PRO 6000 Blackwell of lab-compute-01 needs driver 575.51.03 or newer, and Debian 12 has 535.261.03; use source: nvidia with a repository",
    ]);
    expect(driverFor("h200", {})).toHaveLength(1);
    expect(driverFor("h100-80gb", {}), "525.85.12 is enough").not.toBeInstanceOf(Array);
    expect(driverFor("rtx-pro-6000", { source: "none" })).not.toBeInstanceOf(Array);
  });
});
