/*
 * rate_watch: notices that an interface runs at another sample rate than it was
 * set to.
 *
 * A console that is switched from 48 to 44.1 kHz, or whose master clock is,
 * goes on sending: no call reports anything, there are just fewer frames. In
 * each half second the rate is measured; three in a row near the same other
 * standard rate are no loss and no drift. Pure; one thread, real time.
 */
#ifndef TAKEBOX_RATE_WATCH_H
#define TAKEBOX_RATE_WATCH_H

#include <stdint.h>

struct rate_watch {
	unsigned nominal;      /* Hz; 0: nothing is watched */
	uint64_t start_frames; /* of the window under way */
	int64_t start_ns;      /* 0: none yet */
	unsigned candidate;    /* Hz; 0: none */
	unsigned windows;      /* in a row that say so */
	uint64_t since;	       /* position at which the first of them began */
	uint64_t start_position;
};

void rate_watch_init(struct rate_watch *watch, unsigned nominal);

/* delivered: frames that the device has given in all, at time_ns; position:
 * where they stand on the tape. Returns the other rate once it is sure, and
 * since says from where on; else 0. */
unsigned rate_watch_feed(struct rate_watch *watch, uint64_t delivered,
			 uint64_t position, int64_t time_ns);

/* The device stopped, or was another one. */
void rate_watch_restart(struct rate_watch *watch);

#endif
