#!/bin/sh
# Prints a directory with `cadvisor`, made of cAdvisor's packages (test/bench/cadvisor); see module.sh.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/module.sh" "$@" "$here/../../test/bench/cadvisor" -ldflags '-s -w' .
