#!/bin/bash
# The one test command: lint, then unit, integration and end-to-end tests, then how many of each ran.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh --develop
export PATH="$PWD/node_modules/.bin:$PWD/.venv/bin:$PATH"
# The first run of a user builds Temporal's command, in some six minutes; without it the tests that need it say so and are skipped.
temporal=
trap '[ -z "$temporal" ] || kill "$temporal" 2>/dev/null || true' EXIT
if [ "$*" != unit ] && [ -z "${AI_HOW_TEMPORAL:-}" ] && ! command -v temporal >/dev/null; then
  tools/temporal.sh &
  temporal=$!
fi
tools/lint.sh
[ -z "$temporal" ] || wait "$temporal" || echo "test: there is no Temporal; going on without" >&2
exec node tools/run-tests.ts "$@"
