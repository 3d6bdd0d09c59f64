#!/bin/bash
# The one test command: lint, then unit, integration and end-to-end tests, then how many of each ran.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh --develop
export PATH="$PWD/node_modules/.bin:$PWD/.venv/bin:$PATH"
tools/lint.sh
exec node tools/run-tests.ts "$@"
