#!/bin/bash
# uv, from Python's package index: pip checks the file against the checksum.
# shellcheck source=images/dev/install/common.sh
. /install/common.sh
wanted uv || exit 0

folder=$(mktemp -d)
echo "uv==$UV_VERSION --hash=sha256:$(checksum UV)" >"$folder/requirements.txt"
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
  --require-hashes --only-binary :all: --target "$folder/uv" --requirement "$folder/requirements.txt"
install -D --target-directory /out/usr/local/bin "$folder/uv/bin/uv" "$folder/uv/bin/uvx"
rm -r "$folder"
