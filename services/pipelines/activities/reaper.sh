#!/bin/bash
# Ends the process groups and containers of a worker's steps when the worker has ended. The worker sends one line per change:
# "+group 4711", "-group 4711", "+container NAME", "-container NAME". When the input ends, the worker has ended.
declare -A groups=() containers=()
while read -r change id; do
  case $change in
    +group) groups[$id]=1 ;;
    -group) unset "groups[$id]" ;;
    +container) containers[$id]=1 ;;
    -container) unset "containers[$id]" ;;
  esac
done
for group in "${!groups[@]}"; do kill -KILL -- "-$group"; done
[ ${#containers[@]} -gt 0 ] || exit 0
# Tries again later: the runtime may still be creating a container for a client that was just killed.
for pause in 0 2; do
  sleep "$pause"
  for runtime in docker podman; do
    if command -v "$runtime" >/dev/null; then timeout 60 "$runtime" rm --force "${!containers[@]}"; fi
  done
done
