import { leaves, type Leaf, type Resource } from "../resource.ts";
import type { Finding, StackRule } from "../rule.ts";

// Secret outputs, by type, whose names do not match NAMES.
const BY_TYPE: Readonly<Record<string, RegExp>> = {
  "host:index:RandomSecret": /^value$/,
  "libvirt:index:CloudInitDisk": /^(userData$|secretFiles\.)/,
  "random:index/randomPassword:RandomPassword": /^(result|bcryptHash)$/,
  "tls:index/privateKey:PrivateKey": /^privateKey/,
  "kubernetes:core/v1:Secret": /^(data|stringData)\./,
};

// Ends of names of secrets: privateKey, db_password, HF_TOKEN. Not `secretName` or `tokenFile`, which refer to one.
const NAMES = [
  "private_?key(_?(pem|openssh|der))?",
  "pass(word|wd|phrase|code)",
  "token",
  "munge_?key",
  "api_?key",
  "(client|shared|app|webhook|cookie|session)_?secret",
  "secret_?access_?key",
  "client_?key_?data",
  "^secret(_?value)?",
];
const NAMED = new RegExp(`(${NAMES.join("|")})$`, "i");
// `envs: ["HF_TOKEN=..."]` of Docker.
const ASSIGNMENT = /^(\w+)=./;

// Secrets that are recognized by their format.
const KINDS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, "a private key"],
  [/\bclient-key-data["']?\s*:/, "a kubeconfig with its key"],
  [/\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/, "a JSON web token"],
  [/\b(gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{20,})/, "an access token of a Git server"],
  [/\b(hf_[A-Za-z0-9]{30,}|nvapi-[\w-]{30,}|sk-[\w-]{30,})/, "an access token of an AI service"],
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]+:[^\s/@$]+@/i, "an address with a password"],
];

// Shorter values could match by chance.
const SHORTEST_REPEATED = 16;
const REMEDY = "use `pulumi.secret` or the option `additionalSecretOutputs`, or remove it";

/** Values that are not marked as secret appear in plain text in the state, in `ai-how outputs` and in previews. */
export const noPlainSecret: StackRule = {
  name: "no-plain-secret",
  description: "No output of a resource or of the stack shows a secret.",
  scope: "stack",
  check(resources) {
    const named = new NamedSecrets(resources);
    return resources.flatMap(({ urn, type, properties }) =>
      [...leaves(properties)].flatMap((leaf): Finding[] => {
        if (leaf.secret || typeof leaf.value !== "string" || leaf.value === "") return [];
        const what = isNamed(type, leaf)
          ? "is a secret by its name"
          : (kindOf(leaf.value) ?? named.repeatedIn(leaf.value));
        return what === undefined
          ? []
          : [{ urn, message: `${leaf.path} ${what}, but is not marked as secret; ${REMEDY}` }];
      }),
    );
  },
};

function isNamed(type: string, { path, key, value }: Leaf): boolean {
  const assigned = /^env(s|ironment)?$/i.test(key) ? ASSIGNMENT.exec(String(value))?.[1] : undefined;
  return NAMED.test(assigned ?? key) || BY_TYPE[type]?.test(path) === true;
}

function kindOf(value: string): string | undefined {
  const kind = KINDS.find(([pattern]) => pattern.test(value));
  return kind && `holds ${kind[1]}`;
}

/** The values of secrets by name, to find copies under other names. */
class NamedSecrets {
  readonly #secrets = new Map<string, string>();
  readonly #shortest: number;

  constructor(resources: readonly Resource[]) {
    for (const { urn, type, properties } of resources) {
      for (const leaf of leaves(properties)) {
        if (typeof leaf.value !== "string" || leaf.value.length < SHORTEST_REPEATED) continue;
        if (isNamed(type, leaf)) this.#secrets.set(leaf.value.trim(), `${leaf.path} of ${nameOf(urn)}`);
      }
    }
    this.#shortest = Math.min(...[...this.#secrets.keys()].map(({ length }) => length));
  }

  repeatedIn(value: string): string | undefined {
    if (value.length < this.#shortest) return undefined;
    const found =
      this.#secrets.get(value) ?? [...this.#secrets].find(([secret]) => value.includes(secret))?.[1];
    return found && `repeats ${found}`;
  }
}

function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? urn;
}
