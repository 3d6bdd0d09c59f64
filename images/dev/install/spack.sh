#!/bin/bash
# Spack, with everything that it makes in the store, which outlives containers.
# shellcheck source=images/dev/install/common.sh
. /install/common.sh
wanted spack || exit 0

release=https://github.com/spack/spack/releases/download/v$SPACK_VERSION
archive=$(fetch "$release/spack-$SPACK_VERSION.tar.gz" "$SPACK_SHA256")
mkdir -p /out/opt/spack_src
tar --extract --gzip --directory /out/opt/spack_src --strip-components 1 --no-same-owner --file "$archive"
cp /install/spack-config.yaml /out/opt/spack_src/etc/spack/config.yaml
