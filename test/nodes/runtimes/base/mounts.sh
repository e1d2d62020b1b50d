#!/bin/bash
# mounts.sh TREE FOLDERS COMMAND...: inside fresh namespaces, makes the root file system of a node and runs COMMAND in it.
# TREE stays as it is: changes go to memory. FOLDERS, with colons between them, are there at their own paths, read-only.
# Prints "init PID", PID as the machine sees it, when that root is there.
set -eu
tree=$1
IFS=: read -ra folders <<<"$2"
shift 2
# The shell's own line: a child process would have another pid, and this procfs is still the machine's.
read -r pid _ </proc/self/stat

cgroups=$(findmnt -rnt cgroup,cgroup2 -o TARGET)
options() { case $1 in */systemd) echo none,name=systemd ;; *) basename "$1" ;; esac; }

# Memory goes with the namespace, and nobody else sees this mount. Its device is called like the node ($NODE).
mount -t tmpfs -o mode=755 "$NODE" /mnt
mkdir /mnt/changes /mnt/work /mnt/root
mount -t overlay -o "lowerdir=$tree,upperdir=/mnt/changes,workdir=/mnt/work" "$NODE" /mnt/root
cd /mnt/root
mkdir .machine

mount -t proc proc proc
mount -t sysfs sysfs sys
for directory in run tmp var/lib/docker var/lib/containerd var/lib/containers; do
  mkdir -p $directory
  mount -t tmpfs -o mode=755 tmpfs $directory
done
chmod 1777 tmp
# After /tmp, where it may be.
for folder in "${folders[@]}"; do
  mkdir -p "./$folder"
  mount --bind "$folder" "./$folder"
  mount -o remount,bind,ro "./$folder"
done

mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm dev/mqueue
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
for node in null zero full random urandom tty kmsg fuse; do
  [ -e /dev/$node ] || continue
  touch dev/$node
  mount --bind /dev/$node dev/$node
done
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for number in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${number%:*}" "dev/${number#*:}"; done

if [ $$ = 1 ]; then
  # A cgroup namespace: these mounts show the node's own part as the whole. The machine's v2 tree is beside them, for programs that count.
  mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
  for directory in $cgroups; do
    mkdir -p ".$directory"
    case $(findmnt -rno FSTYPE "$directory") in
    cgroup2) mount -t cgroup2 cgroup2 ".$directory" ;;
    *) mount -t cgroup -o "$(options "$directory")" cgroup ".$directory" ;;
    esac
  done
  mkdir run/machine-cgroups
  mount --bind "$(findmnt -rnt cgroup2 -o TARGET | head -1)" run/machine-cgroups
else
  mount --rbind /sys/fs/cgroup sys/fs/cgroup
fi
mount -t bpf bpf sys/fs/bpf
mount -t tracefs tracefs sys/kernel/tracing

hostname node
ip link set lo up
ip address add 10.99.0.1/32 dev lo
pivot_root . .machine
umount -l /.machine
# Under systemd and on every node with containers the root is shared.
mount --make-rshared /
# Before, /proc/PID/root was the machine's.
echo "init $pid"
exec env -i container=testnode PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
