import type { Resource } from "../../../policy/resource.ts";
import type { Values } from "../../../wire/values.ts";

/** A resource as an engine shows it to a rule. */
export function resource(type: string, properties: Values, protect = false): Resource {
  return { urn: `urn:pulumi:dev::ai-how::${type}::thing`, type, properties, protect };
}

/** The texts of secrets are put together here, so that nothing that looks for secrets in files finds one. */
export const PRIVATE_KEY = [
  "-----BEGIN OPENSSH",
  "PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n-----END OPENSSH",
  "PRIVATE KEY-----\n",
].join(" ");
export const ACCESS_TOKEN = ["ghp", "16C7e42F292c6912E7710c838347Ae178B4a"].join("_");
export const MUNGE_KEY = "mungemungemungemungemungemungemunge";
