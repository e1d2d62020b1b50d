#!/bin/bash
# Prints the path of a Go command that can build the peers. From the machine if it is new enough, else the
# module `golang.org/toolchain`, which any Go that knows modules can fetch; the machine's package manager
# provides that first Go where there is none.
set -euo pipefail
. "$(dirname "$0")/../apt.sh"
wanted=1.26.0

if ! command -v go >/dev/null; then
  echo 'peers: installing golang-go (to fetch the Go that builds the Collector)' >&2
  apt_install golang-go
fi

export GOTOOLCHAIN=local
have=$(go env GOVERSION)
if [ "$(printf '%s\n' "${have#go}" "$wanted" | sort -V | head -n 1)" = "$wanted" ]; then
  command -v go
  exit
fi

module=golang.org/toolchain@v0.0.1-go$wanted.$(go env GOOS)-$(go env GOARCH)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
# Module archives carry no execute bits; Go's own toolchain switch sets them the same way.
root=$(go mod download -json "$module" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",\{0,1\}$/\1/p')
find "$root/bin" "$root/pkg/tool" -type f -exec chmod a+x {} +
echo "$root/bin/go"
