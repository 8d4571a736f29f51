/*
 * changes: markers, and tracks armed and disarmed, as they were asked for, for
 * takes that have to have them later: one that goes on with what another one's
 * medium has lost, and the mirror of one that had to have its name first.
 *
 * Positions are the tape's. Each change has a number, from 0 on; the last
 * CHANGES_MAX are kept. Pure; any one thread.
 */
#ifndef TAKEBOX_CHANGES_H
#define TAKEBOX_CHANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"

#define CHANGES_MAX 256

struct change {
	uint64_t position;
	unsigned track; /* armed or disarmed; its number; 0: a marker */
	bool on;
	char name[CONFIG_NAME_MAX]; /* of the marker */
};

struct changes {
	struct change change[CHANGES_MAX];
	uint64_t first; /* that counts; those before it are forgotten */
	uint64_t count; /* ever; the number of the next one */
};

void changes_mark(struct changes *changes, uint64_t position, const char *name);
void changes_arm(struct changes *changes, uint64_t position, unsigned track,
		 bool on);

/* Their positions mean nothing any more. */
void changes_forget(struct changes *changes);

/* The first one from number on that is kept; its number is put into number.
 * NULL: none. */
const struct change *changes_from(const struct changes *changes,
				  uint64_t *number);

/* The same, of those that are behind position. */
const struct change *changes_behind(const struct changes *changes,
				    uint64_t position, uint64_t *number);

/* Makes of tracks as they are armed now those that they were at position, but
 * for what was changed before number since. */
void changes_undo(const struct changes *changes, uint64_t position,
		  uint64_t since, struct config_track *tracks, unsigned count);

#endif
