import { credentials } from "@grpc/grpc-js";
import services from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import {
  type ProviderDefinition,
  ProviderError,
  resourceType,
} from "../../../providers/framework/resource.ts";
import { type Served, serve } from "../../../providers/framework/server.ts";
import { fromStruct, toStruct } from "../../../wire/struct.ts";
import { UNKNOWN } from "../../../wire/values.ts";

interface Config {
  shelf: string;
}
interface Book {
  title: string;
  pages: number;
}

// A shelf of books: the least that exercises every call.
const shelf = new Map<string, Book>();
const book = resourceType<Config, Book, Book & { place: string }>({
  token: "shelf:index:Book",
  inputs: { title: z.string(), pages: z.int().positive().default(100) },
  changes: { pages: "update" },
  deleteBeforeReplace: true,
  identify: (inputs) => inputs.title,
  foresee: (inputs, { config }) => ({ place: `${config.shelf}/${inputs.title}` }),
  create(inputs, { config, log }) {
    log(`putting ${inputs.title}`);
    if (inputs.title === "banned") throw new ProviderError("banned: take another title");
    if (inputs.title === "bug") throw new TypeError("a bug");
    shelf.set(inputs.title, inputs);
    return Promise.resolve({
      id: inputs.title,
      inputs,
      state: { ...inputs, place: `${config.shelf}/${inputs.title}` },
    });
  },
  read(id, _last, { config }) {
    const found = shelf.get(id);
    return Promise.resolve(
      found && { id, inputs: found, state: { ...found, place: `${config.shelf}/${id}` } },
    );
  },
  update(id, was, inputs) {
    shelf.set(id, inputs);
    return Promise.resolve({ id, inputs, state: { ...was.state, ...inputs } });
  },
  delete(id) {
    shelf.delete(id);
    return Promise.resolve();
  },
});

const definition: ProviderDefinition<Config> = {
  name: "shelf",
  version: "1.2.3",
  config: { shelf: z.string() },
  resources: [book],
  invokes: [
    {
      token: "shelf:index:count",
      args: { above: z.number().default(0) },
      call: (args) =>
        Promise.resolve({ count: [...shelf.values()].filter((b) => b.pages > Number(args.above)).length }),
    },
  ],
};

const urn = "urn:pulumi:stack::project::some:component$shelf:index:Book::emma";
let served: Served;
let client: InstanceType<typeof services.ResourceProviderClient>;

beforeAll(async () => {
  served = await serve(definition, "");
  client = new services.ResourceProviderClient(`127.0.0.1:${served.port}`, credentials.createInsecure());
});

afterAll(() => {
  client.close();
  served.close();
});

