import { runPlugin } from "../framework/server.ts";
import { libvirt } from "./provider.ts";

await runPlugin(libvirt);
