import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { DatasetAction, ModelAction } from "../plan/index.ts";
import type { Program } from "./step.ts";

// The hub's libraries read HF_TOKEN, or the file of `hf auth login`, and HF_ENDPOINT from the worker's environment. So the token is
// never in an argument or a history.
const DATASET = `
import os
os.environ["HF_HOME"] = os.environ["_HF_CACHE_DIR"]
from datasets import load_dataset
rows = load_dataset(os.environ["_HF_DATASET_ID"], os.environ["_HF_CONFIG"], split=os.environ["_HF_SPLIT"])
print(f"{os.environ['_HF_DATASET_ID']}: {len(rows)} rows")
`;
const MODEL = `
import os
os.environ["HF_HOME"] = os.environ["_HF_CACHE_DIR"]
from huggingface_hub import snapshot_download
print(snapshot_download(os.environ["_HF_MODEL_ID"]))
`;

type Environment = Readonly<Record<string, string>>;

export function datasetProgram(
  { datasetId, config, split, cacheDir }: DatasetAction,
  env: Environment,
): Program {
  return python(DATASET, env, {
    _HF_CACHE_DIR: cacheDir,
    _HF_DATASET_ID: datasetId,
    _HF_CONFIG: config,
    _HF_SPLIT: split,
  });
}

export function modelProgram({ modelId, cacheDir }: ModelAction, env: Environment): Program {
  return python(MODEL, env, { _HF_CACHE_DIR: cacheDir, _HF_MODEL_ID: modelId });
}

function python(script: string, stepEnv: Environment, values: Environment): Program {
  const env = { ...process.env, ...stepEnv };
  const tokenPath = env.HF_TOKEN_PATH ?? join(hubHome(env), "token");
  return {
    program: env.AI_HOW_HUB_PYTHON ?? "python3",
    args: ["-c", script],
    // The script moves HF_HOME, where the libraries would look for the file.
    env: { ...values, HF_TOKEN_PATH: tokenPath },
    secrets: [env.HF_TOKEN, env.HUGGING_FACE_HUB_TOKEN, tokenIn(tokenPath)].flatMap((token) => token ?? []),
    tellsProgress: true,
  };
}

/** The file of `hf auth login`. */
function hubHome({ HF_HOME, XDG_CACHE_HOME }: Readonly<Record<string, string | undefined>>): string {
  return HF_HOME ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "huggingface");
}

/** Its token; undefined if the user is not logged in. */
function tokenIn(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
