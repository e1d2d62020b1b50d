#!/bin/sh
# Prints a directory with `helm` (4) and `kubeconform`, of the versions in helm/go.mod; see module.sh.
# Takes seven minutes of CPU the first time.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=$(awk '$1 == "helm.sh/helm/v4" { print $2 }' "$here/helm/go.mod")
exec "$here/module.sh" "$@" "$here/helm" -ldflags "-s -w -X helm.sh/helm/v4/internal/version.version=$version" tool
