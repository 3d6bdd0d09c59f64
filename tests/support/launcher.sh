#!/bin/bash
# A launcher of the documented interface, of the kind that people have of their own: [--entrypoint NAME] -- COMMAND in a
# container of SYGALDRY_IMAGE, called SYGALDRY_CONTAINER_NAME, with the variables that SYGALDRY_PASS_ENV names.
set -euo pipefail
entrypoint=default
while [ $# -gt 0 ]; do
  case $1 in
    --entrypoint | -e)
      entrypoint=$2
      shift 2
      ;;
    --)
      shift
      break
      ;;
    *)
      echo "usage: launcher.sh [--entrypoint NAME] -- COMMAND" >&2
      exit 2
      ;;
  esac
done
options=(--rm --name "$SYGALDRY_CONTAINER_NAME" --label "ai-how.tests.entrypoint=$entrypoint")
IFS=, read -ra names <<<"$SYGALDRY_PASS_ENV"
for name in "${names[@]}"; do options+=(--env "$name"); done
# Not by exec: a launcher that is killed leaves its client.
docker run "${options[@]}" --env HOLD --env "GPU=${SYGALDRY_GPU:-true}" --env "PROJECT=${SYGALDRY_PROJECT_ID:-}" "$SYGALDRY_IMAGE" "$@"
