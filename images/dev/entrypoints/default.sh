#!/bin/bash
# default [COMMAND...]: a command, or a shell, with every tool at hand.
# shellcheck source=images/dev/environment.sh
. /opt/ai-how/environment.sh
set -euo pipefail
if [ $# -gt 0 ]; then exec "$@"; fi

version() { if command -v "$1" >/dev/null; then echo "  $("$@" 2>/dev/null | head -n 1)"; fi; }
echo "ai-how: development container, project ${SYGALDRY_PROJECT_ID:-unknown}" >&2
{
  version python3 --version
  version rustc --version
  version go version
  version uv --version
  if command -v spack >/dev/null; then echo "  Spack $(spack --version)"; fi
  if command -v nvcc >/dev/null; then echo "  CUDA $(nvcc --version | sed -n 's/.*release \([0-9.]*\),.*/\1/p')"; fi
} >&2
exec bash -i
