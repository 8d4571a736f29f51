/*
 * debounce: from the edges of one contact to what was done with it.
 *
 * A button counts from the first edge of a press, with that edge's own time
 * stamp: a press is placed where it happened, and nothing waits for the contact
 * to come to rest. Then the line is locked out until it has been released for
 * the quiet time without a break, so that no chatter, while pressing, holding
 * or letting go, makes a second press of one. The release, which nothing
 * depends on so closely, is told afterwards, with the time of its edge.
 *
 * A switch counts by its stable state: what it has been for the settling time
 * without a break, with the time of the first edge away from the old state. Its
 * first state is told, too; a button that is held from the start is not a
 * press, and must be let go first.
 *
 * The kernel stamps an edge when it happens but reads the level a little later,
 * and by then a bouncing contact may have opened again: such an edge comes as
 * one to the level that the line has already. Alone it is a spike and nothing;
 * before a press it is the press's first edge. Levels that were read instead of
 * seen as edges (after lost events, on polled lines) are given with the time of
 * reading.
 *
 * Pure; the fields are private. Times are CLOCK_MONOTONIC, ns.
 */
#ifndef TAKEBOX_DEBOUNCE_H
#define TAKEBOX_DEBOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#define DEBOUNCE_NEVER INT64_MAX

struct debounce {
	bool latched;
	int64_t quiet_ns;
	bool known;	   /* a level has been seen */
	bool told;	   /* a switch's state has been told at all */
	bool level;	   /* as it was seen last */
	bool clean;	   /* as it was told last */
	int64_t edge_ns;   /* of level */
	int64_t unrest_ns; /* switch: first edge away from clean; else NEVER */
	int64_t spike_ns, spiked_ns; /* button: first and last of a run of
					edges at rest */
};

struct debounce_change {
	bool active;
	int64_t time_ns;
};

/* quiet_seconds: the lock-out of a button, the settling time of a switch. */
void debounce_init(struct debounce *debounce, bool latched,
		   double quiet_seconds);

/*
 * A level from time_ns on; seen: by an edge. What quiet time before that has
 * decided is told first: up to two changes, in order of time; returns how many.
 * Out-of-order times count as the newest one seen.
 */
unsigned debounce_feed(struct debounce *debounce, bool active, bool seen,
		       int64_t time_ns, struct debounce_change change[2]);

/* What has been decided by now_ns, at most one change. All edges up to now_ns
 * must have been fed. */
unsigned debounce_run(struct debounce *debounce, int64_t now_ns,
		      struct debounce_change change[1]);

/* When debounce_run will have something to tell; DEBOUNCE_NEVER. */
int64_t debounce_deadline(const struct debounce *debounce);

/* The clean state as told is final up to here: a release that is being waited
 * for may still turn out to have been earlier than now_ns. */
int64_t debounce_certain(const struct debounce *debounce, int64_t now_ns);

#endif
