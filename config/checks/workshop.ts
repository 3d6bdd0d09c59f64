import { joinPath, type Problem } from "../problem.ts";
import { projectRoot } from "../project-folders.ts";
import { duplicates } from "./duplicates.ts";
import type { Survey } from "./survey.ts";

/** Problems with the workshop: duplicate projects, nested project folders, port conflicts, and two Temporals. */
export function workshopProblems({ workshop }: Survey): Problem[] {
  if (workshop === undefined) return [];
  const { environments, temporal, temporalOnKubernetes } = workshop;
  const projects = environments.map(({ path, fields }) => ({
    path,
    id: fields.project_id,
    root: withoutSlash(fields.root ?? (fields.project_id && projectRoot(fields.project_id))),
  }));
  const { port, ui_port: uiPort } = temporal?.fields ?? {};
  return [
    // Some file systems are case-insensitive.
    ...duplicates(projects, ({ id }) => id?.toLowerCase()).map(({ item }) => ({
      path: joinPath(item.path, "project_id"),
      message: `${item.id ?? ""} is already the name of a project`,
    })),
    ...projects.flatMap(({ path, id, root }, at) => {
      const other = projects.find(
        (each, index) => each.id !== id && within(root, each.root) && (root !== each.root || index < at),
      );
      if (other === undefined) return [];
      const message = `${root ?? ""} is in the folder of project ${other.id ?? ""}`;
      return [{ path: joinPath(path, "root"), message }];
    }),
    ...(temporal !== undefined && port !== undefined && port === uiPort
      ? [{ path: joinPath(temporal.path, "ui_port"), message: `${port} is already the port of its frontend` }]
      : []),
    ...(temporal !== undefined && temporalOnKubernetes !== undefined
      ? [
          {
            path: temporalOnKubernetes.path,
            message: "is set together with workshop.temporal: remove one of them",
          },
        ]
      : []),
  ];
}

function within(inner: string | undefined, outer: string | undefined): boolean {
  return inner !== undefined && outer !== undefined && `${inner}/`.startsWith(`${outer}/`);
}

function withoutSlash(path: string | undefined): string | undefined {
  return path?.replace(/\/+$/, "");
}
