#!/bin/bash
# Debian's or Ubuntu's packages: what people work with, and what the other tools are installed by.
# shellcheck source=images/dev/install/common.sh
. /install/common.sh
wanted system || exit 0

# Images of distributions delete every package after its installation; the build's cache keeps them.
rm -f /etc/apt/apt.conf.d/docker-clean
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install --yes --no-install-recommends \
  bash-completion build-essential bzip2 ca-certificates ccache cmake curl file gfortran git gnupg less ninja-build \
  openssh-client patch pkg-config procps python3 python3-dev python3-pip python3-venv rsync sudo unzip vim-tiny \
  xz-utils zip zstd
# Without a cache they would be in the image.
mountpoint --quiet /var/cache/apt || apt-get clean
mountpoint --quiet /var/lib/apt || rm -rf /var/lib/apt/lists/*
