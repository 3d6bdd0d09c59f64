#!/bin/bash
# Makes this checkout ready: system packages, Node packages, Ansible, and Pulumi's CLI where it can be had.
# Idempotent: what is there already is left alone, and a second run ends within a second.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"
mkdir -p .ai-how
chmod 700 .ai-how

# shellcheck source=/dev/null
. /etc/os-release
packages=(
  libvirt-daemon libvirt-daemon-system libvirt-clients qemu-utils dnsmasq-base # virtual machines
  iproute2 iptables nftables util-linux netcat-openbsd openssh-client slirp4netns # networks of their own, and the ways in and out
  mmdebstrap e2fsprogs genisoimage systemd-container python3 python3-venv # images and container nodes
)
# QEMU 7.2 of Debian 12 brings its own. Images of Debian's need its keys, which only Debian itself has anyway.
if [ "$ID ${VERSION_ID:-}" != "debian 12" ]; then packages+=(virtiofsd); fi
if [ "$ID" != debian ]; then packages+=(debian-archive-keyring); fi
case $(uname -m) in
  aarch64) packages+=(qemu-system-arm qemu-efi-aarch64) ;;
  *) packages+=(qemu-system-x86 ovmf) ;;
esac
develop=
build=1
for extra in "$@"; do
  case $extra in
    --develop)
      develop=1
      packages+=(shellcheck)
      # For an image that boots by itself, as people bring them.
      packages+=(fdisk dosfstools mtools syslinux)
      # For machines of the other architecture.
      packages+=(qemu-system-arm qemu-efi-aarch64)
      # The pinned Packer (versions/tools.ts) is Debian 12's; elsewhere lint and tests say that they go without.
      if [ "$ID ${VERSION_ID:-}" = "debian 12" ]; then packages+=(packer); fi
      # For the tests of the pipelines' page. Ubuntu has it as a snap only.
      if [ "$ID" = debian ]; then packages+=(chromium); fi
      # Tests bring up an engine of their own; one that is there already, from Docker's own packages too, will do.
      command -v dockerd >/dev/null || packages+=(docker.io)
      # So do those of the registry that pipelines push to.
      packages+=(docker-registry)
      # And those of Podman, with the runtime that works on hosts without systemd.
      packages+=(podman catatonit)
      # Docker's own packages bring it, too, and would have to go for Debian's.
      command -v runc >/dev/null || packages+=(runc)
      ;;
    # For lint, which needs no CLI of Pulumi's, and for tests that build it meanwhile.
    --no-build) build= ;;
    *)
      echo "usage: tools/setup.sh [--develop [--no-build]]" >&2
      exit 2
      ;;
  esac
done

say() { printf 'setup: %s\n' "$*"; }

# Runs a command with its output in a log; says every few seconds that it is still at work, and shows the log if it fails.
quietly() {
  local what=$1 log=.ai-how/setup-$1.log started=$SECONDS
  shift
  "$@" >"$log" 2>&1 &
  local pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 1
    if (((SECONDS - started) % 10 == 9)); then say "$what: $((SECONDS - started)) s, $(tail -n 1 "$log" | cut -c1-80)"; fi
  done
  if ! wait "$pid"; then
    tail -n 20 "$log" >&2
    say "$what failed; all of its output is in $log" >&2
    return 1
  fi
  say "$what done ($((SECONDS - started)) s)"
}

