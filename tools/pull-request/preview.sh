#!/bin/bash
# Previews every stack of two checkouts, preview.sh BASE HEAD, after installing packages for itself: see preview.ts. A BASE
# that is no folder is a revision in HEAD's repository, and is checked out as ./base.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
base=$1 head=$2
if [ ! -d "$base" ]; then
  git -C "$head" worktree add --quiet --detach "$PWD/base" "$base" >&2
  base=base
fi
[ -d "$here/node_modules" ] || (cd "$here" && npm ci --ignore-scripts --no-progress --loglevel=error >&2)
# shellcheck source=tools/node.sh
. "$here/tools/node.sh"
exec "$NODE" "$here/tools/pull-request/preview.ts" "$base" "$head"
