/*
 * tape_pages: the pages of a tape, made a part at a time.
 *
 * The capture thread must never meet a page that is not there yet, and making
 * all of a long tape's takes seconds on a small machine: seconds in which
 * nothing could be recorded. So the supervisor makes those of the next few
 * seconds, starts the capture thread, and lets a thread of its own make the
 * rest, always ahead of it: tape_writer.filled says how far that is, and the
 * capture thread leaves in the device what would go further
 * (tape_writer_room).
 *
 * Called by the supervisor, not in real time.
 */
#ifndef TAKEBOX_TAPE_PAGES_H
#define TAKEBOX_TAPE_PAGES_H

#include <pthread.h>

#include "engine/tape_writer.h"

#define TAPE_AHEAD_SECONDS 4 /* that have pages when capture begins */

/* The writer's pages under [position, position + frames), round the ring, are
 * there and mapped when it returns; what is in them stays as it is. They are
 * locked if the mapping is (mlockall with MCL_ONFAULT). 0 or -ENOMEM. */
int tape_pages_make(const struct tape_writer *writer, uint64_t position,
		    uint64_t frames);

/* Locks all memory that there is: the tape, if there is one yet, code, stacks.
 * While pages of the tape are still to be made, each is locked when it is; so
 * that all the rest is there by then, this is called before there is a tape,
 * too. False, with errno: it cannot be; pages are mapped all the same. */
bool tape_pages_lock(const struct tape_writer *writer);

struct tape_filler {
	struct tape_writer *writer;
	uint64_t end; /* position up to which pages are to be made */
	pthread_t thread;
	_Atomic bool stop;
	bool running;
};

/* Makes all pages that are not there yet, from writer->filled once round the
 * ring that begins at position, in a thread, or without one if there can be
 * none. Nothing to do: fine. */
void tape_filler_start(struct tape_filler *filler, struct tape_writer *writer,
		       uint64_t position);

/* On a tape whose producer died: makes the pages of the next seconds, then all
 * others in the same way. */
void tape_filler_go_on(struct tape_filler *filler, struct tape_writer *writer);
void tape_filler_stop(struct tape_filler *filler); /* also of a zeroed one */

#endif
