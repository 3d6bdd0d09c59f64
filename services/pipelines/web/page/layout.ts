import ELK, { type LayoutOptions } from "elkjs/lib/elk-api.js";
import { useEffect, useState } from "react";
import type { StepView } from "../view.ts";
import type { Positions } from "./neighbour.ts";

export const NODE = { width: 208, height: 58 } as const;

const OPTIONS: LayoutOptions = {
  "elk.algorithm": "layered",
  "elk.direction": "RIGHT",
  "elk.spacing.nodeNode": "22",
  "elk.layered.spacing.nodeNodeBetweenLayers": "52",
  "elk.layered.nodePlacement.strategy": "BRANDES_KOEPF",
  "elk.layered.nodePlacement.bk.fixedAlignment": "BALANCED",
  "elk.spacing.componentComponent": "36",
  "elk.aspectRatio": "1.8",
};

/** From so many steps on, what a second look at every crossing costs is more than it brings, and compact is readable. */
const MANY = 150;
const MANY_OPTIONS: LayoutOptions = {
  ...OPTIONS,
  "elk.edgeRouting": "POLYLINE",
  "elk.layered.thoroughness": "3",
  "elk.layered.nodePlacement.strategy": "SIMPLE",
};

// Its code runs beside the page, which stays responsive.
const elk = new ELK({ workerUrl: "/assets/layout.js" });

/** The layout of a plan; undefined until it is done. Made again only when steps or dependencies change. */
export function useLayout(steps: readonly StepView[]): Positions | undefined {
  const [positions, setPositions] = useState<Positions>();
  const shape = JSON.stringify(steps.map(({ id, dependsOn }) => [id, dependsOn]));
  useEffect(() => {
    let isGone = false;
    void layOut(JSON.parse(shape) as [string, string[]][]).then((found) => {
      if (!isGone) setPositions(found);
    });
    return () => {
      isGone = true;
    };
  }, [shape]);
  return positions;
}

async function layOut(shape: readonly (readonly [string, readonly string[]])[]): Promise<Positions> {
  const { children = [] } = await elk.layout({
    id: "plan",
    layoutOptions: shape.length > MANY ? MANY_OPTIONS : OPTIONS,
    children: shape.map(([id]) => ({ id: `s${id}`, ...NODE })),
    edges: shape.flatMap(([id, dependsOn]) =>
      dependsOn.map((from) => ({ id: `${from} ${id}`, sources: [`s${from}`], targets: [`s${id}`] })),
    ),
  });
  return new Map(children.map(({ id, x = 0, y = 0 }) => [id.slice(1), { x, y }]));
}
