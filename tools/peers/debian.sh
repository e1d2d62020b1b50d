#!/bin/bash
# Prints a directory with programs of Debian sid's packages, after fetching them where they are missing.
#   debian.sh [--cached] NAME PACKAGE...    with --cached nothing is fetched: exit code 1 where they are missing
# The packages are unpacked and not installed: programs written in Go need nothing but libc and run on any release.
# The mirror is the machine's own; apt works in directories of its own, so the machine stays as it is. An interrupted
# download leaves nothing; a second caller waits for the first.
set -euo pipefail
. "$(dirname "$0")/../apt.sh"
. "$(dirname "$0")/kept.sh"
cached=
[ "$1" != --cached ] || { cached=$1 && shift; }
name=$1
shift
target=$cache/$name-sid-$(uname -m)

kept "$target" "$cached"
echo "peers: fetching $* of Debian sid" >&2
mirror=$(apt_mirror)
[ -n "$mirror" ] || { echo 'peers: no mirror in the sources of apt' >&2; exit 1; }
work=$(mktemp -d "$cache/$name.XXXXXX")
trap 'rm -rf "$work"' EXIT

apt_view "$work" "$mirror" sid
apt-get -qq update >&2
cd "$work"
apt-get -qq download "$@" >&2
for package in ./*.deb; do dpkg-deb --extract "$package" unpacked; done
for program in unpacked/usr/bin/*; do "$program" --version >&2; done
mv unpacked/usr/bin "$target"
echo "$target"
