#!/bin/sh
# Makes the tree ready to run or to test: packages of the system, npm packages, build. Does nothing that is done already,
# says what it does on standard error. Without root or without apt-get it goes on with what there is.
# SETUP_NATIVE=required makes a toolchain that cannot be had an error.
set -eu
cd "$(dirname "$0")/.."
say() { echo "setup: $*" >&2; }

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
need clang 'compiles the eBPF programs' command -v clang
need g++ 'compiles the native addon' command -v g++
need libelf-dev 'libbpf reads eBPF objects with it' header libelf.h
need zlib1g-dev 'libbpf reads kernel images with it' header zlib.h

if [ "$missing" ]; then
  say "this machine lacks:$missing$why"
  if [ "$(id -u)" != 0 ]; then
    say 'not root: install them yourself; until then the agent runs without the native side'
  elif ! command -v apt-get >/dev/null; then
    say 'no apt-get: install their likes yourself; until then the agent runs without the native side'
  else
    export DEBIAN_FRONTEND=noninteractive
    install() { apt-get install -qq --no-install-recommends -o Dpkg::Use-Pty=0 $missing >&2; }
    say "installing$missing"
    install 2>/dev/null || { say 'updating the package lists'; apt-get update -qq >&2; install; } ||
      say "apt-get could not install them: the agent runs without the native side"
  fi
fi

stamp=node_modules/.setup
wanted=$(cat package.json package-lock.json | sha256sum)
if [ "$(cat $stamp 2>/dev/null)" != "$wanted" ]; then
  say 'installing npm packages'
  npm ci --no-audit --no-fund --loglevel=error >&2
  echo "$wanted" >$stamp
fi
if [ ! -x node_modules/.bin/node ]; then
  say "there is no pinned Node for $(uname -m): x86_64 and aarch64 are supported"
  exit 1
fi

# One hash over the names and contents of everything that is built from.
built=build/.setup
sources=$(find src config ebpf addon tools -type f ! -name '*.test.ts' -print | LC_ALL=C sort | xargs cat package.json | sha256sum)
native=$(ls dist/addon.node dist/tcp.bpf.o dist/cgroup.bpf.o 2>/dev/null | wc -l)
if [ "$(cat $built 2>/dev/null)" != "$sources $native" ] || [ ! -e dist/agent.js ] ||
  { [ "$native" != 3 ] && [ ! "$missing" ]; }; then
  say 'building'
  option=
  [ "${SETUP_NATIVE:-}" != required ] || option=--require-native
  node_modules/.bin/node tools/build.ts $option
  mkdir -p build
  echo "$sources $(ls dist/addon.node dist/tcp.bpf.o dist/cgroup.bpf.o 2>/dev/null | wc -l)" >$built
fi
