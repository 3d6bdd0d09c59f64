import ELK, { type ElkNode, type LayoutOptions } from "elkjs/lib/elk-api.js";
import { useEffect, useState } from "react";
import type { StepView } from "../view.ts";
import type { Positions } from "./neighbour.ts";
import { rounded } from "./route.ts";

export const NODE = { width: 192, height: 58 } as const;

const OPTIONS: LayoutOptions = {
  "elk.algorithm": "layered",
  "elk.direction": "RIGHT",
  "elk.spacing.nodeNode": "22",
  "elk.layered.spacing.nodeNodeBetweenLayers": "44",
  "elk.layered.spacing.edgeNodeBetweenLayers": "16",
  "elk.layered.spacing.edgeEdgeBetweenLayers": "10",
  "elk.layered.mergeEdges": "true",
  "elk.layered.nodePlacement.strategy": "BRANDES_KOEPF",
  "elk.layered.nodePlacement.bk.fixedAlignment": "BALANCED",
  "elk.spacing.componentComponent": "36",
  "elk.aspectRatio": "1.8",
};

/** Number of steps from which the layout skips slow improvements and is compact. */
const MANY = 150;
const MANY_OPTIONS: LayoutOptions = {
  ...OPTIONS,
  "elk.edgeRouting": "POLYLINE",
  "elk.layered.thoroughness": "3",
  "elk.layered.nodePlacement.strategy": "SIMPLE",
};

// In a worker, so that the page stays responsive.
const elk = new ELK({ workerUrl: "/assets/layout.js" });

/** Positions of steps and dependencies. */
export interface Layout {
  readonly positions: Positions;
  /** Paths of dependencies around other steps, by `from to`; empty if there are too many steps. */
  readonly routes: ReadonlyMap<string, string>;
}

/** The layout of a plan; undefined until it is computed. Changes only with steps or dependencies. */
export function useLayout(steps: readonly StepView[]): Layout | undefined {
  const [layout, setLayout] = useState<Layout>();
  const shape = JSON.stringify(steps.map(({ id, dependsOn }) => [id, dependsOn]));
  useEffect(() => {
    let isGone = false;
    void layOut(JSON.parse(shape) as [string, string[]][]).then((found) => {
      if (!isGone) setLayout(found);
    });
    return () => {
      isGone = true;
    };
  }, [shape]);
  return layout;
}

async function layOut(shape: readonly (readonly [string, readonly string[]])[]): Promise<Layout> {
  const isLarge = shape.length > MANY;
  const graph: ElkNode = {
    id: "plan",
    layoutOptions: isLarge ? MANY_OPTIONS : OPTIONS,
    children: shape.map(([id]) => ({ id: `s${id}`, ...NODE })),
    edges: shape.flatMap(([id, dependsOn]) =>
      dependsOn.map((from) => ({ id: `${from} ${id}`, sources: [`s${from}`], targets: [`s${id}`] })),
    ),
  };
  const { children = [], edges = [] } = await elk.layout(graph);
  const routes = edges.flatMap(({ id, sections: [section] = [] }): [string, string][] =>
    isLarge || section === undefined
      ? []
      : [[id, rounded([section.startPoint, ...(section.bendPoints ?? []), section.endPoint])]],
  );
  return {
    positions: new Map(children.map(({ id, x = 0, y = 0 }) => [id.slice(1), { x, y }])),
    routes: new Map(routes),
  };
}
