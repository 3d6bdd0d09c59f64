#!/bin/bash
# What every step of the image's build begins with. What a tool consists of goes below /out, laid out as it will be below /.
set -euo pipefail
# Otherwise `name=$(fetch ...)` goes on after a file that is not what it should be.
shopt -s inherit_errexit
mkdir -p /out/opt/ai-how/tools
architecture=$(dpkg --print-architecture)
export architecture

# wanted TOOL: whether this image gets it. A file says so in the image, too, and so no stage is copied from in vain: Docker's
# classic builder fails after a copy of nothing ("layer does not exist", moby/moby#40591).
wanted() {
  local answer=yes
  [[ " ${TOOLS:-} " == *" $1 "* ]] || answer="left out"
  echo "$1: $answer" | tee "/out/opt/ai-how/tools/$1"
  [ "$answer" = yes ]
}

# checksum TOOL: the pinned SHA-256 of this architecture's file; empty when another version was chosen.
checksum() {
  local name=$1_SHA256_${architecture^^}
  if [ -z "${!name+set}" ]; then
    echo "$1: there is none for $architecture" >&2
    return 1
  fi
  echo "${!name}"
}

# fetch URL SHA256: downloads a file unless it is there, checks it, and prints its path.
fetch() {
  local url=$1 sha256=$2 file=/var/cache/ai-how/${1##*/}
  mkdir -p "${file%/*}"
  if ! sha256sum --check --status <<<"$sha256  $file" 2>/dev/null; then
    curl --fail --silent --show-error --location --retry 3 --output "$file" "$url"
  fi
  sha256sum --check --quiet <<<"$sha256  $file" >&2
  echo "$file"
}
