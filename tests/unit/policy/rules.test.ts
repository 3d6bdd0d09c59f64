import { describe, expect, it, test } from "vitest";
import { userData } from "../../../components/machines/cloud-init.ts";
import type { Resource } from "../../../policy/resource.ts";
import { secret, UNKNOWN, type Values } from "../../../wire/values.ts";
import { checkResource, checkStack, resourceRules, stackRules } from "../../../policy/rules.ts";
import { ACCESS_TOKEN, MUNGE_KEY, PRIVATE_KEY, resource } from "./resources.ts";

const STACK = "pulumi:pulumi:Stack";

/** The violations of resources, as `rule: message`. */
function found(...resources: readonly Resource[]): string[] {
  const violations = [...resources.flatMap(checkResource), ...checkStack(resources)];
  return violations.map(({ rule, message }) => `${rule}: ${message}`);
}

test("rules have unique names", () => {
  const all = [...resourceRules, ...stackRules];
  expect(new Set(all.map(({ name }) => name)).size).toBe(5);
});

describe("no-plain-secret", () => {
  it.each<[string, Resource[]]>([
    [
      "a key pair",
      [resource("host:index:SshKey", { publicKey: "ssh-ed25519 AAAA", privateKey: secret(PRIVATE_KEY) })],
    ],
    ["a munge key", [resource("host:index:RandomSecret", { bytes: 128, value: secret(MUNGE_KEY) })]],
    ["an unknown value", [resource(STACK, { adminPrivateKey: UNKNOWN })]],
    ["a nested secret", [resource(STACK, { ssh: { privateKey: secret(PRIVATE_KEY), port: 22 } })]],
    [
      "references to secrets",
      [
        resource("kubernetes:apps/v1:Deployment", {
          spec: {
            template: {
              spec: {
                automountServiceAccountToken: true,
                imagePullSecrets: [{ name: "registry" }],
                volumes: [{ name: "tls", secret: { secretName: "web-tls" } }],
                containers: [
                  {
                    image: "nginx:1.29.3",
                    env: [
                      { name: "DB_PASSWORD", valueFrom: { secretKeyRef: { name: "db", key: "password" } } },
                    ],
                  },
                ],
              },
            },
          },
        }),
      ],
    ],
    ["an address without a password", [resource(STACK, { url: "https://admin@git.lan:3000/site" })]],
    ["an empty password", [resource(STACK, { password: "" })]],
  ])("passes %s", (_, resources) => {
    expect(found(...resources)).toEqual([]);
  });

  it.each<[string, Values, string, string?]>([
    ["a key in an output of the stack", { adminKey: PRIVATE_KEY }, "adminKey holds a private key"],
    [
      "a password by its name",
      { database: { adminPassword: "hunter2" } },
      "database.adminPassword is a secret by",
    ],
    ["a token in a list", { runners: [{ REGISTRATION_TOKEN: "abc" }] }, "runners[0].REGISTRATION_TOKEN is a"],
    ["a token by its form", { url: ACCESS_TOKEN }, "url holds an access token of a Git server"],
    ["an address with a password", { dsn: "postgres://site:hunter2@db/site" }, "dsn holds an address with"],
    ["a munge key", { value: MUNGE_KEY }, "value is a secret by its name", "host:index:RandomSecret"],
    [
      "user data with a host key",
      { userData: "#cloud-config\nssh_pwauth: false\n" },
      "userData is a secret by its name",
      "libvirt:index:CloudInitDisk",
    ],
    [
      "a Kubernetes secret",
      { metadata: { name: "db" }, stringData: { user: "site" } },
      "stringData.user is a secret by its name",
      "kubernetes:core/v1:Secret",
    ],
    [
      "a pod's environment",
      { spec: { containers: [{ image: "a:1", env: [{ name: "DB_PASSWORD", value: "hunter2" }] }] } },
      "spec.containers[0].env[0].value is a secret by its name",
      "kubernetes:core/v1:Pod",
    ],
    ["a container's environment", { envs: ["TZ=UTC", "HF_TOKEN=abc"] }, "envs[1] is a secret by its name"],
    ["a kubeconfig", { config: "users:\n- user:\n    client-key-data: LS0t\n" }, "config holds a kubeconfig"],
  ])("finds %s", (_, properties, message, type = STACK) => {
    expect(found(resource(type, properties))).toEqual([
      expect.stringContaining(`no-plain-secret: ${message}`),
    ]);
  });

  it("finds a copy of a secret under another name", () => {
    const made = resource("host:index:RandomSecret", { value: secret(MUNGE_KEY) });
    const shown = resource(STACK, { hint: `the key is ${MUNGE_KEY}` });
    expect(found(made, shown)).toEqual([
      expect.stringContaining(
        "no-plain-secret: hint repeats value of thing, but is not marked as secret; use `pulumi.secret`",
      ),
    ]);
  });

  it("checks the secret files of a cloud-init disk, not the others", () => {
    const disk = (secretFiles: Values): Resource =>
      resource("libvirt:index:CloudInitDisk", {
        name: "cluster-compute-01-cloud-init.iso",
        files: { "ai-how/hostname": "cluster-compute-01\n" },
        secretFiles,
      });
    expect(found(disk({ "ai-how/host-key": secret(PRIVATE_KEY) }))).toEqual([]);
    expect(found(disk({ "ai-how/host-key": "no key by its form" }))).toEqual([
      expect.stringContaining("secretFiles.ai-how/host-key is a secret by its name"),
    ]);
  });

  it("does not print secrets", () => {
    const open = resource(STACK, { adminKey: PRIVATE_KEY, password: "hunter2", dsn: "amqp://a:hunter2@b" });
    const text = found(open).join("\n");
    expect(text.split("\n")).toHaveLength(3);
    expect(text).not.toMatch(/hunter2|b3BlbnNz/);
  });
});

