import type { DatasetAction, ModelAction } from "../plan/index.ts";
import type { Program } from "./step.ts";

// The token comes from the worker's environment (HF_TOKEN, or the file of `hf auth login`) and another hub by HF_ENDPOINT.
// The libraries read both by themselves, so neither is ever an argument or a value in a history.
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

export function datasetProgram({ datasetId, config, split, cacheDir }: DatasetAction): Program {
  return python(DATASET, {
    _HF_CACHE_DIR: cacheDir,
    _HF_DATASET_ID: datasetId,
    _HF_CONFIG: config,
    _HF_SPLIT: split,
  });
}

export function modelProgram({ modelId, cacheDir }: ModelAction): Program {
  return python(MODEL, { _HF_CACHE_DIR: cacheDir, _HF_MODEL_ID: modelId });
}

/** Texts that logs must not show, whatever a library prints. */
export function hubSecrets(env: Readonly<Record<string, string>>): string[] {
  return [process.env.HF_TOKEN ?? "", env.HF_TOKEN ?? ""].filter((token) => token !== "");
}

function python(script: string, env: Readonly<Record<string, string>>): Program {
  return { program: process.env.AI_HOW_HUB_PYTHON ?? "python3", args: ["-c", script], env };
}
