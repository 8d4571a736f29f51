/* A ring: what is older than a tape's length is of no use to anybody. */
#include "transport/changes.h"

#include <stdio.h>

static struct change *add(struct changes *changes, uint64_t position)
{
	struct change *change = &changes->change[changes->count % CHANGES_MAX];

	changes->count++;
	*change = (struct change){.position = position};
	return change;
}

void changes_mark(struct changes *changes, uint64_t position, const char *name)
{
	struct change *change = add(changes, position);

	snprintf(change->name, sizeof(change->name), "%s", name);
}

void changes_arm(struct changes *changes, uint64_t position, unsigned track,
		 bool on)
{
	struct change *change = add(changes, position);

	change->track = track;
	change->on = on;
}

void changes_forget(struct changes *changes)
{
	changes->first = changes->count;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The first one that is there, from number on. */
static uint64_t oldest(const struct changes *changes, uint64_t number)
{
	uint64_t kept =
		changes->count < CHANGES_MAX ? 0 : changes->count - CHANGES_MAX;

	return larger(number, larger(kept, changes->first));
}

const struct change *changes_from(const struct changes *changes,
				  uint64_t *number)
{
	*number = oldest(changes, *number);
	return *number < changes->count
		       ? &changes->change[*number % CHANGES_MAX]
		       : NULL;
}

const struct change *changes_behind(const struct changes *changes,
				    uint64_t position, uint64_t *number)
{
	const struct change *change;

	for (; (change = changes_from(changes, number)); ++*number)
		if (change->position > position)
			return change;
	return NULL;
}

void changes_undo(const struct changes *changes, uint64_t position,
		  uint64_t since, struct config_track *tracks, unsigned count)
{
	since = oldest(changes, since);
	for (uint64_t i = changes->count; i > since; i--) {
		const struct change *change =
			&changes->change[(i - 1) % CHANGES_MAX];

		if (change->position > position && change->track >= 1 &&
		    change->track <= count)
			tracks[change->track - 1].armed = !change->on;
	}
}
