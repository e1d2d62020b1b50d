# Sourced by the scripts of this folder: where things are kept, what is installed, one maker at a time.
set -euo pipefail
nodes=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd "$nodes/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/otel-node-agent
mkdir -p "$cache"
. "$tree/tools/apt.sh"
say() { echo "nodes: $*" >&2; }
fail() { say "$*" && exit 1; }
hash() { sha256sum | cut -c1-12; }

# need PROGRAM:PACKAGE...: installs what is missing; a program by its name or its path.
need() {
  local missing=() pair
  for pair; do command -v "${pair%:*}" >/dev/null || missing+=("${pair#*:}"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "needs ${missing[*]}: install them"
  say "installing ${missing[*]}"
  apt_install "${missing[@]}" || fail "apt-get could not install ${missing[*]}"
}

# one_maker NAME MEGABYTES: waits for another run that makes the same, looks for room, holds the lock until the script ends.
one_maker() {
  [ "$(id -u)" = 0 ] || fail 'needs root'
  exec 9>"$cache/$1.lock"
  flock -n 9 || { say "another run is making $1: waiting for it" && flock 9; }
  local free
  free=$(df --output=avail -m "$cache" | tail -1)
  [ "$free" -ge "$2" ] || fail "$1 needs $2 MB below $cache, which has $((free)) MB"
}

mirror() {
  local found
  found=$(apt_mirror)
  [ "$found" ] || fail 'found no mirror of Debian in /etc/apt'
  echo "$found"
}

ext4() { # ext4 FILE SIZE [FOLDER]: a file system in a file
  rm -f "$1"
  truncate -s "$2" "$1"
  mke2fs -q -t ext4 -m 0 -O ^has_journal,^metadata_csum -E lazy_itable_init=1,nodiscard ${3:+-d "$3"} "$1"
}
