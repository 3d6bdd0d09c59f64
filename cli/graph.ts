import { Option, type Command } from "commander";
import { UserError } from "../config/errors.ts";
import type { StackResource } from "../engine/engine.ts";
import { nameOf, providerUrn, STACK_TYPE, typeOf } from "../wire/urn.ts";
import { writeResult } from "./destination.ts";
import { draw, PICTURE_FORMATS, type PictureFormat } from "./pictures/draw.ts";
import { openStack, withStack, type StackOptions } from "./stack.ts";
import { withAlikeJoined, withoutShortcuts, type Box, type Picture } from "./pictures/model.ts";

const LISTED = 4;

interface GraphOptions extends StackOptions {
  readonly format: PictureFormat;
  readonly expand?: boolean;
  readonly output?: string;
}

/** `graph`: draws a stack's resources and their dependencies from a preview, so it needs no host. */
export function addGraph(program: Command): void {
  withStack(program.command("graph"))
    .description("draw the stack's components and their dependencies")
    .addOption(
      new Option("-f, --format <format>", "format of the picture")
        .choices(PICTURE_FORMATS)
        .default("mermaid"),
    )
    .option(
      "--expand",
      "draw every resource inside its component. Default: components only, equal ones as one box",
    )
    .option("-o, --output <file>", "write to a file. Default: standard output")
    .action(async (stack: string, options: GraphOptions) => {
      const { engine } = await openStack(stack, options);
      const messages: string[] = [];
      const { resources } = await engine
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
      const stays = resources.filter(({ operation }) => operation !== "delete");
      const picture = options.expand === true ? expanded(stays) : collapsed(stays);
      await writeResult(await draw(picture, options.format), options.output);
    });
}

/** Every resource except the stack, in the box of its component. */
function expanded(resources: readonly StackResource[]): Picture {
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

/** The components directly below the stack, with the dependencies of the resources inside them. */
function collapsed(resources: readonly StackResource[]): Picture {
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
    const needed = providerUrn(provider);
    for (const dependency of needed === undefined ? dependencies : [...dependencies, needed]) {
      const from = top(dependency);
      if (from !== undefined && to !== undefined && from !== to) arrows.set(`${from} ${to}`, { from, to });
    }
  }
  // Leaves out components without resources.
  const filled = new Set(resources.filter(({ component }) => !component).map(({ urn }) => top(urn)));
  const boxes = components
    .filter(({ urn }) => filled.has(urn))
    .map(({ urn }) => ({ id: urn, label: [nameOf(urn), kind(urn)] }));
  return withAlikeJoined(withoutShortcuts({ boxes, arrows: [...arrows.values()] }), kindOf, joined);
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
