import { hostLacks } from "../support/where.ts";
import { lifecycle } from "./lifecycle.ts";

lifecycle({ engine: "in-process", name: "inproc", lacking: await hostLacks(), again: 10 });
