/*
 * meters: the levels of all channels, read from the tape at the pace of whoever
 * shows them. A reader like any other: it cannot disturb a recording.
 * Main thread.
 */
#ifndef TAKEBOX_METERS_H
#define TAKEBOX_METERS_H

#include <stdbool.h>

#include "engine/meter.h"
#include "engine/tape.h"

struct meters {
	bool peaks_only; /* RMS is not wanted: it costs ten times the rest */
	unsigned channels;
	uint64_t position; /* read up to here */
	uint8_t tape[16];  /* of which tape */
	struct meter meter[TAPE_CHANNELS_MAX];
};

/* Brings all up to what is published; another tape than last time resets. */
void meters_read(struct meters *meters, const struct tape *tape,
		 int64_t now_ns);
void meters_reset_clips(struct meters *meters);

#endif