missing=()
case " $ID ${ID_LIKE:-} " in
  *" debian "* | *" ubuntu "*)
    for package in "${packages[@]}"; do
      dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    ;;
  *)
    for program in virsh qemu-img mmdebstrap systemd-nspawn genisoimage nsenter nc mke2fs dnsmasq; do
      command -v "$program" >/dev/null || missing+=("$program")
    done
    if [ ${#missing[@]} -gt 0 ]; then
      say "this is $PRETTY_NAME, where it does not know the packages; install by hand: ${missing[*]}" >&2
      exit 1
    fi
    ;;
esac

system_packages() {
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      say "installing packages needs root: run as root, or install sudo" >&2
      exit 1
    }
    sudo=(sudo)
  fi
  "${sudo[@]}" tools/install-packages "${missing[@]}"
}

node_packages() { npm ci --no-progress --loglevel=error; }

python_packages() {
  [ -x .venv/bin/python ] || /usr/bin/python3 -m venv .venv
  .venv/bin/python -m pip install --disable-pip-version-check -q -r tools/python-requirements.txt
}

pulumi_cli() {
  # The npm launcher fetches the CLI; a host that cannot reach its server runs the program in-process.
  export PULUMI_SKIP_UPDATE_CHECK=1 PATH="$here/node_modules/.bin:$PATH"
  timeout 300 pulumi version && install_plugin command || return
  # What needs them is the workshop alone, which says so.
  for plugin in docker kubernetes; do install_plugin "$plugin" >/dev/null 2>&1 || true; done
}
install_plugin() { timeout 120 pulumi plugin install resource "$1" "$(node -p "require('@pulumi/$1/package.json').version")"; }

# For the tests of the steps that fetch from Hugging Face's hub; they ask a server of their own.
hub_python() {
  rm -rf .ai-how/cache/hub-python
  /usr/bin/python3 -m venv .ai-how/cache/hub-python
  .ai-how/cache/hub-python/bin/python -m pip install --disable-pip-version-check -q -r tools/hub-requirements.txt
}

# What a step was made from; the step is done again when that changes.
done_with() { [ "$(cat ".ai-how/setup-$1.done" 2>/dev/null)" = "$(cat "${@:2}" | sha256sum)" ]; }
mark_done() { cat "${@:2}" | sha256sum >".ai-how/setup-$1.done"; }

if [ ${#missing[@]} -gt 0 ]; then
  say "installing with apt: ${missing[*]}"
fi
node_step() {
  done_with npm package-lock.json && [ -d node_modules ] && return
  say "installing the packages of package-lock.json into node_modules/"
  quietly npm node_packages
  mark_done npm package-lock.json
}
python_step() {
  done_with python tools/python-requirements.txt && [ -x .venv/bin/ansible-playbook ] && return
  say "installing Ansible into .venv/"
  quietly python python_packages
  mark_done python tools/python-requirements.txt
}
hub_step() {
  [ -n "$develop" ] || return 0
  done_with hub tools/hub-requirements.txt && return
  say "installing Hugging Face's libraries into .ai-how/cache/hub-python/"
  quietly hub hub_python
  mark_done hub tools/hub-requirements.txt
}
node_step &
npm_pid=$!
if [ ${#missing[@]} -gt 0 ]; then quietly packages system_packages; fi
python_step
hub_step
wait "$npm_pid"

# The npm launcher is on PATH under make; only another `pulumi` is a CLI.
installed_pulumi() { type -ap pulumi | grep -qv "^$here/node_modules/"; }
if [ ! -e .ai-how/setup-pulumi.done ] && [ "${AI_HOW_ENGINE:-}" != in-process ] && ! installed_pulumi; then
  if pulumi_cli >.ai-how/setup-pulumi.log 2>&1; then
    say "Pulumi's CLI is there: $(tail -n 1 .ai-how/setup-pulumi.log)"
  else
    say "Pulumi's CLI cannot be fetched from here, so the in-process engine runs the program; tools/pulumi.sh builds the CLI in some eight minutes"
  fi
  # Asked once: `npx pulumi version` tries again.
  touch .ai-how/setup-pulumi.done
fi
if [ -n "$develop" ] && [ -n "$build" ]; then
  # shellcheck source=tools/node.sh
  . tools/node.sh
  [ -x .ai-how/cache/pulumi/bin/pulumi ] || "$NODE" tests/required.ts "Pulumi's CLI" >/dev/null || tools/pulumi.sh
fi
