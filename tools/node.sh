# Sets NODE to a Node >= 24: the one that npm installed with the project, else the system's. Sourced with `here` set to the
# project's folder.
# shellcheck shell=sh disable=SC2154
case $(uname -m) in
  aarch64 | arm64) arch=arm64 ;;
  *) arch=x64 ;;
esac
NODE=$here/node_modules/node-linux-$arch/bin/node
if [ ! -x "$NODE" ]; then
  NODE=$(command -v node || true)
  major=$("${NODE:-false}" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
  if [ "$major" -lt 24 ]; then
    echo "ai-how: no Node 24 or newer; run \`make setup\`" >&2
    exit 1
  fi
fi
export NODE
