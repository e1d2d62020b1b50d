#!/bin/bash
# Prints the path of the OpenTelemetry Collector of collector.yaml, after building it where it is missing.
#   collector.sh [--cached]    with --cached nothing is built: exit code 1 where it is missing
# Takes six minutes of CPU the first time. An interrupted build leaves nothing; a second caller waits for the first.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/kept.sh"
manifest=$here/collector.yaml
version=$(awk '/^  version:/ { print $2 }' "$manifest")
binary=$cache/otelcol-$version-$(uname -m)-$(sha256sum <"$manifest" | cut -c1-12)

kept "$binary" "${1:-}"
go=$("$here/go.sh")
work=$(mktemp -d "$cache/otelcol.XXXXXX")
trap 'rm -rf "$work"' EXIT
export CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS='-modcacherw -mod=mod' GOWORK=off
echo "peers: building the OpenTelemetry Collector $version" >&2

sed "s|^dist:|&\n  output_path: $work/sources|" "$manifest" >"$work/manifest.yaml"
GOBIN=$work "$go" install "go.opentelemetry.io/collector/cmd/builder@v$version" >&2
# The builder writes the sources only: its own `go mod tidy` also wants the modules of every component's tests.
PATH=$(dirname "$go"):$PATH "$work/builder" --config "$work/manifest.yaml" \
  --skip-get-modules --skip-compilation >&2

cd "$work/sources"
[ -e go.mod ] || "$go" mod init otelcol >&2
requirements=$(awk '/gomod:/ { print "-require=" $3 "@" $4 }' "$manifest")
# shellcheck disable=SC2086 # one word a requirement
"$go" mod edit "-require=go.opentelemetry.io/collector/otelcol@v$version" $requirements
"$go" build -trimpath -ldflags '-s -w' -o "$work/otelcol" . >&2
mv "$work/otelcol" "$binary"
echo "$binary"
