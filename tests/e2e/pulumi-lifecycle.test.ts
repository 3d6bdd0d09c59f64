import { hostLacks, pulumiLacks } from "../support/where.ts";
import { lifecycle } from "./lifecycle.ts";

lifecycle({
  engine: "pulumi",
  name: "bypulumi",
  lacking: (await hostLacks()) ?? (await pulumiLacks()),
});
