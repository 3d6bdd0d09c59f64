import { Client, Connection, WorkflowFailedError, type WorkflowHandle } from "@temporalio/client";
import { ApplicationFailure, defaultPayloadConverter } from "@temporalio/common";
import { z } from "zod";
import { UserError } from "../../config/errors.ts";
import { compressed, dataConverter } from "./codec.ts";
import { noTemporal, type TemporalPlace } from "./connection.ts";
import type { Plan } from "./plan/index.ts";
import { PIPELINE_WORKFLOW, STATUS_QUERY, type PipelineResult, type StepStatus } from "./result.ts";

// Temporal's limit of a payload. Its own message does not mention the plan.
const LARGEST_PLAN = 2 * 1024 * 1024 - 16 * 1024;
const CLIENT_WAIT_MILLISECONDS = 4 * 60 * 60 * 1000;

const resultSchema = z.custom<PipelineResult>(
  (value) => value !== null && typeof value === "object" && "succeeded" in value && "steps" in value,
);

/** How a pipeline ended. */
export interface PipelineEnd {
  /** Undefined for a pipeline that was terminated or timed out. */
  readonly result: PipelineResult | undefined;
  /** Why it failed; undefined on success. */
  readonly failure: string | undefined;
}

/** Pipelines on one Temporal. */
export class PipelineClient {
  readonly #client: Client;
  readonly #place: TemporalPlace;

  private constructor(client: Client, place: TemporalPlace) {
    this.#client = client;
    this.#place = place;
  }

  /** @throws UserError where Temporal does not answer */
  static async connect(place: TemporalPlace): Promise<PipelineClient> {
    const { address, namespace } = place;
    const connection = await Connection.connect({ address, connectTimeout: "5 s" }).catch(
      (error: unknown) => {
        throw noTemporal(address, error);
      },
    );
    return new PipelineClient(new Client({ connection, namespace, dataConverter }), place);
  }

  async close(): Promise<void> {
    await this.#client.connection.close();
  }

  /** Starts a plan; returns the id of the run. */
  async start(plan: Plan, workflowId: string): Promise<string> {
    const size = compressed(defaultPayloadConverter.toPayload({ plan })).data?.length ?? 0;
    if (size > LARGEST_PLAN) {
      const found = (size / 1024 / 1024).toFixed(1);
      throw new UserError(
        `unable to start workflow: the plan is ${found} MiB, compressed, and Temporal takes 2; split it`,
      );
    }
    const handle = await this.#client.workflow
      .start(PIPELINE_WORKFLOW, { workflowId, taskQueue: this.#place.taskQueue, args: [{ plan }] })
      .catch((error: unknown) => {
        throw new UserError(`unable to start workflow: ${reasonOf(error)}`, { cause: error });
      });
    return handle.firstExecutionRunId;
  }

  /** Waits for the end of a pipeline, four hours at most. */
  async end(workflowId: string): Promise<PipelineEnd> {
    try {
      const waiting = this.#handle(workflowId).result();
      return { result: resultSchema.parse(await withDeadline(waiting)), failure: undefined };
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      const { cause } = error;
      const details: unknown = cause instanceof ApplicationFailure ? cause.details?.[0] : undefined;
      return { result: resultSchema.safeParse(details).data, failure: cause?.message ?? error.message };
    }
  }

  /** The current state of a pipeline's steps. A worker has to be running to answer. */
  status(workflowId: string): Promise<readonly StepStatus[]> {
    return this.#handle(workflowId).query<readonly StepStatus[]>(STATUS_QUERY);
  }

  /** Cancels a pipeline: it stops its steps and ends. */
  async cancel(workflowId: string): Promise<void> {
    await this.#handle(workflowId).cancel();
  }

  #handle(workflowId: string): WorkflowHandle {
    return this.#client.workflow.getHandle(workflowId);
  }
}

/** The messages of an error and its causes: Temporal gives the reason in the causes. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${reasonOf(error.cause)}` : error.message;
}

async function withDeadline<Result>(waiting: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new UserError(
          "workflow failed: it is not over after four hours; `ai-how pipeline status` follows it",
        ),
      );
    }, CLIENT_WAIT_MILLISECONDS);
  });
  try {
    return await Promise.race([waiting, late]);
  } finally {
    clearTimeout(timer);
  }
}
