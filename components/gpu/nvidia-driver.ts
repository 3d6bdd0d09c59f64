import type { NvidiaDriver } from "../../config/site.ts";

/** A driver as role `nvidia` takes it, in bake and run alike. */
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

/** The same for an image that it is part of. */
export function bakedDriver(driver: NvidiaDriver): Readonly<Record<string, string>> {
  return { ...driverVariables(driver), nvidia_bake_driver: "true" };
}
