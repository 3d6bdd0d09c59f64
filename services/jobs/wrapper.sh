#!/bin/bash
# Runs the words after $1 as a job in its container, and writes their output to the file $1. The job's standard output is a
# pipe, as a program that opens /dev/stdout would truncate a file. The job needs neither a reader nor the runtime.
stopping=
interrupted=
command=
# Signals every process of the command: the runtime's init signals only the first one.
end() {
  stopping=yes
  interrupted=yes
  [ -z "$command" ] || kill -TERM -- "-$command" 2>/dev/null
}
trap end TERM INT HUP

# If the disk is full, the job continues and its output is lost.
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

# Background processes may keep the pipe open. They get two seconds, or, after a stop, the runtime's grace period.
for ((tries = 0; tries < 20; tries++)); do
  kill -0 "$writer" 2>/dev/null || break
  [ -z "$stopping" ] || tries=0
  sleep 0.1
done
exit "$code"
