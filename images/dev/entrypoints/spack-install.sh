#!/bin/bash
# spack-install SPEC...: installs packages into the store, then a shell.
# shellcheck source=images/dev/environment.sh
. /opt/ai-how/environment.sh
if ! command -v spack >/dev/null; then
  echo "spack-install: this image has no Spack" >&2
  exit 1
fi
spack install "$@" || exit
exec bash -i
