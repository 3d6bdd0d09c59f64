#!/bin/bash
# Bazelisk, as bazel: it downloads the Bazel that a project wants when it is first used.
# shellcheck source=images/dev/install/common.sh
. /install/common.sh
wanted bazel || exit 0

release=https://github.com/bazelbuild/bazelisk/releases/download/v$BAZELISK_VERSION
program=$(fetch "$release/bazelisk-linux-$architecture" "$(checksum BAZELISK)")
install -D "$program" /out/usr/local/bin/bazelisk
ln -s bazelisk /out/usr/local/bin/bazel
