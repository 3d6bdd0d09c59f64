#!/bin/sh
# A fake of beegfs-setup-meta and beegfs-setup-storage, for tests: `-C -p FOLDER`.
set -eu
while getopts Cp: option; do
  case $option in
    C) ;;
    p) folder=$OPTARG ;;
    *) exit 2 ;;
  esac
done
mkdir -p "$folder"
if [ -n "$(ls -A "$folder")" ]; then
  echo "ERROR: the directory is not empty" >&2
  exit 1
fi
echo "version=4" >"$folder/format.conf"
