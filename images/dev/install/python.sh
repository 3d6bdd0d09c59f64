#!/bin/bash
# python, python3 and pythonX.Y of one version: the distribution's own where it has that, else uv's.
# shellcheck source=images/dev/install/common.sh
. /install/common.sh
# What uv's stage has made is copied from there.
mv /out /uv
mkdir -p /out/opt/ai-how/tools
wanted python || exit 0

python=/usr/bin/python$PYTHON_VERSION
if [ ! -x "$python" ]; then
  export UV_PYTHON_INSTALL_DIR=/opt/python UV_LINK_MODE=copy
  uv=/uv/usr/local/bin/uv
  if [ ! -x "$uv" ]; then
    echo "python: the base has no $python, and uv, which would bring it, is left out" >&2
    exit 1
  fi
  "$uv" python install "$PYTHON_VERSION"
  cp -a /opt/python /out/opt/
  python=$("$uv" python find --managed-python "$PYTHON_VERSION")
fi
mkdir -p /out/usr/local/bin
for name in python python3 "python$PYTHON_VERSION"; do
  ln -s "$python" "/out/usr/local/bin/$name"
done
