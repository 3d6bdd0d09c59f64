#!/bin/bash
# uv-install PACKAGE...: installs into .venv of the current folder. What is built against a package of
# UV_NO_BUILD_ISOLATION_PACKAGE, names with commas, sees the one that is installed.
# shellcheck source=images/dev/environment.sh
. /opt/ai-how/environment.sh
set -euo pipefail
if [ $# -eq 0 ]; then
  echo "usage: uv-install PACKAGE..." >&2
  exit 2
fi
uv=${UV_BIN:-uv}
if ! command -v "$uv" >/dev/null; then
  echo "uv-install: $uv: there is no such program in this image" >&2
  exit 1
fi
export UV_CACHE_DIR=${UV_CACHE_DIR:-/opt/bazel_cache/uv} UV_LINK_MODE=copy
options=()
IFS=, read -ra names <<<"${UV_NO_BUILD_ISOLATION_PACKAGE-torch,jax,jaxlib,numpy,scipy}"
for name in "${names[@]}"; do options+=(--no-build-isolation-package "$name"); done
[ -e .venv/bin/python ] || "$uv" venv .venv
exec "$uv" pip install --python .venv/bin/python "${options[@]}" "$@"