describe("no-default-network", () => {
  const domain = (network: string): Resource =>
    resource("libvirt:index:Domain", {
      name: "node-1",
      vcpus: 2,
      interfaces: [{ network: "lab" }, { network }],
    });

  it("passes VMs on networks of the stack", () => {
    expect(found(domain("storage"))).toEqual([]);
    expect(found(resource("libvirt:index:Network", { name: "lab", mode: "nat" }))).toEqual([]);
    expect(found(resource("kubernetes:core/v1:Namespace", { network: "default" }))).toEqual([]);
  });

  it("finds a VM on libvirt's default network", () => {
    expect(found(domain("default"))).toEqual([
      expect.stringContaining("no-default-network: interfaces[1].network: `default` is shared"),
    ]);
  });

  it("finds a network with the name of the host's", () => {
    expect(found(resource("libvirt:index:Network", { name: "default" }))).toEqual([
      expect.stringContaining("no-default-network: name: `default` is libvirt's own network"),
    ]);
  });
});

describe("pinned", () => {
  const pod = (image: string): Resource =>
    resource("kubernetes:batch/v1:CronJob", {
      spec: { jobTemplate: { spec: { template: { spec: { initContainers: [{ name: "a", image }] } } } } },
    });
  const digest = `sha256:${"5f".repeat(32)}`;

  it.each([
    "registry.lan:5000/team/tool:2.1.0",
    "nginx:1.29.3-alpine",
    "ubuntu:24.04",
    "ghcr.io/site/tool:sha-98c3b5e",
    `nginx:latest@${digest}`,
    `nginx@${digest}`,
  ])("passes the image %s", (image) => {
    expect(found(pod(image))).toEqual([]);
    expect(found(resource("docker:index/container:Container", { image }))).toEqual([]);
  });

  it.each([
    ["nginx", "nginx has no tag"],
    ["registry.lan:5000/team/tool", "registry.lan:5000/team/tool has no tag"],
    ["nginx:latest", "the tag of nginx:latest moves"],
    ["vllm/vllm-openai:latest-cu128", "the tag of vllm/vllm-openai:latest-cu128 moves"],
    ["debian:bookworm", "the tag of debian:bookworm moves"],
    ["ghcr.io/site/tool:main", "the tag of ghcr.io/site/tool:main moves"],
  ])("finds the image %s", (image, message) => {
    const path = "spec.jobTemplate.spec.template.spec.initContainers[0].image";
    expect(found(pod(image))).toEqual([expect.stringContaining(`pinned: ${path}: ${message}`)]);
    expect(found(resource("docker:index/remoteImage:RemoteImage", { name: image }))).toHaveLength(1);
  });

  const chart = (chart: string, version?: string): Resource =>
    resource("kubernetes:helm.sh/v4:Chart", { chart, ...(version !== undefined && { version }) });

  it("passes charts with a version, and local ones", () => {
    expect(found(chart("oci://ghcr.io/charts/keda", "2.18.1"))).toEqual([]);
    expect(found(chart("gitea", "v12.4.0"))).toEqual([]);
    expect(found(chart("./charts/site"))).toEqual([]);
    expect(found(chart("https://charts.lan/keda-2.18.1.tgz"))).toEqual([]);
  });

  it("finds charts without a version, or with a range", () => {
    expect(found(chart("keda"))).toEqual([
      expect.stringContaining("pinned: version: the chart keda has none"),
    ]);
    for (const range of ["^2.18.0", "2.x", "*", ">=2.0.0", "2.18"]) {
      expect(found(chart("keda", range))).toEqual([
        expect.stringContaining(`pinned: version: ${range} of the chart keda is a range`),
      ]);
    }
  });

  it("requires manifests from a release or a commit", () => {
    const from = (file: string): string[] => found(resource("kubernetes:yaml/v2:ConfigFile", { file }));
    expect(from("https://github.com/a/b/releases/download/v0.17.4/install.yaml")).toEqual([]);
    expect(from("manifests/install.yaml")).toEqual([]);
    expect(from("https://raw.githubusercontent.com/a/b/main/install.yaml")).toHaveLength(1);
    expect(from("https://github.com/a/b/releases/latest/download/install-1.2.yaml")).toHaveLength(1);
  });

  const image = (source: string): Resource =>
    resource("libvirt:index:Volume", { pool: "lab", name: "lab-base.qcow2", format: "qcow2", source });

  it("passes image files with a digest in their name", () => {
    expect(found(image("/srv/images/debian12-amd64-98c3b5eb4af1/disk.qcow2"))).toEqual([]);
    expect(found(image("/srv/images/hpc-base-98c3b5eb4af1.qcow2"))).toEqual([]);
  });

  it("passes image files with a sourceDigest", () => {
    const properties = { source: "/srv/images/hpc-base.qcow2", sourceDigest: "98".repeat(32) };
    expect(found(resource("libvirt:index:Volume", { pool: "lab", name: "a.qcow2", ...properties }))).toEqual(
      [],
    );
  });

  it("finds image files without a digest", () => {
    expect(found(image("/srv/images/hpc-base.qcow2"))).toEqual([
      expect.stringContaining("pinned: source: /srv/images/hpc-base.qcow2 has no digest in its name"),
    ]);
    expect(found(image("/srv/images/noble-server-cloudimg-amd64.qcow2"))).toHaveLength(1);
  });
});

