import { withoutCluster } from "../naming.ts";
import { joinPath, type Problem } from "../problem.ts";
import { suggestion } from "../suggest.ts";
import { duplicates } from "./duplicates.ts";
import type { Survey, SurveyedCluster } from "./survey.ts";

interface MountPoint {
  readonly path: string;
  readonly point: string;
  readonly by: string;
}

/** Problems with storage: roles of nodes that do not exist, and duplicate mount points and tags. */
export function storageProblems({ clusters }: Survey): Problem[] {
  return clusters.flatMap((cluster) => [...roleProblems(cluster), ...mountProblems(cluster)]);
}

function roleProblems(cluster: SurveyedCluster): Problem[] {
  const { storage, nodes, name } = cluster;
  if (storage === undefined || !cluster.nodesKnown) return [];
  const { nfs, beegfs } = storage.fields;
  const at = (...steps: (string | number)[]) => joinPath(storage.path, ...steps);
  const roles: { path: string; node: string }[] = [];
  if (nfs?.enabled === true) roles.push({ path: at("nfs", "server"), node: nfs.server });
  if (beegfs?.enabled === true) {
    roles.push({ path: at("beegfs", "management_node"), node: beegfs.management_node });
    for (const key of ["metadata_nodes", "storage_nodes"] as const) {
      roles.push(...(beegfs[key] ?? []).map((node, i) => ({ path: at("beegfs", key, i), node })));
    }
  }
  const names = nodes.map((node) => node.shortName);
  return roles
    .filter(({ node }) => !names.includes(withoutCluster(name, node)))
    .map(({ path, node }) => ({ path, message: `there is no node ${node}; ${suggestion(node, names)}` }));
}

function mountProblems({ storage, nodes }: SurveyedCluster): Problem[] {
  const { nfs, beegfs } = storage?.fields ?? {};
  const shared: MountPoint[] = [];
  const share = (key: string, by: string, point: string) =>
    shared.push({ path: joinPath(storage?.path ?? "", key, "mount_point"), point, by });
  if (nfs?.enabled === true) share("nfs", "NFS", nfs.mount_point);
  if (beegfs?.enabled === true) share("beegfs", "BeeGFS", beegfs.mount_point);

  return nodes.flatMap(({ path, fields }) => {
    const mounts = fields.virtio_fs_mounts ?? [];
    const at = (i: number, key: string) => joinPath(path, "virtio_fs_mounts", i, key);
    const own = mounts.map((mount, i) => ({
      path: at(i, "mount_point"),
      point: mount.mount_point,
      by: mount.tag,
    }));
    const tags = mounts.map((mount, i) => ({ path: at(i, "tag"), tag: mount.tag }));
    return [
      ...duplicates([...shared, ...own], (mount) => mount.point.replace(/(?<=.)\/+$/, "")).map(
        ({ item, first }) => ({
          path: item.path,
          message: `${item.point} is already the mount point of ${first.by}`,
        }),
      ),
      ...duplicates(tags, (mount) => mount.tag).map(({ item }) => ({
        path: item.path,
        message: `${item.tag} is already the tag of another mount of this node`,
      })),
    ];
  });
}
