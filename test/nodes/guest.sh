#!/bin/bash
# Runs in the guest: mounts the checkout where the host has it, read-only but for the folders of this run and of the evidence,
# runs the command there with its output on a virtio port, leaves its exit code. The journal is written as it grows: a guest
# that hangs has left it.
export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
for word in $(cat /proc/cmdline); do
  case $word in node.tree=*) tree=${word#*=} ;; node.run=*) run=${word#*=} ;; esac
done
output=/dev/virtio-ports/node.output
for _ in $(seq 300); do [ -e $output ] && break || sleep 0.1; done
exec >$output 2>&1 </dev/null
mkdir -p /run/tree "$tree"
mount -t virtiofs tree /run/tree
mount --bind /run/tree "$tree"
mount -o remount,bind,ro "$tree"
writable() { mount --bind "/run/tree${1#"$tree"}" "$1"; }
writable "$run"
. "$run/environment"
[ -z "${TEST_EVIDENCE:-}" ] || writable "$TEST_EVIDENCE"
cut -d. -f1 /proc/uptime >"$run/up"
journalctl --no-pager --lines all --follow --output short-monotonic >"$run/journal.log" 2>&1 &
# Whatever dies of a signal leaves its memory for a debugger of the host.
ulimit -c unlimited
echo "$run/core.%e.%p" >/proc/sys/kernel/core_pattern
cd "$tree"
bash "$run/command"
code=$?
echo $code >"$run/code"
sync
systemctl poweroff -ff >/dev/null 2>&1
