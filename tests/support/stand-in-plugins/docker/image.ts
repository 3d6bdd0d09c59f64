import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { z } from "zod";
import { type Context, ProviderError, resourceType } from "../../../../providers/framework/resource.ts";
import { contextDigest, contextFiles } from "./build-context.ts";
import { Daemon, type DockerConfig } from "./connection.ts";

const buildFields = z.strictObject({
  context: z.string().default("."),
  dockerfile: z.string().optional(),
  args: z.record(z.string(), z.string()).default({}),
  platform: z.string().default(() => `linux/${process.arch === "x64" ? "amd64" : process.arch}`),
  builderVersion: z.enum(["BuilderV1", "BuilderBuildKit"]).default("BuilderBuildKit"),
});

interface Build extends Required<z.output<typeof buildFields>> {
  dockerfile: string;
  /** Of the files, so that a changed file is a changed input. */
  contextDigest: string;
}

interface ImageInputs {
  /** With its tag. */
  imageName: string;
  build: Build;
  skipPush: true;
  buildOnPreview: false;
}

interface ImageState extends ImageInputs {
  baseImageName: string;
  /** The image's id, as nothing is pushed. */
  repoDigest: string;
}

type Operation = Pick<Context<DockerConfig>, "config" | "signal" | "log">;

/**
 * `docker:index/image:Image`: an image that the daemon builds. Its id is the name that it had first. As with the provider,
 * the image stays when the resource goes: containers may need it. Unlike with it, a refresh sees that it is gone.
 */
export function image(root: string) {
  return resourceType<DockerConfig, ImageInputs, ImageState>({
    token: "docker:index/image:Image",
    inputs: {
      imageName: z.string().min(1),
      build: buildFields.transform((build, context): Build => {
        const dockerfile = build.dockerfile ?? join(build.context, "Dockerfile");
        if (!existsSync(join(root, dockerfile)))
          context.addIssue({ code: "custom", message: `there is no Dockerfile ${dockerfile}` });
        return { ...build, dockerfile, contextDigest: digestIfThere(join(root, build.context)) };
      }),
      skipPush: z.literal(true, "must be true: the stand-in pushes nothing"),
      buildOnPreview: z
        .literal(false, "must be false: in a preview the stand-in builds nothing")
        .default(false),
    },
    changes: { imageName: "update", build: "update", skipPush: "update", buildOnPreview: "update" },
    deleteBeforeReplace: false,
    volatile: ["repoDigest", "baseImageName"],
    identify: ({ imageName }) => imageName,
    create: async (inputs, operation) => ({
      id: inputs.imageName,
      inputs,
      state: await build(root, inputs, operation),
    }),
    async read(id, last, { config }) {
      if (last === undefined) return undefined;
      const daemon = await Daemon.at(config);
      const found = await daemon.find((client) => client.getImage(last.state.imageName).inspect());
      return found?.Id === last.state.repoDigest ? { id, ...last } : undefined;
    },
    update: async (id, _was, inputs, operation) => ({
      id,
      inputs,
      state: await build(root, inputs, operation),
    }),
    delete: () => Promise.resolve(),
  });
}

function digestIfThere(folder: string): string {
  return existsSync(folder) ? contextDigest(folder) : "";
}

// The client's types do not know yet that it reads BuildKit's messages.
const reader = z.custom<{
  followProgress: (
    stream: NodeJS.ReadableStream,
    onEnd: (error: Error | null) => void,
    onEvent: (event: unknown) => void,
  ) => void;
}>((client) => typeof client === "object" && client !== null && "followProgress" in client);

const eventSchema = z.looseObject({ stream: z.string().default(""), error: z.string().optional() });

async function build(
  root: string,
  inputs: ImageInputs,
  { config, signal, log }: Operation,
): Promise<ImageState> {
  const { imageName } = inputs;
  const { context, dockerfile, args, platform, builderVersion } = inputs.build;
  const inside = relative(context, dockerfile);
  if (inside.startsWith("../"))
    throw new ProviderError(`${dockerfile}: the stand-in wants it inside ${context}; put it there`);
  const folder = join(root, context);
  const daemon = await Daemon.at(config);
  const id = await daemon.ask(async (client) => {
    const stream = await client.buildImage(
      { context: folder, src: contextFiles(folder) },
      {
        t: imageName,
        dockerfile: inside,
        buildargs: args,
        platform,
        abortSignal: signal,
        ...(builderVersion === "BuilderBuildKit" && { version: "2" as const }),
      },
    );
    await new Promise<void>((resolve, reject) => {
      let failure: string | undefined;
      const end = (error: Error | null): void => {
        const message = error?.message ?? failure;
        if (message === undefined) resolve();
        else reject(new ProviderError(`Docker cannot build ${imageName}: ${message}`));
      };
      reader.parse(client).followProgress(stream, end, (event) => {
        const said = eventSchema.parse(event);
        failure ??= said.error;
        if (said.stream.trim() !== "") log(said.stream.trimEnd());
      });
    });
    return (await client.getImage(imageName).inspect()).Id;
  });
  return { ...inputs, baseImageName: imageName, repoDigest: id };
}
