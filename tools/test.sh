#!/bin/sh
# npm test: sets up, then runs the parts of the suite (tools/suite/parts.ts; npm test -- --help).
# With CI=true a peer or a kernel feature that is missing is a failure, not a skip.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build
exec 9>build/.test-lock
flock -n 9 || {
  echo 'test: another run of the tests is under way in this tree' >&2
  exit 1
}
[ "${CI:-}" != true ] || export SETUP_NATIVE=required
sh tools/setup.sh
# Programs that tests compare with. Where they cannot be had, those tests fail or say why they are left out.
tools=
for tool in bpftool:bpftool ip:iproute2 openssl:openssl mke2fs:e2fsprogs mkfs.xfs:xfsprogs; do
  command -v "${tool%:*}" >/dev/null || tools="$tools ${tool#*:}"
done
if [ "$tools" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "test: installing$tools" >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends -o Dpkg::Use-Pty=0 $tools >&2 || :
fi
exec node_modules/.bin/node tools/suite/run.ts "$@"
