# Sourced by scripts that print the path of something they make once: where it is kept, one maker at a time.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/otel-node-agent

# kept TARGET [--cached]: prints the target and ends the script where it is there, with --cached the script ends with 1 where it is
# not. Otherwise holds the lock until the script ends: a second caller waits here for the first.
kept() {
  if [ -e "$1" ]; then echo "$1" && exit; fi
  [ "${2:-}" != --cached ] || exit 1
  mkdir -p "$cache"
  exec 9>"$1.lock"
  flock 9
  if [ -e "$1" ]; then echo "$1" && exit; fi
}
