#!/bin/bash
# Runs a job in its container, the words after $1; its output goes into the file $1 through a pipe. A file itself as standard
# output would be emptied by every program that opens /dev/stdout. Nobody has to read, and nothing depends on the engine.
stopping=
interrupted=
command=
# Every process of the command is told to end, not only the shell in front: inits of engines tell but one.
end() {
  stopping=yes
  interrupted=yes
  [ -z "$command" ] || kill -TERM -- "-$command" 2>/dev/null
}
trap end TERM INT HUP

# On a full disk the job goes on, and its output is lost.
exec 3> >(
  trap '' TERM INT HUP
  cat >>"$1" || cat >/dev/null
)
writer=$!

# Job control gives the command a process group of its own.
set -m
"${@:2}" >&3 2>&3 3>&- &
command=$!
[ -z "$stopping" ] || end
while
  interrupted=
  wait "$command"
  code=$?
  [ -n "$interrupted" ]
do :; done
exec 3>&-

# What the command left in the background may hold the pipe for ever; after a stop it gets the time that the engine gives.
for ((tries = 0; tries < 20; tries++)); do
  kill -0 "$writer" 2>/dev/null || break
  [ -z "$stopping" ] || tries=0
  sleep 0.1
done
exit "$code"
