#!/bin/bash
# All static checks; each says what it is, and the first that fails ends the run.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PWD/.venv/bin:$PATH"
step() {
  local started=$SECONDS
  "${@:2}"
  printf 'lint: %s (%s s)\n' "$1" $((SECONDS - started))
}
step format prettier --check --log-level warn .
step types tsc -p .
step eslint eslint --max-warnings 0 .
step knip knip --no-progress
mapfile -t scripts < <(git ls-files -co --exclude-standard | xargs -r grep -lE '^#!(/bin/|/usr/bin/env )(ba)?sh' --)
step shellcheck shellcheck "${scripts[@]}" tools/node.sh
(cd ansible && step ansible-lint ansible-lint --offline -q)
