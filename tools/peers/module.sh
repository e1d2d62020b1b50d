#!/bin/bash
# Prints a directory with the programs of a Go module of this repository, after building them where they are missing.
#   module.sh [--cached] FOLDER ARGUMENTS    those of `go build`; with --cached nothing is built: exit code 1 where they are missing
# What is fetched must have the hashes of the module's go.sum. An interrupted build leaves nothing; a second caller waits for
# the first.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/kept.sh"
cached=
[ "$1" != --cached ] || { cached=$1 && shift; }
folder=$1
shift
name=$(basename "$folder")
shopt -s nullglob
sources=("$folder"/go.* "$folder"/*.go)
target=$cache/$name-$(uname -m)-$(cat "${sources[@]}" | sha256sum | cut -c1-12)

kept "$target" "$cached"
go=$("$here/go.sh")
work=$(mktemp -d "$cache/$name.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "peers: building $name" >&2
cd "$folder"
CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS='-modcacherw -mod=readonly' \
  "$go" build -trimpath -o "$work/programs/" "$@" >&2
mv "$work/programs" "$target"
echo "$target"
