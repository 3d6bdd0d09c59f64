import {
  Background,
  BaseEdge,
  Controls,
  Handle,
  MiniMap,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
  type Edge,
  type EdgeProps,
  type Node,
  type NodeProps,
} from "@xyflow/react";
import {
  createContext,
  memo,
  use,
  useEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
} from "react";
import type { StepView } from "../view.ts";
import { NODE, useLayout, type Layout } from "./layout.ts";
import { neighbour, type Direction } from "./neighbour.ts";
import { StateIcon, wordOf } from "./states.tsx";
import { Elapsed } from "./time.tsx";

interface GraphProps {
  readonly steps: readonly StepView[];
  readonly chosen: string;
  readonly onChoose: (id: string) => void;
}

type StepNode = Node<{ step: StepView; isChosen: boolean; isCursor: boolean }, "step">;

const Choose = createContext<(id: string) => void>(() => undefined);
/** Below this zoom names are not readable, so boxes are only coloured; hundreds of steps need that. */
const FAR = 0.3;
const nodeTypes = { step: memo(StepBox) };
const edgeTypes = { route: memo(Route) };
const DIRECTIONS: Readonly<Record<string, Direction>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};
/** Number of steps from which a map of the whole graph is shown. */
const MANY = 40;
const FIT = { padding: 0.06, maxZoom: 1.1, minZoom: 0.08 };

/** The plan as a graph. The Tab key stops once at it; arrow keys move between steps, Enter opens one. */
export function Graph(props: GraphProps): ReactNode {
  const layout = useLayout(props.steps);
  return (
    <section className="graph" aria-label="Steps as a graph" aria-busy={layout === undefined}>
      {layout !== undefined && (
        <ReactFlowProvider>
          <Flow {...props} layout={layout} />
        </ReactFlowProvider>
      )}
    </section>
  );
}

