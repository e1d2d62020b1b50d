#!/bin/sh
# Prints a directory with `prometheus-node-exporter`; see debian.sh.
set -eu
exec "$(dirname "$0")/debian.sh" "$@" node-exporter prometheus-node-exporter
