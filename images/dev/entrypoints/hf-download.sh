#!/bin/bash
# hf-download dataset ID [CONFIG] [SPLIT], hf-download model ID: from the hub of HF_ENDPOINT into HF_HOME, with HF_TOKEN.
# shellcheck source=images/dev/environment.sh
. /opt/ai-how/environment.sh
set -euo pipefail
case "${1:-} $#" in
  "dataset "[234] | "model 2") ;;
  *)
    echo "usage: hf-download dataset ID [CONFIG] [SPLIT] | hf-download model ID" >&2
    exit 1
    ;;
esac
uv=${UV_BIN:-uv}
if ! command -v "$uv" >/dev/null; then
  echo "hf-download: $uv: there is no such program in this image" >&2
  exit 1
fi
venv=${HF_VENV_DIR:-/opt/bazel_cache/uv_venvs/hf-download}
export HF_HOME=${HF_HOME:-/opt/hf_cache} UV_CACHE_DIR=${UV_CACHE_DIR:-/opt/bazel_cache/uv} UV_LINK_MODE=copy
[ -e "$venv/bin/python" ] || "$uv" venv "$venv"
"$uv" pip install --quiet --python "$venv/bin/python" --requirement /opt/ai-how/hf-requirements.txt
exec "$venv/bin/python" /opt/ai-how/hf_download.py "$@"
