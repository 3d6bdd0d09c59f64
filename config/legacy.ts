import { joinPath, type Problem } from "./problem.ts";
import { isMap, type Values } from "./values.ts";

/** A map in the file: its values, its path in the current format, and its path as the user wrote it. */
interface Place {
  readonly values: Values;
  readonly path: string;
  readonly written: string;
}

const ACCOUNTING = "ignored: slurm_config.accounting configures job records and their database";
const NAMES = "ignored: names are derived from the cluster's name";
const GRES = "ignored: the key gpus of a node lists its GPUs";

/** Old keys at the top of the file that are ignored. */
const FILE = [
  ...["test", "build", "timeouts", "logging", "containers", "dependencies"],
  ...["validation", "test_settings", "networks", "test_config"],
];

/** Old keys of a cluster, a node or `slurm_config` that are ignored, with the message for each. */
const CLUSTER: Readonly<Record<string, string>> = {
  description: "ignored: use metadata.description",
  worker_type: "ignored: a worker with a GPU is a GPU worker",
  hostname: NAMES,
  node_type: "ignored: the role of a node follows from where it is in the file",
  monitoring_role: "ignored: the role of a node follows from where it is in the file",
  munge: "ignored: ai-how generates a munge key for every cluster",
  gres: GRES,
  gres_config: GRES,
  container_runtime: "ignored: the container runtime comes with the image",
  database: ACCOUNTING,
  slurm_accounting: ACCOUNTING,
  enable_database: ACCOUNTING,
  enable_accounting: ACCOUNTING,
  container_registry: "ignored: ai-how sets up no container registry",
};

const NODE: Readonly<Record<string, string>> = {
  ...CLUSTER,
  name: NAMES,
  description: "ignored: use a comment",
};

const SLURM: Readonly<Record<string, string>> = {
  ...CLUSTER,
  gres_types: GRES,
  container_plugin_enabled: "ignored: the container plugin comes with the image",
};

const POOL: Readonly<Record<string, string>> = {
  pool_name: NAMES,
  pool_path: "ignored: the pool is in /var/lib/libvirt/images, in a folder with the cluster's name",
};

const DEVICE: Readonly<Record<string, string>> = {
  vendor: "ignored: only vendor_id is used",
  description: "ignored: use a comment",
};

const HOST_OWNS = "ignored: owner and mode are those of host_path";
const MOUNT: Readonly<Record<string, string>> = { owner: HOST_OWNS, group: HOST_OWNS, mode: HOST_OWNS };

/** All keys, old and current, of a network in an old file. */
const NETWORK: ReadonlySet<string> = new Set([
  ...["subnet", "network_range", "bridge", "bridge_name", "name", "gateway", "gateway_ip"],
  ...["dhcp_range", "dhcp_start", "dhcp_end", "dns_servers", "dns_mode"],
]);

/** Keys of an old map of workers, in the order of the resulting list. */
const WORKERS = ["cpu", "cpu_workers", "gpu", "gpu_workers"];

/** Result of `readLegacyKeys`. */
export interface LegacyReading {
  /** One warning for every old key. */
  readonly warnings: readonly Problem[];
  /** Converts a path in the current format to the path that the user wrote. */
  readonly written: (path: string) => string;
}

/** Converts the old keys of a cluster file to the current format, in place. The schema reports values of the wrong type. */
export function readLegacyKeys(file: unknown): LegacyReading {
  const reader = new LegacyReader();
  reader.file(file);
  return { warnings: reader.warnings, written: (path) => reader.written(path) };
}

class LegacyReader {
  readonly warnings: Problem[] = [];
  /** Paths as the user wrote them, by path in the current format. */
  readonly #moved = new Map<string, string>();

  written(path: string): string {
    for (
      let end = path.length;
      end > 0;
      end = Math.max(path.lastIndexOf(".", end - 1), path.lastIndexOf("[", end - 1))
    ) {
      const moved = this.#moved.get(path.slice(0, end));
      if (moved !== undefined) return moved + path.slice(end);
    }
    return path;
  }

