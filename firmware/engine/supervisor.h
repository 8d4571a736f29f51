/*
 * supervisor: opens the interface, runs the capture thread on it, and keeps the
 * tape going when the interface goes away.
 *
 * One thread (takebox-tape's main) calls everything here. The capture thread
 * is its own. supervisor_tick is called when supervisor_fd is readable and at
 * least every SUPERVISOR_TICK_MS.
 */
#ifndef TAKEBOX_SUPERVISOR_H
#define TAKEBOX_SUPERVISOR_H

#include <stdbool.h>

#include "engine/tape_link.h"
#include "engine/tape_writer.h"

#define SUPERVISOR_TICK_MS 100
#define CAPTURE_HUNG_NS	   (5 * INT64_C(1000000000))

struct supervisor;

struct supervisor *supervisor_create(void); /* NULL: out of memory */
void supervisor_destroy(struct supervisor *supervisor);

/*
 * Opens what is asked for, or keeps the tape that fits already. 0, or a
 * negative errno with the reason in message (size as in struct tape_reply).
 * With request->keep_trying a missing interface is tried again at each tick.
 */
int supervisor_open(struct supervisor *supervisor,
		    const struct tape_request *request, char *message,
		    size_t size);

/* Before supervisor_open: goes on with the tape behind fd, of a process that
 * died, if there is no tape yet and that one fits the request. The interface is
 * then one that is away, and comes back with the next ticks. fd stays the
 * caller's. False: it does not fit, or cannot be had. */
bool supervisor_adopt(struct supervisor *supervisor,
		      const struct tape_request *request, int fd);

/* The tape to hand out, or NULL. */
const struct tape_writer *supervisor_tape(const struct supervisor *supervisor);
bool supervisor_realtime(const struct supervisor *supervisor);

/* False when the capture thread has not come round for CAPTURE_HUNG_NS. An
 * interface that is missing, or not wanted yet, is no reason. */
bool supervisor_goes_on(const struct supervisor *supervisor, int64_t now_ns);

int supervisor_fd(const struct supervisor *supervisor);

/* True if the tape is another one than before (one was opened). */
bool supervisor_tick(struct supervisor *supervisor);

#endif
