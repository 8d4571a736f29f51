/*
 * autogroup: the processor's time that this process' session gets (sched(7)).
 *
 * With autogroups, which Debian and Raspberry Pi OS have, a process' nice value
 * counts only within its session, and every service is a session of its own: a
 * unit's Nice= alone changes nothing. The session's nice value does, which the
 * kernel lets be lowered as far as RLIMIT_NICE allows.
 *
 * Functions return 0 or a negative errno: -EAGAIN: the kernel takes one change
 * in a tenth of a second from all processes together; -ENOENT: it has none.
 */
#ifndef TAKEBOX_AUTOGROUP_H
#define TAKEBOX_AUTOGROUP_H

int autogroup_set(int nice);

/* To the process' own nice value, if whoever started us lowered that. */
int autogroup_follow(void);

#endif