  file(value: unknown): void {
    const file = place(value, "");
    if (file === undefined) return;
    const clusters = this.#mapAt(file, "clusters");
    if (clusters !== undefined) this.#networks(file, clusters);
    this.#ignore(file, Object.fromEntries(FILE.map((key) => [key, "ignored: ai-how does not use it"])));
    this.#cluster(clusters && this.#mapAt(clusters, "hpc"), "controller", "compute_nodes");
    this.#cluster(clusters && this.#mapAt(clusters, "cloud"), "control_plane", "worker_nodes");
  }

  #cluster(cluster: Place | undefined, head: string, members: string): void {
    if (cluster === undefined) return;
    this.#ignore(cluster, CLUSTER);
    this.#ssh(cluster);
    this.#rename(cluster, "image_path", "base_image_path");
    if (members === "worker_nodes") {
      const renamed = this.#rename(cluster, "workers", members);
      this.#workerMap(cluster, renamed);
    }
    this.#network(this.#mapAt(cluster, "network"));
    const slurm = this.#mapAt(cluster, "slurm_config");
    if (slurm !== undefined) this.#ignore(slurm, SLURM);
    const storage = this.#mapAt(cluster, "storage");
    if (storage !== undefined) {
      this.#ignore(storage, POOL);
      // Only HPC clusters have storage of their own.
      if (members === "worker_nodes" && Object.keys(storage.values).length === 0)
        delete cluster.values.storage;
    }
    this.#node(this.#mapAt(cluster, head), "ip", "ip_address");
    const list = cluster.values[members];
    if (Array.isArray(list)) {
      list.forEach((node: unknown, i) => {
        const path = joinPath(cluster.path, members, i);
        this.#node(place(node, path, this.written(path)), "ip_address", "ip");
      });
    } else this.#node(this.#mapAt(cluster, members), "ip_address", "ip");
  }

  /** Moves networks from the top of the file into their clusters. */
  #networks(file: Place, clusters: Place): void {
    const networks = this.#mapAt(file, "networks");
    if (networks === undefined) return;
    const moved = ["hpc", "cloud"].filter((kind) => {
      const network = this.#mapAt(networks, kind);
      const cluster = this.#mapAt(clusters, kind);
      if (network === undefined || cluster === undefined || "network" in cluster.values) return false;
      if (!Object.keys(network.values).every((key) => NETWORK.has(key))) return false;
      cluster.values.network = network.values;
      this.#moved.set(joinPath(cluster.path, "network"), network.written);
      return true;
    });
    if (moved.length === 0) return;
    delete file.values.networks;
    this.#warn(
      networks.written,
      `read as network of ${moved.map((kind) => `clusters.${kind}`).join(" and ")}`,
    );
  }

  #network(network: Place | undefined): void {
    if (network === undefined) return;
    this.#ignore(network, { name: NAMES });
    this.#rename(network, "network_range", "subnet");
    this.#rename(network, "bridge_name", "bridge");
    this.#rename(network, "gateway", "gateway_ip");
    const range = this.#mapAt(network, "dhcp_range");
    if (range === undefined) return;
    for (const end of ["start", "end"]) {
      if (!(end in range.values) || `dhcp_${end}` in network.values) continue;
      network.values[`dhcp_${end}`] = range.values[end];
      this.#moved.set(joinPath(network.path, `dhcp_${end}`), joinPath(range.written, end));
    }
    delete network.values.dhcp_range;
    this.#warn(range.written, "read as dhcp_start and dhcp_end");
  }

  #node(node: Place | undefined, oldAddress: string, newAddress: string): void {
    if (node === undefined) return;
    this.#ignore(node, NODE);
    this.#ssh(node);
    this.#rename(node, "image_path", "base_image_path");
    this.#rename(node, oldAddress, newAddress);
    this.#ignoreInList(node, "virtio_fs_mounts", MOUNT);
    const passthrough = this.#mapAt(node, "pcie_passthrough");
    if (passthrough !== undefined) this.#ignoreInList(passthrough, "devices", DEVICE);
    this.#gpu(node, list(passthrough?.values.devices));
  }

  /** Converts the old `gpu` block, which lists the MIG instances of the node's only GPU. */
  #gpu(node: Place, devices: readonly unknown[]): void {
    const gpu = this.#mapAt(node, "gpu");
    if (gpu === undefined) return;
    delete node.values.gpu;
    const profiles = list(gpu.values.devices).flatMap((device) =>
      isMap(device) && device.type === "nvidia-mig" ? [device.mig_profile] : [],
    );
    if ("gpus" in node.values) this.#warn(gpu.written, "ignored: gpus is set, too");
    else if (gpu.values.enabled === false || profiles.length === 0) {
      this.#warn(gpu.written, "ignored: it has no enabled MIG devices");
    } else {
      const passed = devices.filter(isMap).filter((device) => device.device_type === "gpu");
      const address = passed.length === 1 ? { pci_address: passed[0]?.pci_address } : {};
      node.values.gpus = [{ ...address, mig: { profiles } }];
      for (const steps of [["gpus"], ["gpus", 0]] as const)
        this.#moved.set(joinPath(node.path, ...steps), gpu.written);
      this.#warn(gpu.written, "read as gpus: one GPU with the MIG profiles of its devices");
    }
  }

  /** Converts workers from `{cpu: [...], gpu: [...]}`, or `cpu_workers` and `gpu_workers`, to one list. */
  #workerMap(cluster: Place, warned: boolean): void {
    const workers = this.#mapAt(cluster, "worker_nodes");
    const kinds = Object.keys(workers?.values ?? {});
    if (workers === undefined || !kinds.every((kind) => WORKERS.includes(kind))) return;
    const nodes: unknown[] = [];
    for (const kind of WORKERS) {
      const value = workers.values[kind];
      if (value === undefined || value === null) continue;
      const written = joinPath(workers.written, kind);
      (Array.isArray(value) ? (value as unknown[]) : [value]).forEach((node, i) => {
        const at = Array.isArray(value) ? joinPath(written, i) : written;
        this.#moved.set(joinPath(workers.path, nodes.length), at);
        nodes.push(node);
      });
    }
    cluster.values.worker_nodes = nodes;
    if (!warned) this.#warn(workers.written, "read as one list: workers without GPUs, then those with GPUs");
  }

  /** Removes the old `ssh`, which configured logins to a VM. The current `ssh` names an existing host, by `host` and `host_key`. */
  #ssh(owner: Place): void {
    const ssh = this.#mapAt(owner, "ssh");
    if (ssh === undefined || "host" in ssh.values || "host_key" in ssh.values) return;
    delete owner.values.ssh;
    this.#warn(
      ssh.written,
      "ignored: ai-how generates SSH keys for VMs; an existing host needs ssh.host and ssh.host_key",
    );
  }

  #ignore(owner: Place, keys: Readonly<Record<string, string>>): void {
    for (const [key, message] of Object.entries(keys)) {
      if (!(key in owner.values)) continue;
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the schema knows no old keys
      delete owner.values[key];
      this.#warn(joinPath(owner.written, key), message);
    }
  }

  #ignoreInList(owner: Place, key: string, keys: Readonly<Record<string, string>>): void {
    list(owner.values[key]).forEach((entry, i) => {
      const at = place(entry, joinPath(owner.path, key, i), joinPath(owner.written, key, i));
      if (at !== undefined) this.#ignore(at, keys);
    });
  }

  #rename(owner: Place, from: string, to: string): boolean {
    if (!(from in owner.values)) return false;
    const value = owner.values[from];
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- the schema knows no old keys
    delete owner.values[from];
    const written = joinPath(owner.written, from);
    if (to in owner.values) {
      this.#warn(written, `ignored: ${to} is set, too`);
      return false;
    }
    owner.values[to] = value;
    this.#moved.set(joinPath(owner.path, to), written);
    this.#warn(written, `read as ${to}`);
    return true;
  }

  /** The map under a key; undefined if there is none. */
  #mapAt(owner: Place, key: string): Place | undefined {
    const path = joinPath(owner.path, key);
    return place(owner.values[key], path, this.#moved.get(path) ?? joinPath(owner.written, key));
  }

  #warn(path: string, message: string): void {
    this.warnings.push({ path, message });
  }
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function place(value: unknown, path: string, written = path): Place | undefined {
  return isMap(value) ? { values: value, path, written } : undefined;
}
