#!/bin/bash
# Rust with Cargo, Clippy and rustfmt; rustup checks what it downloads.
# shellcheck source=images/dev/install/common.sh
. /install/common.sh
wanted rust || exit 0

host=$(uname -m)-unknown-linux-gnu
installer=$(fetch "https://static.rust-lang.org/rustup/archive/$RUSTUP_VERSION/$host/rustup-init" "$(checksum RUSTUP)")
export RUSTUP_HOME=/opt/rust CARGO_HOME=/tmp/cargo
install "$installer" /tmp/rustup-init
/tmp/rustup-init -y --quiet --no-modify-path --profile minimal --component clippy,rustfmt \
  --default-toolchain "$RUST_VERSION"
# The toolchain itself, not rustup's stand-ins: those would want to write below /opt/rust.
mv "/opt/rust/toolchains/$RUST_VERSION-$host" /out/opt/rust
rm -r /opt/rust "$CARGO_HOME" /tmp/rustup-init
