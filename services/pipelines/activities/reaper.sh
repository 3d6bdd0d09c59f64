#!/bin/bash
# Ends what is left of a worker's steps when the worker is gone, however it went. What there is comes from the worker, a line
# a change: "+group 4711", "-group 4711", "+container NAME", "-container NAME". The end of the lines is the worker's.
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
# The engine may still be about to make one for a client that has just been killed.
for pause in 0 2; do
  sleep "$pause"
  for engine in docker podman; do
    if command -v "$engine" >/dev/null; then timeout 60 "$engine" rm --force "${!containers[@]}"; fi
  done
done
