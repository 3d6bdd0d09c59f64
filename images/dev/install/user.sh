#!/bin/bash
# The user kvothe with the number of whoever builds the image, so that what is written in a container belongs to them.
set -euo pipefail
name=kvothe
home=/home/$name

if [ "$HOST_UID" != 0 ]; then
  getent group "$HOST_GID" >/dev/null || groupadd --gid "$HOST_GID" "$name"
  other=$(getent passwd "$HOST_UID" | cut -d: -f1 || true)
  # Ubuntu 24.04 has a user of its own, ubuntu, with the first number that people get.
  if [ -n "$other" ]; then
    usermod --login "$name" --home "$home" --shell /bin/bash --gid "$HOST_GID" "$other"
  else
    useradd --no-log-init --no-create-home --uid "$HOST_UID" --gid "$HOST_GID" --home-dir "$home" --shell /bin/bash "$name"
  fi
fi
mkdir -p "$home" /workspace /opt/spack_store /opt/bazel_cache /opt/hf_cache
cp --no-clobber /etc/skel/.bashrc /etc/skel/.profile "$home" 2>/dev/null || true
chown -R "$HOST_UID:$HOST_GID" "$home"
chown "$HOST_UID:$HOST_GID" /workspace /opt/spack_store /opt/bazel_cache /opt/hf_cache

# By number, and whatever the host's /etc/passwd, which containers see, calls the user: it is not in this image's /etc/shadow.
if [ -d /etc/sudoers.d ]; then
  echo "#$HOST_UID ALL=(ALL:ALL) NOPASSWD: ALL" >/etc/sudoers.d/ai-how
  chmod 0440 /etc/sudoers.d/ai-how
  sed -i '1i account sufficient pam_permit.so' /etc/pam.d/sudo
fi

# Podman's builder takes the places of its caches away, and apt makes them anew only in part.
if [ -d /etc/apt ]; then mkdir -p /var/cache/apt/archives/partial /var/lib/apt/lists/partial; fi

# Builds look for cuDNN where CUDA is; NVIDIA's packages put it among the system's libraries.
cuda=/usr/local/cuda
if [ -d "$cuda/lib64" ]; then
  for file in /usr/include/cudnn*.h "/usr/include/$(uname -m)-linux-gnu"/cudnn*.h; do
    [ ! -e "$file" ] || ln -sf "$file" "$cuda/include/"
  done
  for file in "/usr/lib/$(uname -m)-linux-gnu"/libcudnn*.so*; do
    [ ! -e "$file" ] || ln -sf "$file" "$cuda/lib64/"
  done
fi
