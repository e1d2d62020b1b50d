#!/bin/sh
# Prints a directory with `prometheus` and `promtool`; see debian.sh.
set -eu
exec "$(dirname "$0")/debian.sh" "$@" prometheus prometheus promtool
