import type { NvidiaDriver } from "../../config/site.ts";

/** Variables of role `nvidia` that install a driver on a running machine. */
export function driverVariables(driver: NvidiaDriver): Readonly<Record<string, string>> {
  return {
    nvidia_driver_source: driver.source,
    nvidia_driver_branch: driver.branch ?? "",
    nvidia_driver_version: driver.version ?? "",
    nvidia_kernel_modules: driver.modules,
    nvidia_repository_uri: driver.repository?.uri ?? "",
    nvidia_repository_key: driver.repository?.key ?? "",
  };
}

/** Variables of role `nvidia` that install a driver into an image. */
export function bakedDriver(driver: NvidiaDriver): Readonly<Record<string, string>> {
  return { ...driverVariables(driver), nvidia_bake_driver: "true" };
}
