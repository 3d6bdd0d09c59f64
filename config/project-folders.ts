/** A folder of a project that its development containers share. */
export interface ProjectFolder {
  /** Mount point in containers. Default: not mounted. */
  readonly target?: string;
  /** File mode. */
  readonly mode: number;
}

/** The folders of a project, by name below its root. The home is private, because programs store keys and tokens there. */
export const projectFolders = {
  monorepo_home: { target: "/home/kvothe", mode: 0o700 },
  spack_store: { target: "/opt/spack_store", mode: 0o755 },
  bazel_cache: { target: "/opt/bazel_cache", mode: 0o755 },
  hf_cache: { target: "/opt/hf_cache", mode: 0o755 },
  config: { mode: 0o700 },
  logs: { mode: 0o755 },
} as const satisfies Readonly<Record<string, ProjectFolder>>;

/** Default path of a project's folders; the same as in the old ai-how. */
export function projectRoot(projectId: string): string {
  return `/mnt/data_infra/zephyr_container_infra/${projectId}`;
}
