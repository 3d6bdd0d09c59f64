#!/bin/bash
# The one test command: lint, then unit, integration and end-to-end tests, then how many of each ran and what they had to have.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh --develop --no-build
here=$PWD
# shellcheck source=tools/node.sh
. tools/node.sh
# npm 9 links no `node` into node_modules/.bin.
export PATH="${NODE%/*}:$PWD/node_modules/.bin:$PWD/.venv/bin:$PATH"
trap 'kill $(jobs -rp) 2>/dev/null || true' EXIT
if [ "$*" != unit ]; then
  # What cannot be had is in the list at the end.
  node tests/required.ts Temporal >/dev/null || tools/temporal.sh || true
  # A user's first run builds Pulumi's CLI, in some eight minutes, beside lint and the first tests; those that need it wait.
  if ! node tests/required.ts "Pulumi's CLI" >/dev/null; then
    nice tools/pulumi.sh &
  fi
fi
tools/lint.sh
# They make network namespaces, containers and VMs.
sudo=()
[ "$(id -u)" = 0 ] || sudo=(sudo -E env "PATH=$PATH" "HOME=$HOME")
"${sudo[@]}" node tools/run-tests.ts "$@"
