import { parse } from "yaml";
import { z } from "zod";
import { leaves } from "../resource.ts";
import type { ResourceRule } from "../rule.ts";

// cloud-init's keys for users and passwords. YAML reads a key without a value as null.
const user = z.looseObject({
  name: z.string().nullish(),
  lock_passwd: z.unknown().optional(),
  "lock-passwd": z.unknown().optional(),
  passwd: z.unknown().optional(),
  hashed_passwd: z.unknown().optional(),
  plain_text_passwd: z.unknown().optional(),
});
const cloudConfig = z.looseObject({
  ssh_pwauth: z.unknown().optional(),
  disable_root: z.unknown().optional(),
  password: z.unknown().optional(),
  chpasswd: z.unknown().optional(),
  user: z.union([user, z.string()]).nullish(),
  users: z.array(z.union([user, z.string(), z.array(z.unknown())])).nullish(),
});

const PASSWORDS = ["passwd", "hashed_passwd", "plain_text_passwd"] as const;
const OFF: ReadonlySet<unknown> = new Set([false, "no", "false", "off", "0", 0]);

// Commands and settings in scripts and written files. `passwd -l` and `usermod -L` lock passwords and are allowed.
const COMMANDS: readonly (readonly [RegExp, string])[] = [
  [/\bchpasswd\b(?!:)/, "sets passwords with `chpasswd`"],
  [/\bpasswd\s+(?:-[du]\s+|--stdin\s+)?(?!-)(?:root|[a-z_][\w-]*)\b/, "sets a password with `passwd`"],
  [/\buser(?:mod|add)\b[^\n;&|]*\s(?:-p|--password)\b/, "sets a password with `usermod` or `useradd`"],
  [/^[^#\n]*\bPasswordAuthentication\s+yes\b/im, "lets SSH take passwords (`PasswordAuthentication yes`)"],
  [/^[^#\n]*\bPermitRootLogin\s+yes\b/im, "lets root log in with a password (`PermitRootLogin yes`)"],
];
const REMEDY = "use `ssh_authorized_keys` instead";

/** Attackers can guess passwords, but not SSH keys. */
export const noPasswordLogin: ResourceRule = {
  name: "no-password-login",
  description: "No user gets a password from cloud-init, and SSH accepts none.",
  scope: "resource",
  check({ properties }) {
    return [...leaves(properties)]
      .filter(({ key }) => /^(user|vendor)_?data$/i.test(key))
      .flatMap(({ path, value }) =>
        typeof value === "string" ? problems(value).map((problem) => `${path}: ${problem}`) : [],
      );
  },
};

function problems(text: string): string[] {
  const scriptProblems = COMMANDS.filter(([pattern]) => pattern.test(text)).map(
    ([, what]) => `${what}; ${REMEDY}`,
  );
  return [...cloudConfigs(text).flatMap(configProblems), ...scriptProblems];
}

/** The cloud-configs in user data: the whole text, or parts of a MIME archive. */
function cloudConfigs(text: string): string[] {
  const parts = /^Content-Type:\s*multipart\//im.test(text) ? text.split(/^--\S+$/m) : [text];
  return parts.flatMap((part) => /^#cloud-config(?![\w-])[^]*/m.exec(part)?.[0] ?? []);
}

function configProblems(text: string): string[] {
  const config = parseCloudConfig(text);
  if (config === undefined)
    return ["is not a valid cloud-config, so cloud-init would ignore it; fix its YAML"];
  const users = [config.user, ...(config.users ?? [])];
  return [
    ...(OFF.has(config.ssh_pwauth)
      ? []
      : ["`ssh_pwauth` allows password login or leaves it to the image; set `ssh_pwauth: false`"]),
    ...(OFF.has(config.disable_root) ? ["`disable_root: false` lets root log in; remove it"] : []),
    ...(isSet(config.password) ? [`\`password\` sets the first user's password; ${REMEDY}`] : []),
    ...(isSet(config.chpasswd) ? [`\`chpasswd\` sets passwords; ${REMEDY}`] : []),
    ...users.flatMap((each) => (isUser(each) ? userProblems(each) : [])),
  ];
}

function userProblems(of: z.infer<typeof user>): string[] {
  const name = of.name ?? "the first user";
  const set = PASSWORDS.filter((key) => isSet(of[key]));
  const unlocked = OFF.has(of.lock_passwd) || OFF.has(of["lock-passwd"]);
  return [
    ...set.map((key) => `\`${key}\` gives ${name} a password; ${REMEDY}`),
    ...(unlocked ? [`\`lock_passwd\` unlocks the password of ${name}; remove it`] : []),
  ];
}

function parseCloudConfig(text: string): z.infer<typeof cloudConfig> | undefined {
  try {
    // A file with only the first line is an empty configuration.
    return cloudConfig.safeParse(parse(text) ?? {}).data;
  } catch {
    return undefined;
  }
}

function isUser(value: unknown): value is z.infer<typeof user> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}
