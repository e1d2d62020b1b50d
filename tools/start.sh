#!/bin/sh
# npm start: sets up what is missing, then becomes the agent, so that signals and the exit code are its own.
set -eu
cd "$(dirname "$0")/.."
sh tools/setup.sh
# Half of the default for short-lived objects costs a little CPU and saves 10 MB.
# One malloc arena for all threads, or each short-lived thread of the addon leaves one: 14 MB in all.
export MALLOC_ARENA_MAX=1
exec node_modules/.bin/node --max-semi-space-size=1 dist/agent.js "$@"
