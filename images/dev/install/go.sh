#!/bin/bash
# Go, from its own archive.
# shellcheck source=images/dev/install/common.sh
. /install/common.sh
wanted go || exit 0

url=https://dl.google.com/go/go$GO_VERSION.linux-$architecture.tar.gz
sha256=$(checksum GO)
if [ -z "$sha256" ]; then sha256=$(curl --fail --silent --show-error --location "$url.sha256"); fi
archive=$(fetch "$url" "$sha256")
mkdir -p /out/usr/local
tar --extract --gzip --directory /out/usr/local --no-same-owner --file "$archive"
