import { Provider } from "../../providers/framework/provider.ts";
import { host } from "../../providers/host/provider.ts";

// A program of its own, so that a test can kill it: `create-image.ts TOKEN INPUTS`, the inputs in JSON. Prints what a
// build says, then the state in JSON; SIGTERM cancels.
const [token = "", text = "{}"] = process.argv.slice(2);
const provider = new Provider(host);
provider.configure({});
const { inputs, problems } = provider.check(token, JSON.parse(text) as Record<string, unknown>);
if (problems.length > 0) throw new Error(JSON.stringify(problems));
const abort = new AbortController();
process.on("SIGTERM", () => {
  abort.abort();
});
const log = (line: string): void => void process.stdout.write(`${line}\n`);
const { state } = await provider.create(token, inputs, { urn: "", log, signal: abort.signal });
log(JSON.stringify(state));
