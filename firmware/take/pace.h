/*
 * pace: how hard the encoders may try. When they fall behind the sound, the
 * compression level goes down before anything else gives way, and up again when
 * there has been room for a while.
 *
 * What is waiting alone says nothing: a medium that stood still for half a
 * minute is caught up with at any level. What counts is the load, the time that
 * encoding takes against the time that the sound lasts: it may be the higher,
 * the more of the tape is still free. Only the encoders' time is looked at: at
 * a lower level a slow medium would have even more to write.
 *
 * Pure state of the writer's thread; zeroed is not valid: pace_init.
 */
#ifndef TAKEBOX_PACE_H
#define TAKEBOX_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
	unsigned wanted, level; /* asked for; now */
	double load;		/* when it was last looked at */
	int64_t encode_ns;	/* since then */
	uint64_t frames, easy;	/* since then; with room for more, in a row */
};

struct pace_view {
	unsigned rate;
	uint64_t frames; /* that have been encoded since the last look */
	int64_t encode_ns;
	uint64_t waiting; /* on the tape and not encoded */
	uint64_t ring;	  /* what the tape holds */
	bool safe;	  /* nothing can be lost however long it takes */
};

void pace_init(struct pace *pace, unsigned level);

/* The level to go on with. */
unsigned pace_look(struct pace *pace, const struct pace_view *view);

#endif
