#!/bin/sh
# npm test: sets up, then runs every test. First what needs no kernel of its own, then, one file at a time, what does.
#   --unit   only the first part      --full   full loads (a million connections)
# With CI=true a peer or a kernel feature that is missing is a failure, not a skip.
set -eu
cd "$(dirname "$0")/.."
[ "${CI:-}" != true ] || export SETUP_NATIVE=required
sh tools/setup.sh
# The tests of what is left in the kernel look with bpftool; they say so where they cannot.
command -v bpftool >/dev/null || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null ||
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends -o Dpkg::Use-Pty=0 bpftool >&2 || :
node=node_modules/.bin/node
case ${1:-} in
  --full) export TRUTH_CONNECTS=1000000 ;;
  --unit | '') ;;
  *) echo "usage: npm test [-- --unit | -- --full]" >&2 && exit 2 ;;
esac

"$node" --test 'src/**/*.test.ts' 'config/**/*.test.ts' 'test/agent/*.test.ts'
[ "${1:-}" = --unit ] || "$node" --test --test-concurrency=1 'test/addon/*.test.ts' 'test/node/*.test.ts' 'test/kernel/*.test.ts' 'test/peers/*.test.ts'
