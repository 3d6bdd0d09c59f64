import { joinPath, type Problem } from "../problem.ts";
import { projectRoot } from "../project-folders.ts";
import { repeated } from "./duplicates.ts";
import type { Survey } from "./survey.ts";

/** Projects that come twice, folders of one project in another's, ports that two programs would want, and a second Temporal. */
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
    // Docker's names know case, folders of some file systems do not.
    ...repeated(projects, ({ id }) => id?.toLowerCase()).map(({ item }) => ({
      path: joinPath(item.path, "project_id"),
      message: `${item.id ?? ""} is already a project`,
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
            message: "is a second Temporal beside workshop.temporal; leave one of them out",
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
