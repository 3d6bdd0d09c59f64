import { Option, type Command } from "commander";
import { targetNames } from "../config/targets.ts";
import { UserError } from "../config/errors.ts";
import { InProcessEngine } from "../engine/in-process/index.ts";
import type { ResourceState } from "../engine/in-process/state.ts";
import { nameOf, STACK_TYPE, typeOf } from "../engine/in-process/urn.ts";
import { findRoot, loadStackConfig } from "../engine/project.ts";
import { writeResult } from "./destination.ts";
import { draw, PICTURE_FORMATS, type PictureFormat } from "./pictures/draw.ts";
import { withAlikeJoined, withoutShortcuts, type Box, type Picture } from "./pictures/model.ts";

const LISTED = 4;

interface GraphOptions {
  readonly format: PictureFormat;
  readonly expand?: boolean;
  readonly output?: string;
}

/** `graph`: a stack's resources and what needs what, as a preview would make them; needs no host. */
export function addGraph(program: Command): void {
  program
    .command("graph")
    .description("a picture of the stack's components and what needs what")
    .argument("[stack]", targetNames, "dev")
    .addOption(
      new Option("-f, --format <format>", "how to draw it").choices(PICTURE_FORMATS).default("mermaid"),
    )
    .option(
      "--expand",
      "every resource, inside its component; else components only, those that are alike as one",
    )
    .option("-o, --output <file>", "write there instead of to standard output")
    .action(async (stack: string, options: GraphOptions) => {
      const reference = { root: findRoot(process.cwd()), stack };
      await loadStackConfig(reference.root, stack);
      const messages: string[] = [];
      const { resources } = await new InProcessEngine(reference)
        .plan({
          emit: (event) => {
            if (event.type === "failed") messages.push(event.message);
            if (event.type === "log" && event.level === "error") messages.push(event.line);
          },
          signal: new AbortController().signal,
          parallel: 16,
        })
        .catch((error: unknown) => {
          if (error instanceof UserError) throw new UserError(error.message, { details: messages });
          throw error;
        });
      const picture = options.expand === true ? expanded(resources) : collapsed(resources);
      await writeResult(await draw(picture, options.format), options.output);
    });
}

/** Every resource but the stack, in the box of its component. */
function expanded(resources: readonly ResourceState[]): Picture {
  const shown = resources.filter(({ type }) => type !== STACK_TYPE);
  const ids = new Set(shown.map(({ urn }) => urn));
  const boxes = shown.map(({ urn, parent }) => ({
    id: urn,
    label: [nameOf(urn), kind(urn)],
    ...(parent !== undefined && ids.has(parent) && { parent }),
  }));
  const arrows = shown.flatMap(({ urn, dependencies }) =>
    dependencies.filter((other) => ids.has(other)).map((other) => ({ from: other, to: urn })),
  );
  return withoutShortcuts({ boxes, arrows });
}

/** The components right below the stack; what is needed inside of one is needed by it. */
function collapsed(resources: readonly ResourceState[]): Picture {
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const top = (urn: string): string | undefined => {
    const { parent, type } = byUrn.get(urn) ?? {};
    if (type === undefined || type === STACK_TYPE) return undefined;
    const above = parent === undefined ? undefined : top(parent);
    return above ?? urn;
  };
  const components = resources.filter(({ urn, type }) => type !== STACK_TYPE && top(urn) === urn);
  const arrows = new Map<string, { from: string; to: string }>();
  for (const { urn, dependencies, provider } of resources) {
    const to = top(urn);
    for (const dependency of [...dependencies, ...(provider === undefined ? [] : [providerUrn(provider)])]) {
      const from = top(dependency);
      if (from !== undefined && to !== undefined && from !== to) arrows.set(`${from} ${to}`, { from, to });
    }
  }
  // A component without a resource of its own only says what another one does.
  const filled = new Set(resources.filter(({ custom }) => custom).map(({ urn }) => top(urn)));
  const boxes = components
    .filter(({ urn }) => filled.has(urn))
    .map(({ urn }) => ({ id: urn, label: [nameOf(urn), kind(urn)] }));
  return withAlikeJoined(withoutShortcuts({ boxes, arrows: [...arrows.values()] }), kindOf, joined);
}

/** `urn::id` without the id. */
function providerUrn(reference: string): string {
  return reference.slice(0, reference.lastIndexOf("::"));
}

/** `VirtualMachine` of `ai-how:machines:VirtualMachine`. */
function kind(urn: string): string {
  return typeOf(urn).split(":").at(-1) ?? "";
}

function kindOf({ label }: Box): string {
  return label[1] ?? "";
}

function joined(boxes: readonly Box[]): Box {
  const names = boxes.map(({ label }) => label[0] ?? "");
  const more = names.length > LISTED ? [`and ${names.length - LISTED} more`] : [];
  return {
    id: boxes[0]?.id ?? "",
    label: [
      `${boxes.length} x ${kindOf(boxes[0] ?? { id: "", label: [] })}`,
      ...names.slice(0, LISTED),
      ...more,
    ],
  };
}
