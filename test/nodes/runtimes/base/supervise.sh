#!/bin/bash
# supervise.sh [-p] COMMAND...: runs COMMAND (see mounts.sh) in namespaces of its own until standard input ends, then
# kills everything that belongs to the node and removes its cgroups. Prints "node NAME". -p: COMMAND is process 1 of pid and
# cgroup namespaces. Whoever holds the other end of standard input may die by any signal: the pipe ends with him.
#
# Every cgroup of a node has the node's name in its path. The name tells pid and start time of this supervisor, so that the
# next one removes what a killed supervisor has left.
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
trap '' PIPE INT TERM
unified=$(findmnt -rnt cgroup2 -o TARGET | head -1)

# Nothing for a process that is dead but not yet waited for.
start_time() { awk '$3 != "Z" { print $22 }' "/proc/$1/stat" 2>/dev/null; }
cgroups_of() { find "${unified%/unified}" -depth -type d -path "*$1*" 2>/dev/null; }

# Whatever runs in the node is below one of its cgroups of the v2 tree. New ones may appear until the last process is gone.
remove() {
  local name=$1 attempt directory pid
  for attempt in $(seq 100); do
    while read -r directory; do
      [ -e "$directory/cgroup.kill" ] && echo 1 >"$directory/cgroup.kill"
      while read -r pid; do kill -9 "$pid"; done <"$directory/cgroup.procs"
      rmdir "$directory" && rmdir "$(dirname "$directory")"
    done < <(cgroups_of "$name") 2>/dev/null
    [ -z "$(cgroups_of "$name")" ] && return
    sleep 0.05
  done
  echo "could not remove: $(cgroups_of "$name" | tr '\n' ' ')" >&2
  return 1
}

for left in $(find "${unified%/unified}" -type d -name '*testnode-*' 2>/dev/null | grep -oE 'testnode-[0-9]+-[0-9]+' | sort -u); do
  IFS=- read -r _ pid started <<<"$left"
  [ "$(start_time "$pid")" = "$started" ] || remove "$left"
done

name=testnode-$$-$(start_time $$)
namespaces=(--mount --net --uts --ipc --propagation private)
[ "${1:-}" = -p ] && shift && namespaces+=(--pid --fork --cgroup)
for hierarchy in "$unified" $(findmnt -rnt cgroup -o TARGET); do
  mkdir "$hierarchy/$name" || exit
  [ -e "$hierarchy/cpuset.cpus" ] && for file in cpuset.cpus cpuset.mems; do cat "$hierarchy/$file" >"$hierarchy/$name/$file"; done
done
NODE=$name "$(dirname "$0")/enter.sh" "$name" unshare "${namespaces[@]}" "$@" </dev/null &
echo "node $name"
cat >/dev/null
remove "$name"
