#!/bin/bash
# Runs the benchmarks: `bench/run.sh [BENCHMARK...]`. Needs root, as the clusters that it measures do.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../tools/node.sh disable=SC1091
. "$here/tools/node.sh"
exec "$NODE" "$here/bench/main.ts" "$@"
