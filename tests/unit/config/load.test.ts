import { describe, expect, test } from "vitest";
import { ClusterFileError, loadClusterFile, parseClusterText, UserError } from "../../../config/index.ts";
import { validText } from "./fixtures.ts";
import { problemLines, problemsOf } from "./problems.ts";

const minimal = validText("minimal-hpc");

describe("every problem at once", () => {
  const broken = `version: "1.0"
metadata:
  name: \${NO_SUCH_NAME}
  description: Broken everywhere
machnes: vm
clusters:
  hpc:
    name: lab
    base_image_path: images/node.img
    network:
      subnet: 10.0.0.0/24
      bridge: virbr-much-too-long
    controller:
      cpu_cores: 0
      memory_gb: 4
      disk_gb: 20
      ip_address: 10.0.0.10
    compute_nodes:
      - cpu_cores: 4
        memory_gb: 8
        disk_gb: 50
        ip: 10.0.0.300
      - memory_gb: 8
        disk_gb: 50
        ip: 10.0.0.10
      - oops
      - cpu_cores: 4
        memory_gb: 8
        disk_gb: 50
        ip: 10.0.1.10
    slurm_config:
      partitions: [compute, { name: long, nodes: [compute-05] }]
      default_partition: compute
      max_job_time: 24h
    storage:
      nfs: { enabled: true, server: compute-04 }
      beegfs: { enabled: true, mount_point: /scratch, metadata_nodes: [storage-01] }
host:
  memory_gb: 8
`;

  test("of schema and cross checks, in the order of the file", () => {
    expect(problemLines(() => parseClusterText(broken, { env: {} }))).toMatchInlineSnapshot(`
      [
        "metadata.name: the variable NO_SUCH_NAME is not set: set it, or use \${NO_SUCH_NAME:-default}",
        "machnes: unknown key; did you mean machines?",
        "clusters.hpc.base_image_path: images/node.img does not end in .qcow2",
        "clusters.hpc.network.bridge: virbr-much-too-long is longer than the 15 characters that Linux allows",
        "clusters.hpc.controller.cpu_cores: 0 is less than 1",
        "clusters.hpc.compute_nodes[0].ip: 10.0.0.300 is not an IPv4 address",
        "clusters.hpc.compute_nodes[1].cpu_cores: is required",
        "clusters.hpc.compute_nodes[1].ip: 10.0.0.10 is already the address of lab-controller",
        "clusters.hpc.compute_nodes[2]: expected a map of keys and values, got the text "oops"",
        "clusters.hpc.compute_nodes[3].ip: 10.0.1.10 lies outside 10.0.0.0/24",
        "clusters.hpc.slurm_config.partitions[1].nodes[0]: there is no compute node compute-05; there are compute-01, compute-02, compute-03, compute-04",
        "clusters.hpc.slurm_config.max_job_time: 24h is not a SLURM time such as 24:00:00, 7-00:00:00 or UNLIMITED",
        "clusters.hpc.storage.beegfs.mount_point: /scratch is already the mount point of NFS",
        "clusters.hpc.storage.beegfs.metadata_nodes[0]: there is no node storage-01; there are controller, compute-01, compute-02, compute-03, compute-04",
        "host.memory_gb: the VMs need 28 GiB of memory, the host has 8",
      ]
    `);
  });

  test("with line and column", () => {
    const problems = problemsOf(() => parseClusterText(broken, { env: {} }));
    expect(problems.find((problem) => problem.path === "clusters.hpc.compute_nodes[0].ip")).toMatchObject({
      line: 22,
      column: 9,
    });
    // A missing key is reported at its map.
    expect(
      problems.find((problem) => problem.path === "clusters.hpc.compute_nodes[1].cpu_cores"),
    ).toMatchObject({
      line: 23,
      column: 9,
    });
  });

  test("in one error, with details", () => {
    expect(() => parseClusterText(broken, { env: {}, file: "lab.yaml" })).toThrow(
      expect.objectContaining({ name: "ClusterFileError", message: "lab.yaml: 15 problems", exitCode: 1 }),
    );
  });
});

test("bad YAML is reported with its line", () => {
  const problems = problemsOf(() => parseClusterText("a: 1\nb: [1\nc: }\n"));
  expect(problems[0]).toMatchObject({ path: "", line: 3 });
});

test.each(["", "# nothing\n", "null\n", "text\n"])("a file with only %j is an error, not a crash", (text) => {
  expect(() => parseClusterText(text)).toThrow(ClusterFileError);
});

test.each([
  ["a: *b\n", "Unresolved alias (the anchor must be set before the alias): b"],
  ["a:\n  <<: 3\n", "Merge sources must be maps or map aliases"],
  ["a: 1\n---\nb: 2\n", "line 2: a second document starts here; a cluster file has only one"],
  ['a: "\\Ub\n  \u0007c"\n', 'line 1: Invalid escape sequence \\Ub c"'],
])("%j is an error of one line", (text, line) => {
  expect(problemLines(() => parseClusterText(text))).toEqual([line]);
});

test("the caller can override machines, which the checks consider", () => {
  expect(parseClusterText(minimal).config.machines).toBe("vm");
  expect(parseClusterText(minimal, { machines: "container" }).config.machines).toBe("container");
  const passed = `ip: 10.0.0.11
        gpus: [{ pci_address: "0000:65:00.0" }]`;
  expect(
    problemLines(() => parseClusterText(minimal.replace("ip: 10.0.0.11", passed), { machines: "container" })),
  ).toEqual(["clusters.hpc.compute_nodes[0].gpus: a container cannot have a PCI device; use machines: vm"]);
});

test("a missing file is wrong usage, in one line", () => {
  expect(() => loadClusterFile("no/such.yaml")).toThrow(
    new UserError("no/such.yaml: there is no such file", { exitCode: 2 }),
  );
});

describe("the host's budget", () => {
  test("comes from the caller if the file has none", () => {
    expect(problemLines(() => parseClusterText(minimal, { hostBudget: { cpu_cores: 4 } }))).toEqual([
      "clusters: the VMs need 6 CPUs, the host has 4",
    ]);
    expect(problemLines(() => parseClusterText(minimal, { hostBudget: { cpu_cores: 6 } }))).toEqual([]);
  });

  test("in the file takes precedence", () => {
    const text = `${minimal}host:\n  cpu_cores: 6\n`;
    expect(problemLines(() => parseClusterText(text, { hostBudget: { cpu_cores: 4 } }))).toEqual([]);
  });

  test("excludes CPUs and memory of VMs with auto_start: false, but not their disks", () => {
    const text = minimal.replace("ip: 10.0.0.11", "ip: 10.0.0.11\n        auto_start: false");
    expect(problemLines(() => parseClusterText(text, { hostBudget: { cpu_cores: 2, disk_gb: 60 } }))).toEqual(
      ["clusters: the VMs need 70 GiB of disk, the host has 60"],
    );
  });
});

test("a thousand nodes are valid", () => {
  const node = "      - { cpu_cores: 1, memory_gb: 1, disk_gb: 10, ip: DHCP }\n";
  const text = minimal
    .replace("10.0.0.0/24", "10.0.0.0/16")
    .replace(/ {6}- cpu_cores: 4\n(.*\n){3}/, node.repeat(1000));
  const { config } = parseClusterText(text);
  expect(config.clusters.hpc?.compute_nodes).toHaveLength(1000);
});
