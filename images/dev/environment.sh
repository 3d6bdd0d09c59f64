#!/bin/bash
# Paths of everything that is in the image; read by every entrypoint, and by login shells, which begin with a PATH of their own.
# Other shells than Bash get what the image itself sets.
if [ -n "${BASH_VERSION:-}" ]; then
  for _folder in /opt/rust/bin /usr/local/go/bin /usr/local/cuda/bin; do
    if [ -d "$_folder" ]; then
      case ":$PATH:" in
        *":$_folder:"*) ;;
        *) PATH=$_folder:$PATH ;;
      esac
    fi
  done
  unset _folder
  export PATH
  if [ -d /usr/local/cuda ]; then
    export CUDA_HOME=/usr/local/cuda
    case ":${LD_LIBRARY_PATH:-}:" in
      *:/usr/local/cuda/lib64:*) ;;
      *) export LD_LIBRARY_PATH=/usr/local/cuda/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} ;;
    esac
  fi
  # A version that was asked for goes before a project's own; the image's comes last.
  if [ -n "${BAZEL_VERSION:-}" ]; then export USE_BAZEL_VERSION=$BAZEL_VERSION; fi
  if [ -r /opt/spack_src/share/spack/setup-env.sh ]; then
    # shellcheck source=/dev/null
    . /opt/spack_src/share/spack/setup-env.sh
  fi
fi
