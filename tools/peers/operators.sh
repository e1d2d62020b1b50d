#!/bin/sh
# Prints a directory with `operators`, which knows objects of the Prometheus operator and of OpenShift (operators/main.go); see
# module.sh. Takes a minute of CPU the first time.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/module.sh" "$@" "$here/operators" -ldflags '-s -w' .