function Flow({ steps, chosen, onChoose, layout }: GraphProps & { readonly layout: Layout }): ReactNode {
  const { positions, routes } = layout;
  const flow = useReactFlow();
  const isFar = useStore(isFarAway);
  const [moved, setMoved] = useState<string>();
  const wantsFocus = useRef(false);
  const cursor = moved ?? (chosen === "" ? steps[0]?.id : chosen);
  const kept = useRef(new Map<string, StepNode>());
  const keptEdges = useRef(new Map<string, Edge>());
  const box = useRef<HTMLDivElement>(null);
  const hasMoved = useRef(false);
  const chosenNow = useRef(chosen);
  useEffect(() => {
    chosenNow.current = chosen;
  }, [chosen]);

  const nodes = useMemo(() => {
    const before = kept.current;
    const all = steps.flatMap((step): StepNode[] => {
      const position = positions.get(step.id);
      if (position === undefined) return [];
      const data = { step, isChosen: step.id === chosen, isCursor: step.id === cursor };
      const old = before.get(step.id);
      // An unchanged node stays the same object, so that hundreds of nodes are not drawn again.
      const isSame =
        old?.data.step === step &&
        old.data.isChosen === data.isChosen &&
        old.data.isCursor === data.isCursor &&
        old.position === position;
      return [isSame ? old : { id: step.id, type: "step", position, data, ...NODE, focusable: false }];
    });
    kept.current = new Map(all.map((node) => [node.id, node]));
    return all;
  }, [steps, positions, chosen, cursor]);

  const edges = useMemo(() => {
    const before = keptEdges.current;
    const states = new Map(steps.map(({ id, state }) => [id, state]));
    const all = steps.flatMap(({ id, state, dependsOn }) =>
      dependsOn.map((from): Edge => {
        const isNear = id === chosen || from === chosen;
        const className = `from-${states.get(from) ?? "unknown"} to-${state}${isNear ? " near" : ""}`;
        const path = routes.get(`${from} ${id}`);
        const edge = {
          ...{ id: `${from} ${id}`, source: from, target: id, focusable: false },
          ...(path !== undefined && { type: "route", data: { path } }),
        };
        const old = before.get(edge.id);
        if (old?.className === className) return old;
        return { ...edge, className, animated: state === "running" || state === "retrying" };
      }),
    );
    keptEdges.current = new Map(all.map((edge) => [edge.id, edge]));
    return all;
  }, [steps, chosen, routes]);

  useEffect(() => {
    if (!wantsFocus.current || cursor === undefined) return undefined;
    wantsFocus.current = false;
    const position = positions.get(cursor);
    if (position !== undefined)
      void flow.setCenter(position.x + NODE.width / 2, position.y + NODE.height / 2, {
        zoom: Math.max(flow.getZoom(), 0.6),
      });
    // Wait until a node outside of the view is drawn.
    let tries = 0;
    const focus = (): void => {
      const box = document.querySelector<HTMLElement>(`.graph [data-step="${CSS.escape(cursor)}"]`);
      if (box !== null) box.focus({ preventScroll: true });
      else if ((tries += 1) < 20) frame = requestAnimationFrame(focus);
    };
    let frame = requestAnimationFrame(focus);
    return () => {
      cancelAnimationFrame(frame);
    };
  }, [cursor, positions, flow]);

  // Fit the graph when the panel below opens or closes.
  useEffect(() => {
    if (box.current === null) return undefined;
    const observer = new ResizeObserver(() => {
      const position = positions.get(chosenNow.current);
      if (!hasMoved.current) void flow.fitView(FIT);
      else if (position !== undefined)
        void flow.setCenter(position.x + NODE.width / 2, position.y + NODE.height / 2, {
          zoom: flow.getZoom(),
        });
    });
    observer.observe(box.current);
    return () => {
      observer.disconnect();
    };
  }, [positions, flow]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const direction = DIRECTIONS[event.key];
    if (!(event.target instanceof HTMLElement) || event.target.dataset.step === undefined) return;
    if (direction === undefined || cursor === undefined) return;
    event.preventDefault();
    const next = neighbour(steps, positions, cursor, direction);
    if (next === undefined) return;
    wantsFocus.current = true;
    hasMoved.current = true;
    setMoved(next);
  };

  return (
    <Choose
      value={(id) => {
        setMoved(id);
        onChoose(id);
      }}
    >
      <div className={isFar ? "flow far" : "flow"} ref={box} onKeyDown={onKeyDown}>
        <ReactFlow
          nodes={nodes}
          edges={edges}
          nodeTypes={nodeTypes}
          edgeTypes={edgeTypes}
          onlyRenderVisibleElements
          nodesDraggable={false}
          nodesConnectable={false}
          nodesFocusable={false}
          edgesFocusable={false}
          elementsSelectable={false}
          disableKeyboardA11y
          onMoveStart={(event) => {
            // Moves by this page have no event.
            hasMoved.current ||= event !== null;
          }}
          zoomOnDoubleClick={false}
          minZoom={0.05}
          maxZoom={2}
          fitView
          fitViewOptions={FIT}
          proOptions={{ hideAttribution: false }}
        >
          <Background gap={22} size={1.5} color="var(--line)" />
          <Controls showInteractive={false} fitViewOptions={FIT} position="bottom-left" />
          {nodes.length > MANY && (
            <MiniMap<StepNode>
              pannable
              zoomable
              position="bottom-right"
              ariaLabel="The whole graph, small"
              nodeClassName={({ data }) => `small-${data.step.state}`}
              nodeBorderRadius={12}
            />
          )}
        </ReactFlow>
      </div>
    </Choose>
  );
}

/** The line of a dependency, around other steps. */
function Route({ id, data }: EdgeProps<Edge<{ path: string }>>): ReactNode {
  return <BaseEdge id={id} path={data?.path ?? ""} />;
}

function isFarAway({
  transform: [, , zoom],
}: {
  readonly transform: readonly [number, number, number];
}): boolean {
  return zoom < FAR;
}

function StepBox({ data: { step, isChosen, isCursor } }: NodeProps<StepNode>): ReactNode {
  const choose = use(Choose);
  const isFar = useStore(isFarAway);
  const { id, name, state, type, attempt, attempts, startedAt, endedAt, reason } = step;
  const isRunning = state === "running";
  return (
    <>
      <Handle type="target" position={Position.Left} />
      <button
        type="button"
        className={isFar ? "step nopan far" : "step nopan"}
        data-step={id}
        data-state={state}
        tabIndex={isCursor ? 0 : -1}
        aria-pressed={isChosen}
        aria-label={isFar ? `${wordOf(state)} ${name}` : undefined}
        title={reason === "" ? name : `${name}: ${reason}`}
        onClick={() => {
          choose(id);
        }}
      >
        {!isFar && (
          <>
            <StateIcon state={state} />
            <span className="name">{name}</span>
            <span className="type">{isRunning && step.progress !== "" ? step.progress : type}</span>
            {attempt > 1 && (
              <span className="tries">
                try {attempt}/{attempts}
              </span>
            )}
            {startedAt !== null && (endedAt !== null || isRunning) && (
              <Elapsed from={startedAt} to={endedAt} />
            )}
          </>
        )}
      </button>
      <Handle type="source" position={Position.Right} />
    </>
  );
}
