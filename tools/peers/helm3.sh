#!/bin/sh
# Prints a directory with `helm` (3), of the version in helm3/go.mod; see module.sh. Takes four minutes of CPU the first time.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=$(awk '$1 == "helm.sh/helm/v3" { print $2 }' "$here/helm3/go.mod")
exec "$here/module.sh" "$@" "$here/helm3" -ldflags "-s -w -X helm.sh/helm/v3/internal/version.version=$version" tool
