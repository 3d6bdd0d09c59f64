#!/bin/sh
# The last thing that runs in an image. Units that a role starts stay off until then; whatever is this build's own, or
# would make two machines the same, goes; and the machine is switched off. Runs as root from memory (/dev/shm);
# ADMIN_USER and UNITS come from image.pkr.hcl.
set -eu

rm -f /usr/sbin/policy-rc.d
enabled=
for unit in $UNITS; do
  if systemctl --quiet is-enabled "$unit" 2>/dev/null; then enabled="$enabled $unit"; fi
done
# shellcheck disable=SC2086 # one word a unit
[ -z "$enabled" ] || systemctl --quiet --no-reload disable $enabled

# Who may log in. Each machine gets to know that at its first boot.
home=$(getent passwd "$ADMIN_USER" | cut -d: -f6)
for account in "$home" /root; do
  rm -rf "$account/.ssh" "$account/.ansible" "$account/.cache"
  rm -f "$account"/.*_history "$account/.sudo_as_admin_successful" "$account/.wget-hsts"
done
rm -f /etc/sudoers.d/90-cloud-init-users /etc/ssh/sshd_config.d/50-cloud-init.conf

# What tells one machine from another.
: >/etc/machine-id
rm -f /etc/ssh/ssh_host_*_key* /etc/munge/munge.key /etc/hostname /var/lib/dbus/machine-id \
  /var/lib/systemd/random-seed /var/lib/systemd/credential.secret
rm -f /var/lib/ai-how/identity
rm -f /etc/netplan/50-cloud-init.yaml /etc/systemd/network/*cloud-init* \
  /etc/systemd/network/*ai-how* /etc/udev/rules.d/70-persistent-net.rules
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >/etc/hosts

# What was written on the way. The first boot of a machine is its first.
apt-get clean
journalctl --relinquish-var
rm -rf /var/lib/cloud /var/lib/apt/lists/* /var/lib/apt/periodic /var/lib/dhcp/* /var/log/journal/*
touch --date=@0 /var/lib/apt/lists # or the empty folder would pass for lists that are up to date
find /var/log -type f -delete
# Folders of services that have a /tmp of their own; removing one in use would leave an orphan in the file system.
for folder in /tmp/systemd-private-*; do
  unit=${folder#/tmp/systemd-private-*-}
  systemctl stop "${unit%-*}" || :
done
find /tmp /var/tmp -mindepth 1 -not -path '*/systemd-private-*' -delete

# What is deleted leaves the disk, too. A file system that is frozen is clean, and nobody writes any more: an orderly
# end would write a seed for random numbers, the same for all machines, and a journal.
sync
fstrim /
fsfreeze --freeze /
# On the console, where image.pkr.hcl looks for it: Packer takes any end of the machine for success.
echo '<0>ai-how: the image is finished' >/dev/kmsg
echo o >/proc/sysrq-trigger
