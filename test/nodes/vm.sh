#!/bin/bash
# vm.sh KERNEL COMMAND...: boots a kernel of the table `kernels` in a virtual machine (KVM where it works, else emulated) and
# runs the command in this checkout there: same path, read-only, but for $TEST_EVIDENCE. Answers its exit code. With `all` for
# the kernel, one after the other; answers the exit code of the last one that failed.
#   VM_TIMEOUT  seconds until the machine counts as hung (2400)     VM_ACCEL  kvm or tcg
# After a failure the journal and the console of the guest are in build/vm/<kernel>.
. "$(dirname "$0")/common.sh"
[ $# -ge 2 ] || fail 'usage: vm.sh KERNEL COMMAND...'
name=$1
shift
if [ "$name" = all ]; then
  code=0
  for each in $(awk '/^[^#]/ { print $1 }' "$nodes/kernels"); do "$0" "$each" "$@" || code=$?; done
  exit $code
fi
options=$(awk -v name="$name" '$1 == name { $1 = $2 = ""; print }' "$nodes/kernels")
need qemu-system-x86_64:qemu-system-x86 sfdisk:fdisk setpriv:util-linux
virtiofsd=$(find /usr/lib/qemu/virtiofsd /usr/libexec/virtiofsd 2>/dev/null || :)
[ "$virtiofsd" ] || { need virtiofsd:virtiofsd && virtiofsd=/usr/libexec/virtiofsd; }
kernel=$("$nodes/kernel.sh" "$name")
disks=$("$nodes/disks.sh")

# Folders of runs that were killed before they could tidy up.
for left in "$tree"/build/vm/.*-*; do [ ! -d "$left" ] || kill -0 "${left##*-}" 2>/dev/null || rm -rf "$left"; done
run=$tree/build/vm/.$name-$$
mkdir -p "$run"
machine= files=
finish() {
  kill $machine $files 2>/dev/null || :
  wait $machine $files 2>/dev/null || :
  rm -rf "$run"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

machine() { # machine ACCELERATOR OPTION...: ends with this script, however that ends
  local cpu=host
  [ "$1" = kvm ] || cpu=Nehalem,cx16=off
  exec setpriv --pdeathsig KILL qemu-system-x86_64 -M q35,sata=off -accel "$1" -cpu $cpu -no-reboot -nodefaults -display none \
    -serial "file:$run/console.log" -kernel "$kernel/vmlinux" -initrd "$kernel/initrd.cpio" "${@:2}"
}

# A KVM that is there may still not run a kernel: tried once per boot of this machine.
accel=${VM_ACCEL:-}
if [ ! "$accel" ]; then
  tried=$cache/node-kvm-$(cat /proc/sys/kernel/random/boot_id)
  if [ ! -e "$tried" ]; then
    rm -f "$cache"/node-kvm-*
    [ ! -w /dev/kvm ] || (machine kvm -m 512M -append 'console=ttyS0 panic=-1 node.probe' 9>&- 2>/dev/null) &
    probe=$!
    for _ in $(seq 80); do kill -0 $probe 2>/dev/null && ! grep -qs 'machine works' "$run/console.log" && sleep 0.1 || break; done
    grep -qs 'machine works' "$run/console.log" && echo kvm >"$tried" || echo tcg >"$tried"
    kill -9 $probe 2>/dev/null || :
    { wait $probe || :; } 2>/dev/null
    say "virtual machines run with $(cat "$tried")"
  fi
  accel=$(cat "$tried")
fi
[ "$accel" = kvm ] && options= || accel=tcg,thread=multi,tb-size=512

export TEST_BINARIES=$tree/build/test-binaries
"$tree/node_modules/.bin/node" "$nodes/binaries.ts"
"$tree/node_modules/.bin/node" --no-warnings "$tree/tools/stripped.mjs"
# The Collector, where it has been built: the guest finds it as the machine does.
if collector=$("$tree/tools/peers/collector.sh" --cached); then
  mkdir -p "$run/cache/otel-node-agent"
  cp "$collector" "$run/cache/otel-node-agent/"
fi
printf 'export %q\n' "XDG_CACHE_HOME=$run/cache" "TRUTH_CONNECTS=${TRUTH_CONNECTS:-}" "TRUTH_KILLS=${TRUTH_KILLS:-}" "TRUTH_CONTAINERS=${TRUTH_CONTAINERS:-}" "LEAK_CALLS=${LEAK_CALLS:-}" "TEST_EVIDENCE=${TEST_EVIDENCE:-}" "TEST_BINARIES=$TEST_BINARIES" \
  NODE_VM=true | sed '/=$/d' >"$run/environment"
printf '%q ' "$@" >"$run/command"
setpriv --pdeathsig KILL "$virtiofsd" --socket-path="$run/files.sock" -o source="$tree" -o cache=auto -o sandbox=chroot >"$run/files.log" 2>&1 9>&- &
files=$!
for _ in $(seq 100); do [ -S "$run/files.sock" ] && break || sleep 0.05; done
say "$name: booting $(cat "$kernel/release") with ${accel%%,*}"
began=$SECONDS
disk() { echo "-drive file=$1,format=raw,if=virtio,$2"; }
exec 3> >(exec cat)
output=$!
machine "$accel" -smp 2 -m 3G -object memory-backend-memfd,id=memory,size=3G,share=on -numa node,memdev=memory \
  -append "console=ttyS0 quiet mitigations=off panic=-1 net.ifnames=0 nowatchdog node.tree=$tree node.run=$run $options" \
  $(disk "$disks/root.ext4" snapshot=on,cache=unsafe) $(disk "$kernel/modules.ext4" readonly=on) \
  $(disk "$disks/whole.ext4" snapshot=on,cache=unsafe) $(disk "$disks/parted.img" snapshot=on,cache=unsafe) \
  -netdev user,id=net -device virtio-net-pci,netdev=net,romfile= -device virtio-rng-pci \
  -chardev "socket,id=files,path=$run/files.sock" -device vhost-user-fs-pci,chardev=files,tag=tree \
  -device virtio-serial-pci -chardev file,id=output,path=/dev/fd/3,append=on -device virtserialport,chardev=output,name=node.output \
  </dev/null 9>&- &
machine=$!
exec 3>&-
while kill -0 $machine 2>/dev/null; do
  [ ! -s "$run/up" ] || [ "${up:-}" ] || { up=$((SECONDS - began)) && say "$name: up after $up s"; }
  if [ $((SECONDS - began)) -gt "${VM_TIMEOUT:-2400}" ]; then
    say "$name: no end after ${VM_TIMEOUT:-2400} s: hung, taken down"
    kill -9 $machine
    break
  fi
  sleep 0.2
done
wait $machine 2>/dev/null || :
wait $output 2>/dev/null || :
machine=
code=$(cat "$run/code" 2>/dev/null || echo 125)
# An emulated processor may run a breakpoint that the kernel has already replaced (Oops: int3), and dies in ways of its own; so may
# the runner of the tests, in which nothing is ours. A machine without a result has told nothing about us, unless one of our
# programs was running: it gets a second try.
died() { [ "$code" -ge 125 ] && [ $((SECONDS - began)) -lt 1200 ] && ! grep -q 'bpf_prog_' "$run/console.log"; }
if [ "$accel" != kvm ] && [ ! "${VM_AGAIN:-}" ] && died; then
  say "$name: the emulated machine died ($code) after $((SECONDS - began)) s, none of our programs on its stack: once more"
  tail -n 25 "$run/console.log" >&2
  finish
  VM_AGAIN=true exec "$0" "$name" "$@"
fi
if [ "$code" != 0 ]; then
  kept=$tree/build/vm/$name
  rm -rf "$kept"
  mkdir -p "$kept"
  cp "$run"/*.log "$kept/"
  {
    for core in "$run"/core.*; do
      [ -e "$core" ] || continue
      mv "$core" "$kept/"
      say "$name: memory of a process that died: ${kept#"$PWD/"}/${core##*/}"
      ! command -v gdb >/dev/null || gdb --batch -nx -ex 'thread apply all backtrace 24' "$tree/node_modules/.bin/node" "$kept/${core##*/}" 2>&1 | grep -E '^(Thread|#|Program)' | head -n 120
    done
    [ "$code" != 125 ] || tail -n 25 "$run/console.log"
    grep -iE 'segfault|traps:|out of memory|oom-kill|BUG:|WARNING:|hung|stall' "$run/journal.log" | head -n 20 || :
  } 2>&1 | tee ${TEST_EVIDENCE:+"$TEST_EVIDENCE/why"} >&2
  say "$name: failed ($code) after $((SECONDS - began)) s; the guest's console and journal are in ${kept#"$PWD/"}"
else
  say "$name: done after $((SECONDS - began)) s"
fi
exit "$code"
