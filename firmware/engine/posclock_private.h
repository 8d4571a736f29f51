/* What posclock.c (steps) and posclock_rate.c (the line's rate) share. All of
 * it is for the one thread that feeds the clock. */
#ifndef TAKEBOX_POSCLOCK_PRIVATE_H
#define TAKEBOX_POSCLOCK_PRIVATE_H

#include "engine/posclock.h"

#define POSCLOCK_SPARSE_STEP_NS                                                \
	200e3			  /* what few pairs can tell for certain       \
				   */
#define POSCLOCK_WINDOWS_FIRST 10 /* of noise before the first step */

static inline double posclock_late_ns(const struct posclock *clock,
				      const struct posclock_pair *pair)
{
	int64_t frames = pair->position - clock->anchor.position;

	return (double)(pair->time_ns - clock->anchor.time_ns) -
	       (double)frames * clock->frame_ns;
}

/* The pair fed age pairs ago. */
static inline struct posclock_recent *posclock_recent(struct posclock *clock,
						      unsigned age)
{
	return &clock->recent[(clock->newest - age) % POSCLOCK_WINDOW];
}

/* What a pointer that moves in ticks can be off by. */
double posclock_tick_ns(const struct posclock *clock);

/* Forgets all pairs; rate, lock and noise stay. */
void posclock_forget_pairs(struct posclock *clock);
void posclock_forget_rate(struct posclock *clock);

/* The newest pair is a point of the line, if no other of its block is better.
 * May turn and lock the line; clock->early_step is then what was lost before it
 * was locked. */
void posclock_offer(struct posclock *clock, double late_ns);

#endif
