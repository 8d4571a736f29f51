/*
 * capture: the real-time thread's work, from the interface onto the tape.
 *
 * capture_run is the thread: it waits for the device, de-interleaves into the
 * tape, finds what was lost, publishes the position, and returns when the
 * device stops or is gone, when the limit is reached or when told to. It never
 * allocates, locks, logs, opens or writes; a check of its object's undefined
 * symbols against tests/rt-symbols.allow is among the tests. All that it
 * touches is in struct capture, filled in by the supervisor beforehand.
 */
#ifndef TAKEBOX_CAPTURE_H
#define TAKEBOX_CAPTURE_H

#include <stdatomic.h>

#include "drivers/pcm.h"
#include "engine/deinterleave.h"
#include "engine/posclock.h"
#include "engine/rate_watch.h"
#include "engine/tape_writer.h"

/* No frames for this long: the device has fallen silent, and says so. */
#define CAPTURE_SILENT_NS (300 * 1000000LL)
/* ... and for this long: it is dead, to be closed and opened again. */
#define CAPTURE_DEAD_NS (2000 * 1000000LL)

enum capture_end {
	CAPTURE_STOPPED, /* asked to (capture.stop) */
	CAPTURE_LIMIT,	 /* all frames up to the limit are on the tape */
	CAPTURE_GONE,	 /* the device is gone or dead */
	CAPTURE_RATE,	 /* it runs at another sample rate (other_rate) */
};

struct capture {
	struct pcm *pcm;
	struct tape_writer *writer;
	struct deinterleave deinterleave;
	struct posclock clock;
	uint64_t limit;	 /* stop at this position; UINT64_MAX: never */
	uint64_t buffer; /* frames of the device's buffer */
	uint64_t settle; /* frames held back while losses are looked for; with
			    the buffer at most half of the tape */
	unsigned period;
	int wake_fd; /* readable when stop was set */
	_Atomic bool stop;

	/* The next pair follows a pause of unknown length: it is filled up to
	 * where the clock's line says the position must be, under this kind. */
	bool realign;
	enum tape_event_kind realign_kind;

	struct rate_watch rate;
	uint64_t delivered;  /* frames that the device has given */
	unsigned other_rate; /* Hz; 0: it runs as it was set */

	bool ahead; /* of the tape's pages: frames were left in the device */

	int64_t last_frames_ns; /* when frames came last */
};

/* Everything captured is published when it returns. */
enum capture_end capture_run(struct capture *capture);

#endif
