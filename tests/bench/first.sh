#!/bin/sh
# Runs a program, in a session of its own (setsid), before what else this
# machine does, as far as that is allowed: where the kernel groups processes by
# session (sched(7), autogroups), the group's nice value counts between sessions,
# not the process's.
#
#     setsid first.sh PROGRAM [ARGUMENT...]

nice=-15
[ ! -w /proc/self/autogroup ] || echo $nice 2>/dev/null >/proc/self/autogroup
[ "$(nice -n $nice nice 2>/dev/null)" -ge 0 ] || exec nice -n $nice "$@"
exec "$@"
