#!/bin/bash
# disks.sh: the disks of a virtual machine: `root.ext4` (the root file system that all nodes share, with a service that runs
# the command it is given), `whole.ext4` (a disk without partitions) and `parted.img` (two partitions, the first one with a
# file system). Prints their folder in the cache.
. "$(dirname "$0")/common.sh"
root=$("$nodes/root.sh")
disks=$cache/node-disks-$( (cat "$0" "$nodes/guest.sh" && echo "$root") | hash)
[ -e "$disks/root.ext4" ] && echo "$disks" && exit
one_maker node-disks 4000
[ -e "$disks/root.ext4" ] && echo "$disks" && exit
need mke2fs:e2fsprogs sfdisk:fdisk

rm -rf "$cache"/node-disks-*.new
mkdir -p "$disks.new"
cd "$disks.new"
cp -a "$root" root
install -m 755 "$nodes/guest.sh" root/usr/local/sbin/node-command
mkdir -p root/usr/lib/modules root/mnt/{whole,part} root/etc/systemd/network
printf '[Match]\nName=eth*\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n' >root/etc/systemd/network/10-node.network
printf '/dev/vdc /mnt/whole ext4 noatime,nofail 0 0\n/dev/vdd1 /mnt/part ext4 noatime,nofail 0 0\n' >root/etc/fstab
cat >root/etc/systemd/system/node-command.service <<'END'
[Unit]
After=multi-user.target
[Service]
Type=exec
ExecStart=/usr/local/sbin/node-command
Delegate=yes
LimitMEMLOCK=infinity
LimitNOFILE=1048576
END
printf '[Unit]\nRequires=multi-user.target\nAfter=multi-user.target\nWants=node-command.service\n' >root/etc/systemd/system/node.target
ln -sf node.target root/etc/systemd/system/default.target
chroot root systemctl -q enable systemd-networkd
# They look for work at boot, which takes an emulated machine ten seconds.
chroot root systemctl -q mask $(cd root/lib/systemd/system && ls | grep ^podman)
ext4 whole.ext4 64M
truncate -s 64M parted.img
printf '2048,65536\n67584,\n' | sfdisk -q parted.img
mke2fs -q -t ext4 -E offset=1048576 parted.img 32M
ext4 root.ext4 8G root
rm -rf root
cd /
mv "$disks.new" "$disks"
find "$cache" -maxdepth 1 -name 'node-disks-*' ! -path "$disks" -exec rm -rf {} +
echo "$disks"
