#!/bin/bash
# verify-gpu [MODULE...]: shows the driver, the compiler, PyTorch and JAX as they see the GPU. Fails with a line for each
# thing that is wrong. A library that is not installed is a failure only when it is named: verify-gpu torch jax.
# shellcheck source=images/dev/environment.sh
. /opt/ai-how/environment.sh
set -uo pipefail
failures=0
fail() {
  echo "verify-gpu: $1" >&2
  failures=$((failures + 1))
}

if ! command -v nvidia-smi >/dev/null; then
  fail "driver: nvidia-smi is not there: the container was started without GPUs"
elif ! listed=$(nvidia-smi -L 2>&1) || [[ $listed != *"GPU "* ]]; then
  fail "driver: no GPU: $(head -n 1 <<<"$listed")"
else
  echo "driver: $(nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -n 1)"
  echo "$listed"
fi

if ! command -v nvcc >/dev/null; then
  fail "nvcc: not on PATH: the image is not built on CUDA"
elif ! compiler=$(nvcc --version 2>&1); then
  fail "nvcc: $(head -n 1 <<<"$compiler")"
else
  echo "nvcc: $(sed -n 's/.*release //p' <<<"$compiler")"
fi

wanted=$*
for module in "$@"; do
  case $module in
    torch | jax) ;;
    *) fail "$module: only torch and jax can be asked for" ;;
  esac
done
# The virtual environment of the current folder, then Spack's view, then the image's.
python=python3
for candidate in .venv/bin/python /opt/spack_store/view/bin/python3; do
  if [ -x "$candidate" ]; then
    python=$candidate
    break
  fi
done
# see MODULE TEST: what a library says of the GPU; TEST prints it, and fails when there is none.
see() {
  local said
  if ! "$python" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$1') is None)" 2>/dev/null; then
    if [[ " $wanted " == *" $1 "* ]]; then fail "$1: not installed for $python"; else echo "$1: not installed"; fi
  elif said=$("$python" -c "$2" 2>&1); then
    echo "$1: $(tail -n 1 <<<"$said")"
  else
    fail "$1: $(tail -n 1 <<<"$said")"
  fi
}
see torch '
import torch
if not torch.cuda.is_available():
    raise SystemExit(f"{torch.__version__} sees no GPU")
print(torch.__version__, torch.cuda.get_device_name(0), sep=", ")
'
see jax '
import jax
gpus = [device for device in jax.devices() if device.platform == "gpu"]
if not gpus:
    raise SystemExit(f"{jax.__version__} sees no GPU")
print(jax.__version__, gpus[0].device_kind, sep=", ")
'
[ "$failures" -eq 0 ]
