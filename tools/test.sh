#!/bin/sh
# npm test: sets up, then runs every test. First what needs no kernel of its own, then, one file at a time, what does.
#   --unit   only the first part      --full   full loads (a million connections)
# With CI=true a peer or a kernel feature that is missing is a failure, not a skip.
set -eu
cd "$(dirname "$0")/.."
[ "${CI:-}" != true ] || export SETUP_NATIVE=required
sh tools/setup.sh
# Programs that tests compare with. Where they cannot be had, those tests fail or say why they are left out.
tools=
for tool in bpftool:bpftool ip:iproute2 openssl:openssl; do
  command -v "${tool%:*}" >/dev/null || tools="$tools ${tool#*:}"
done
if [ "$tools" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "test: installing$tools" >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends -o Dpkg::Use-Pty=0 $tools >&2 || :
fi
node=node_modules/.bin/node
case ${1:-} in
  --full) export TRUTH_CONNECTS=1000000 ;;
  --unit | '') ;;
  *) echo "usage: npm test [-- --unit | -- --full]" >&2 && exit 2 ;;
esac

"$node" --test 'src/**/*.test.ts' 'config/**/*.test.ts' 'test/agent/*.test.ts'
[ "${1:-}" = --unit ] || "$node" --test --test-concurrency=1 'test/addon/*.test.ts' 'test/node/*.test.ts' 'test/kernel/*.test.ts' 'test/peers/*.test.ts'
