"""Downloads a dataset or a model; the libraries read HF_HOME, HF_ENDPOINT and HF_TOKEN by themselves."""

import sys


def dataset(name, config="default", split="train[:100]"):
    from datasets import load_dataset

    print(f"{name}: {len(load_dataset(name, config, split=split))} rows")


def model(name):
    from huggingface_hub import snapshot_download

    print(snapshot_download(name))


kind, *words = sys.argv[1:]
{"dataset": dataset, "model": model}[kind](*words)
