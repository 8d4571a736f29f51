/*
 * Levels that are worth a step, for mono: those between cost what their
 * neighbours do (tests/perf/bench.sh levels).
 */
#include "take/pace.h"

#include <stddef.h>

#include "base/clock.h"

#define LOOK_SECONDS	 1  /* of sound or of work, between two decisions */
#define WAITING_SECONDS	 1  /* that are nothing to worry about */
#define EASY_SECONDS	 30 /* before it goes up */
#define COMFORTABLE_LOAD 0.7

/* cost: of encoding, relative to the lowest level. */
static const struct {
	unsigned level;
	double cost;
} steps[] = {{0, 1.0}, {3, 1.2}, {5, 1.35}, {6, 1.8}, {8, 2.8}};

#define STEPS (sizeof(steps) / sizeof(*steps))

void pace_init(struct pace *pace, unsigned level)
{
	*pace = (struct pace){.wanted = level, .level = level};
}

/* The step that a level is on, or the next one below it. */
static size_t step_of(unsigned level)
{
	size_t i = STEPS - 1;

	while (i > 0 && steps[i].level > level)
		i--;
	return i;
}

/* What the load may be at most: the less, the more of the tape is in use. */
static double load_limit(const struct pace_view *view)
{
	return view->waiting < view->ring
		       ? 1.0 - (double)view->waiting / (double)view->ring
		       : 0.0;
}

static bool falls_behind(const struct pace *pace, const struct pace_view *view)
{
	uint64_t fine = (uint64_t)WAITING_SECONDS * view->rate;

	if (fine > view->ring / 4)
		fine = view->ring / 4;
	return !view->safe && view->waiting > fine &&
	       pace->load > load_limit(view);
}

/* To the first level below that will do. */
static void lower(struct pace *pace, const struct pace_view *view)
{
	double one = pace->load / steps[step_of(pace->level)].cost;
	size_t i = step_of(pace->level);

	if (steps[i].level == pace->level && i > 0)
		i--;
	while (i > 0 && one * steps[i].cost > load_limit(view))
		i--;
	pace->level = steps[i].level;
	pace->easy = 0;
}

/* The highest level that would do with time to spare. */
static unsigned comfortable(const struct pace *pace)
{
	double one = pace->load / steps[step_of(pace->level)].cost;
	unsigned level = pace->level;

	for (size_t i = 0; i < STEPS && steps[i].level < pace->wanted; i++)
		if (steps[i].level > level &&
		    one * steps[i].cost < COMFORTABLE_LOAD)
			level = steps[i].level;
	return one * steps[step_of(pace->wanted)].cost < COMFORTABLE_LOAD
		       ? pace->wanted
		       : level;
}

static void raise_if_easy(struct pace *pace, const struct pace_view *view,
			  uint64_t frames)
{
	unsigned level = comfortable(pace);

	if (level <= pace->level ||
	    view->waiting >= (uint64_t)WAITING_SECONDS * view->rate) {
		pace->easy = 0;
		return;
	}
	pace->easy += frames;
	if (pace->easy < (uint64_t)EASY_SECONDS * view->rate)
		return;
	pace->easy = 0;
	pace->level = level;
}

unsigned pace_look(struct pace *pace, const struct pace_view *view)
{
	uint64_t frames;

	pace->frames += view->frames;
	pace->encode_ns += view->encode_ns;
	if (pace->frames < (uint64_t)LOOK_SECONDS * view->rate &&
	    pace->encode_ns < LOOK_SECONDS * NS_PER_S)
		return pace->level;
	frames = pace->frames;
	pace->load = (double)pace->encode_ns * view->rate /
		     ((double)frames * NS_PER_S);
	pace->frames = 0;
	pace->encode_ns = 0;
	if (falls_behind(pace, view))
		lower(pace, view);
	else
		raise_if_easy(pace, view, frames);
	return pace->level;
}
