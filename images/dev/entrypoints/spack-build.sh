#!/bin/bash
# spack-build [--lock] [FOLDER]: builds the Spack environment of a folder: spack_src.yaml is its source, spack.yaml a copy
# of that, and spack.lock, when it is there, what is installed. --lock makes a new spack.lock and installs nothing.
# Without a folder: what /workspace/pkg/zephyr/build.sh does, or the environment zephyr of the workspace.
# shellcheck source=images/dev/environment.sh
. /opt/ai-how/environment.sh
set -euo pipefail
fail() {
  echo "spack-build: $1" >&2
  exit "${2:-1}"
}

is_lock=
if [ "${1:-}" = --lock ]; then
  is_lock=yes
  shift
fi
if [ $# -gt 1 ]; then fail "usage: spack-build [--lock] [FOLDER]" 2; fi
folder=${1:-}
if [ -z "$folder" ]; then
  build=/workspace/pkg/zephyr/build.sh
  if [ -z "$is_lock" ] && [ -x "$build" ]; then exec "$build"; fi
  for folder in /workspace/pkg/zephyr /workspace/spack/zephyr ''; do
    if [ -z "$folder" ]; then fail "usage: spack-build [--lock] FOLDER" 2; fi
    if [ -e "$folder/spack_src.yaml" ]; then break; fi
  done
fi
cd "$folder" || exit 1
[ -e spack_src.yaml ] || fail "$folder has no spack_src.yaml; \`ai-how spack new\` makes one"
command -v spack >/dev/null || fail "this image has no Spack"

# Which spack_src.yaml a lock was made of. A lock of another tool has none, and is taken as it is.
source=spack.lock.source
concretize() {
  spack -D "$PWD" concretize --force
  sha256sum spack_src.yaml >"$source"
}

cp spack_src.yaml spack.yaml
if [ -n "$is_lock" ]; then
  concretize
  exit
fi
if [ -e spack.lock ]; then
  if [ -e "$source" ] && ! sha256sum --check --status "$source"; then
    fail "spack_src.yaml has changed since spack.lock was made; \`ai-how spack lock\` makes it anew"
  fi
  spack -D "$PWD" install --only-concrete
else
  concretize
  spack -D "$PWD" install
fi
spack -D "$PWD" env view regenerate
