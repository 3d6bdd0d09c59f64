#!/bin/bash
# run-job COMMAND...: a command in the Spack environment of the current folder, if it has one.
# shellcheck source=images/dev/environment.sh
. /opt/ai-how/environment.sh
if [ $# -eq 0 ]; then
  echo "usage: run-job COMMAND..." >&2
  exit 2
fi
if [ -e spack.yaml ] || [ -e spack.lock ]; then
  if ! command -v spack >/dev/null; then
    echo "run-job: $PWD has a Spack environment, and this image has no Spack" >&2
    exit 1
  fi
  spack env activate --dir . || exit 1
fi
exec "$@"
