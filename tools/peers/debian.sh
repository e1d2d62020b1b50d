#!/bin/bash
# Prints a directory with programs of Debian sid's packages, after fetching them where they are missing.
#   debian.sh [--cached] NAME PACKAGE...    with --cached nothing is fetched: exit code 1 where they are missing
# The packages are unpacked and not installed: programs written in Go need nothing but libc and run on any release.
# The mirror is the machine's own; apt works in directories of its own, so the machine stays as it is. An interrupted
# download leaves nothing; a second caller waits for the first.
set -euo pipefail
cached=
[ "$1" != --cached ] || { cached=yes && shift; }
name=$1
shift
cache=${XDG_CACHE_HOME:-$HOME/.cache}/otel-node-agent
target=$cache/$name-sid-$(uname -m)

if [ ! -d "$target" ]; then
  [ ! "$cached" ] || exit 1
  mkdir -p "$cache"
  exec 9>"$target.lock"
  flock 9
fi
if [ ! -d "$target" ]; then
  echo "peers: fetching $* of Debian sid" >&2
  mirror=$( (cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources 2>/dev/null || :) |
    awk '/^URIs:/ { print $2 } /^deb / { for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) print $i }' | sed -n 1p)
  [ -n "$mirror" ] || { echo 'peers: no mirror in the sources of apt' >&2; exit 1; }
  work=$(mktemp -d "$cache/$name.XXXXXX")
  trap 'rm -rf "$work"' EXIT

  mkdir -p "$work"/etc/{apt.conf,preferences,trusted.gpg}.d "$work"/state/lists/partial "$work"/cache/archives/partial
  : >"$work/status"
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  echo "deb [signed-by=$keyring] $mirror sid main" >"$work/etc/sources.list"
  cat >"$work/apt.conf" <<-CONF
	Dir::Etc "$work/etc";
	Dir::State "$work/state";
	Dir::State::status "$work/status";
	Dir::Cache "$work/cache";
	Acquire::Languages "none";
	Acquire::Check-Valid-Until "false";
	Acquire::Retries "3";
	APT::Sandbox::User "root";
	CONF
  export APT_CONFIG=$work/apt.conf
  apt-get -qq update >&2
  cd "$work"
  apt-get -qq download "$@" >&2
  for package in ./*.deb; do dpkg-deb --extract "$package" unpacked; done
  for program in unpacked/usr/bin/*; do "$program" --version >&2; done
  mv unpacked/usr/bin "$target"
fi
echo "$target"