describe("no-password-login", () => {
  const disk = (text: string): Resource =>
    resource("libvirt:index:CloudInitDisk", { pool: "lab", name: "a.iso", userData: secret(text) });

  it("passes the user data of VirtualMachine", () => {
    const text = userData({
      hostname: "lab-controller",
      domain: "lab.local",
      adminUser: "admin",
      authorizedKey: "ssh-ed25519 AAAA ai-how",
      hostPrivateKey: PRIVATE_KEY,
      hostPublicKey: "ssh-ed25519 AAAA",
      mounts: [{ tag: "data", mountPoint: "/data", options: "ro" }],
    });
    expect(found(disk(text))).toEqual([]);
  });

  it("passes a script that locks root's password", () => {
    expect(found(disk("#!/bin/sh\npasswd -l root\nusermod -aG docker admin\n"))).toEqual([]);
  });

  const config = (text: string): string => `#cloud-config\nssh_pwauth: false\n${text}`;
  it.each([
    ["password login", "#cloud-config\nssh_pwauth: true\n", "set `ssh_pwauth: false`"],
    ["password login left to the image", "#cloud-config\nhostname: a\n", "set `ssh_pwauth: false`"],
    ["root's login", config("disable_root: false\n"), "`disable_root: false` lets root log in"],
    [
      "a password of the first user",
      config("password: ubuntu\n"),
      "`password` sets the first user's password",
    ],
    [
      "root's password",
      config("users:\n  - name: root\n    lock_passwd: true\n    hashed_passwd: $6$abc\n"),
      "`hashed_passwd` gives root a password",
    ],
    [
      "an unlocked user",
      config("users:\n  - {name: eve, lock_passwd: false}\n"),
      "unlocks the password of eve",
    ],
    ["a list of passwords", config("chpasswd:\n  list: |\n    root:toor\n"), "`chpasswd` sets passwords"],
    ["a command", config("runcmd:\n  - echo root:toor | chpasswd\n"), "sets passwords with `chpasswd`"],
    ["a script", "#!/bin/sh\necho toor | passwd --stdin root\n", "sets a password with `passwd`"],
    [
      "sshd's own file",
      config(
        "write_files:\n  - path: /etc/ssh/sshd_config.d/a.conf\n    content: |\n      PermitRootLogin yes\n",
      ),
      "lets root log in with a password",
    ],
    ["YAML that cloud-init cannot read", "#cloud-config\nusers: [\n", "is not a valid cloud-config"],
    [
      "a part of an archive",
      'Content-Type: multipart/mixed; boundary="==1=="\n\n--==1==\nContent-Type: text/cloud-config\n\n' +
        config("password: a\n") +
        "\n--==1==--\n",
      "`password` sets the first user's password",
    ],
  ])("finds %s", (_, text, message) => {
    const [violation, ...others] = found(disk(text));
    expect(violation).toContain("no-password-login: userData: ");
    expect(violation).toContain(message);
    expect(others).toEqual([]);
  });
});

