#!/bin/sh
# enter.sh NAME COMMAND...: COMMAND in the cgroups of the node NAME.
name=$1
shift
for directory in $(findmnt -rnt cgroup,cgroup2 -o TARGET); do echo $$ >"$directory/$name/cgroup.procs" || exit; done
exec "$@"
