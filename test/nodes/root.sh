#!/bin/bash
# root.sh: the root file system of all test nodes, unpacked: Debian with systemd, the container runtimes and the tools that
# tests use. Prints its folder in the cache, where it is found again by its contents: packages, Debian release, this script.
. "$(dirname "$0")/common.sh"

# The release of the machine itself, where it is one, so that what was built here runs there.
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
case $release in bookworm | trixie) ;; *) release=bookworm ;; esac
packages=(
  systemd systemd-sysv systemd-journal-remote dbus udev kmod procps util-linux passwd
  iproute2 iputils-ping iptables nftables conntrack netcat-openbsd curl ca-certificates openssl
  docker.io containerd runc crun podman netavark aardvark-dns containernetworking-plugins conmon
  fdisk e2fsprogs bpftool strace busybox-static libelf1 zlib1g libatomic1 libstdc++6
)
root=$cache/node-root-$release-$( (cat "$0" && echo "${packages[@]}") | hash)
found() { [ -e "$root/etc/os-release" ] && touch "$root" && echo "$root"; }

found && exit
one_maker node-root 3000
found && exit
need mmdebstrap:mmdebstrap
rm -rf "$cache"/node-root-*.new
say "making the root file system: Debian $release, ${#packages[@]} packages"
mmdebstrap --quiet --variant=minbase --mode=root --include="$(IFS=, && echo "${packages[*]}")" \
  --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
  --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Sandbox::User "root"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  "$release" "$root.new" "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) $release main" >&2 || {
  rm -rf "$root.new"
  fail 'mmdebstrap failed, the lines above say why; what was there before stays usable'
}

cd "$root.new"
echo node >etc/hostname
echo '127.0.0.1 localhost node' >etc/hosts
echo 0123456789abcdef0123456789abcdef >etc/machine-id
chroot . passwd -qd root
mkdir -p var/log/journal etc/systemd/{journald.conf.d,system.conf.d}
printf '[Journal]\nStorage=persistent\n' >etc/systemd/journald.conf.d/node.conf
printf '[Manager]\nDefaultTimeoutStartSec=300s\nDefaultDeviceTimeoutSec=300s\n' >etc/systemd/system.conf.d/node.conf
# Runtimes start when a test asks for them; what only costs time at boot is off.
chroot . systemctl -q disable docker.service docker.socket containerd.service
chroot . systemctl -q mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
  fstrim.timer getty@tty1.service serial-getty@ttyS0.service systemd-networkd-wait-online.service systemd-pstore.service \
  systemd-update-utmp.service systemd-update-utmp-runlevel.service
rm -rf var/cache/apt var/lib/apt/lists
cd /
mv "$root.new" "$root"
find "$cache" -maxdepth 1 -name 'node-root-*' -type d ! -path "$root" -mtime +30 -exec rm -rf {} +
say "$(du -sh "$root" | cut -f1) in $root"
echo "$root"
