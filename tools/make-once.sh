# shellcheck shell=bash disable=SC2154
# Sourced by scripts that make programs once for a user, in the user's cache, whatever the number of checkouts.
# They set `here`, the checkout, and `name`, which begins their messages.

say() { printf '%s: %s\n' "$name" "$*"; }

work=
job=
# shellcheck disable=SC2317,SC2329 # called by the trap
clean() {
  if [ -n "$job" ]; then
    kill "$job" 2>/dev/null || true
    wait "$job" || true
  fi
  [ -z "$work" ] || rm -rf "$work"
}

# as_job COMMAND ...: runs it so that a signal ends it and this script at once; the script would wait for its end otherwise.
as_job() {
  local code=0
  "$@" &
  job=$!
  wait "$job" || code=$?
  job=
  return "$code"
}

# alone_in FOLDER: makes the folder, waits until no other checkout works in it, and makes a folder for the work, $work.
alone_in() {
  mkdir -p "$1"
  exec 9>"$1/lock"
  flock -n 9 || {
    say "another checkout does it; waiting"
    flock 9
  }
  # What one that was killed left.
  rm -rf "$1"/work.*
  work=$(mktemp -d "$1/work.XXXXXX")
  trap clean EXIT
  trap 'exit 130' INT TERM
}

# fetch_python REQUIREMENTS FOLDER: installs packages of Python's index, of the hashes that the file gives.
fetch_python() {
  local python=$here/.venv/bin/python
  if [ ! -x "$python" ]; then
    say "there is no .venv; run tools/setup.sh first" >&2
    exit 1
  fi
  as_job "$python" -m pip install --disable-pip-version-check -q --root-user-action ignore --no-deps --no-compile --require-hashes \
    --target "$2" -r "$1"
}
