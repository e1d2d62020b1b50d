#!/bin/sh
# Prints a directory with the programs of a Kubernetes control plane and node, of the versions in kubernetes/go.mod; see module.sh.
# Takes ten minutes of CPU and 4 GB of Go's caches the first time.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=$(awk '$2 == "k8s.io/kubernetes" { print $3 }' "$here/kubernetes/go.mod")
exec "$here/module.sh" "$@" "$here/kubernetes" -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" tool