/** One call as a promise. */
function ask<Response>(
  call: (answer: (error: Error | null, response: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    call((error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
  });
}

const configure = (values: Record<string, unknown>) =>
  ask<messages.ConfigureResponse>((answer) =>
    client.configure(new messages.ConfigureRequest().setArgs(toStruct(values)), answer),
  );

describe("the gRPC server", () => {
  it("previews before its configuration is known", async () => {
    const response = await configure({ shelf: UNKNOWN });
    expect(response.getSupportspreview()).toBe(true);
    expect(response.getAcceptsecrets()).toBe(false);
    const request = new messages.CreateRequest()
      .setUrn(urn)
      .setPreview(true)
      .setProperties(toStruct({ title: "Emma" }));
    const made = await ask<messages.CreateResponse>((answer) => client.create(request, answer));
    expect(fromStruct(made.getProperties())).toEqual({ title: "Emma" });
  });

  it("checks, keeping unknown values and reporting every problem", async () => {
    await configure({ shelf: "top", version: "1.0.0" });
    const request = new messages.CheckRequest()
      .setUrn(urn)
      .setNews(toStruct({ title: UNKNOWN, pages: -1, colour: 1 }));
    const checked = await ask<messages.CheckResponse>((answer) => client.check(request, answer));
    expect(fromStruct(checked.getInputs())).toMatchObject({ title: UNKNOWN });
    expect(checked.getFailuresList().map((failure) => failure.getProperty())).toEqual(["colour", "pages"]);
  });

  it("foresees outputs in a preview, and changes nothing", async () => {
    const request = new messages.CreateRequest()
      .setUrn(urn)
      .setPreview(true)
      .setProperties(toStruct({ title: "Emma", pages: 1 }));
    const made = await ask<messages.CreateResponse>((answer) => client.create(request, answer));
    expect(fromStruct(made.getProperties())).toEqual({ title: "Emma", pages: 1, place: "top/Emma" });
    expect(made.getId()).toBe("");
    expect(shelf.size).toBe(0);
  });

  it("creates, reads, updates and deletes", async () => {
    const inputs = { title: "Emma", pages: 400 };
    const create = new messages.CreateRequest().setUrn(urn).setProperties(toStruct(inputs));
    const made = await ask<messages.CreateResponse>((answer) => client.create(create, answer));
    expect(made.getId()).toBe("Emma");
    const state = fromStruct(made.getProperties());

    const refresh = new messages.ReadRequest()
      .setUrn(urn)
      .setId("Emma")
      .setProperties(toStruct(state))
      .setInputs(toStruct(inputs));
    const found = await ask<messages.ReadResponse>((answer) => client.read(refresh, answer));
    expect(fromStruct(found.getInputs())).toEqual(inputs);

    const imported = await ask<messages.ReadResponse>((answer) =>
      client.read(new messages.ReadRequest().setUrn(urn).setId("Emma"), answer),
    );
    expect(fromStruct(imported.getInputs())).toEqual(inputs);

    const changes = {
      olds: toStruct(state),
      news: toStruct({ title: "Emma", pages: 401 }),
      inputs: toStruct(inputs),
    };
    const preview = new messages.UpdateRequest()
      .setUrn(urn)
      .setId("Emma")
      .setOlds(changes.olds)
      .setOldInputs(changes.inputs)
      .setNews(changes.news)
      .setPreview(true);
    const previewed = await ask<messages.UpdateResponse>((answer) => client.update(preview, answer));
    expect(fromStruct(previewed.getProperties())).toEqual({ title: "Emma", pages: 401, place: "top/Emma" });
    expect(shelf.get("Emma")?.pages).toBe(400);
    await ask<messages.UpdateResponse>((answer) => client.update(preview.setPreview(false), answer));
    expect(shelf.get("Emma")?.pages).toBe(401);

    await ask((answer) =>
      client.delete(
        new messages.DeleteRequest().setUrn(urn).setId("Emma").setProperties(changes.olds),
        answer,
      ),
    );
    const gone = await ask<messages.ReadResponse>((answer) => client.read(refresh, answer));
    expect(gone.getId()).toBe("");
  });

  it("says for each property whether it replaces", async () => {
    const { Kind } = messages.PropertyDiff;
    const request = new messages.DiffRequest()
      .setUrn(urn)
      .setOldInputs(toStruct({ title: "Emma", pages: 400 }))
      .setNews(toStruct({ title: "Persuasion", pages: UNKNOWN }));
    const diff = await ask<messages.DiffResponse>((answer) => client.diff(request, answer));
    expect(diff.getChanges()).toBe(messages.DiffResponse.DiffChanges.DIFF_SOME);
    expect(diff.getReplacesList()).toEqual(["title"]);
    expect(diff.getDeletebeforereplace()).toBe(true);
    expect(diff.getDetaileddiffMap().get("title")?.getKind()).toBe(Kind.UPDATE_REPLACE);
    expect(diff.getDetaileddiffMap().get("pages")?.getKind()).toBe(Kind.UPDATE);
    const same = await ask<messages.DiffResponse>((answer) =>
      client.diff(request.setNews(request.getOldInputs()), answer),
    );
    expect(same.getChanges()).toBe(messages.DiffResponse.DiffChanges.DIFF_NONE);
  });

  it("never replaces for another configuration", async () => {
    const request = new messages.DiffRequest()
      .setOldInputs(toStruct({ shelf: "a" }))
      .setNews(toStruct({ shelf: "b" }));
    const diff = await ask<messages.DiffResponse>((answer) => client.diffConfig(request, answer));
    expect(diff.getReplacesList()).toEqual([]);
    expect(diff.getDiffsList()).toEqual(["shelf"]);
  });

  it("answers invokes", async () => {
    const request = new messages.InvokeRequest().setTok("shelf:index:count").setArgs(toStruct({}));
    const answered = await ask<messages.InvokeResponse>((answer) => client.invoke(request, answer));
    expect(fromStruct(answered.getReturn())).toEqual({ count: 0 });
  });

  it("shows a user's error as one line, and a bug with its stack", async () => {
    const create = (title: string) =>
      ask((answer) =>
        client.create(
          new messages.CreateRequest().setUrn(urn).setProperties(toStruct({ title, pages: 1 })),
          answer,
        ),
      );
    await expect(create("banned")).rejects.toMatchObject({ details: "banned: take another title" });
    await expect(create("bug")).rejects.toMatchObject({
      details: expect.stringContaining("server.test.ts") as string,
    });
  });

  it("refuses a configuration with every problem in one line", async () => {
    await expect(configure({ shelf: 1, shelves: 2 })).rejects.toMatchObject({
      details: expect.stringMatching(/^shelves: .*; shelf: .*$/) as string,
    });
  });
});
