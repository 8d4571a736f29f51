/*
 * notify: what the service manager is told, and when its watchdog is fed.
 *
 * The protocol is sd_notify(3)'s: a datagram of "NAME=value" lines to the
 * socket that NOTIFY_SOCKET names. It is spoken here and not through
 * libsystemd, as that page allows, since libsystemd would bring five more
 * libraries (compression, cryptography) into a process that has locked its
 * memory and otherwise links only ALSA.
 *
 * Without a service manager all of it does nothing. Main thread only.
 */
#ifndef TAKEBOX_NOTIFY_H
#define TAKEBOX_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

struct notify {
	int fd;		     /* -1: nobody wants to know */
	int kept;	     /* what notify_keep gave the manager before this
				process was started anew; -1: nothing. Whoever
				takes it puts -1 here. */
	int64_t interval_ns; /* of the watchdog; 0: none */
	int64_t fed_ns;
};

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID and LISTEN_* out of the
 * environment, so that no child speaks for us. */
void notify_init(struct notify *notify);
void notify_finish(struct notify *notify); /* of a zeroed one, too */

/* Lines such as "READY=1". 0; -ENOTCONN: nobody wants to know; negative errno.
 */
int notify_tell(struct notify *notify, const char *lines);

/* Has the manager keep a descriptor over this process's death, the only one:
 * what was kept before is let go of first (fd -1: that alone). systemd does so
 * where the unit has FileDescriptorStoreMax=. fd stays the caller's. As
 * notify_tell. */
int notify_keep(struct notify *notify, int fd);

/* Feeds the watchdog if the work advances, at most four times per interval. To
 * be called often: what is not called does not feed. */
void notify_feed(struct notify *notify, bool advances, int64_t now_ns);

/*
 * Whether work goes on, judged from a number that changes when it does.
 *
 * progress_goes_on is false from the moment that value has been the same for
 * more than limit_ns although there was something to do (wanted).
 */
struct progress {
	uint64_t value;
	int64_t since_ns; /* 0: not asked yet */
};

bool progress_goes_on(struct progress *progress, uint64_t value, bool wanted,
		      int64_t limit_ns, int64_t now_ns);

#endif