describe("protected-data", () => {
  const volume = (properties: Values, protect: boolean): Resource =>
    resource(
      "libvirt:index:Volume",
      { pool: "lab", name: "data.qcow2", capacity: 1e12, ...properties },
      protect,
    );

  it("passes volumes with content from elsewhere, and protected ones", () => {
    expect(found(volume({ source: "/srv/images/base-98c3b5eb4af1.qcow2" }, false))).toEqual([]);
    expect(found(volume({ backing: { path: "/pool/base.qcow2", format: "qcow2" } }, false))).toEqual([]);
    expect(found(volume({ backing: UNKNOWN }, false))).toEqual([]);
    expect(found(volume({}, true))).toEqual([]);
    const folder = { type: "none", o: "bind", device: "/srv/vision/hf_cache" };
    expect(found(resource("docker:index/volume:Volume", { name: "cache", driverOpts: folder }))).toEqual([]);
    expect(
      found(resource("kubernetes:core/v1:PersistentVolumeClaim", { spec: { dataSource: { name: "a" } } })),
    ).toEqual([]);
  });

  it("finds unprotected data", () => {
    const message = expect.stringContaining("protected-data: it is created empty") as string;
    expect(found(volume({}, false))).toEqual([message]);
    expect(found(resource("docker:index/volume:Volume", { name: "git" }))).toEqual([message]);
    expect(found(resource("kubernetes:core/v1:PersistentVolumeClaim", { spec: { resources: {} } }))).toEqual([
      message,
    ]);
  });
});
