/*
 * Counts must fit exactly. Times need not: the clock's line is known to some
 * milliseconds and moves as more is learned, and a capture thread that is held
 * up for a moment has frames waiting. So a deviation counts only from half a
 * second on, and with the share of the time that a rate may be off; and frames
 * that are late must have come in the end, or have a gap.
 */
#include "take/verify_clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LATE_S	 5.0   /* frames that had not come yet */
#define EARLY_S	 0.5   /* frames before their time */
#define NEAR_S	 1.0   /* between a lag and the gap that explains it */
#define STEP_S	 1.0   /* from one entry to the next, */
#define STEP_PPM 10000 /* and what a rate may be off to be believed at all */
#define ALL_S	 0.5   /* from the first entry to the last, */
#define ALL_PPM	 200   /* and what rates are off beyond what they say */

struct entry {
	int64_t n, at, received, expected;
	int64_t uptime; /* ns; 0: not told */
	double ppm, ppm_error;
	bool locked; /* ppm is known */
	bool last;
};

struct clocks {
	const struct take_info *info;
	char *words;
	size_t size;
	bool fits;
	double surplus;	 /* frames that came without a time of their own */
	bool other_rate; /* the interface went over to one */
};

static void __attribute__((format(printf, 2, 3)))
complain(struct clocks *clocks, const char *format, ...)
{
	va_list args;

	if (!clocks->fits)
		return;
	clocks->fits = false;
	va_start(args, format);
	vsnprintf(clocks->words, clocks->size, format, args);
	va_end(args);
}

static int64_t number(const json_t *entry, const char *key)
{
	return json_integer_value(json_object_get(entry, key));
}

static bool read_entry(const json_t *json, struct entry *entry)
{
	const json_t *ppm = json_object_get(json, "ppm");
	const json_t *error = json_object_get(json, "ppm_error");

	*entry = (struct entry){
		.n = number(json, "n"),
		.at = number(json, "at"),
		.received = number(json, "received"),
		.expected = number(json, "expected"),
		.uptime = number(json, "uptime"),
		.ppm = json_number_value(ppm),
		.ppm_error = json_number_value(error),
		.locked = json_is_number(ppm) && json_is_number(error),
		.last = json_is_true(json_object_get(json, "last")),
	};
	return json_is_integer(json_object_get(json, "at")) &&
	       json_is_integer(json_object_get(json, "received")) &&
	       json_is_integer(json_object_get(json, "expected")) &&
	       entry->at >= 0 && entry->received >= 0;
}

static bool is_note(const json_t *note, const char *type)
{
	const char *name = json_string_value(json_object_get(note, "type"));

	return name && strcmp(name, type) == 0;
}

static void read_notes(struct clocks *clocks)
{
	size_t index;
	json_t *note;

	json_array_foreach(clocks->info->notes, index, note)
	{
		if (is_note(note, "surplus"))
			clocks->surplus += (double)number(note, "frames");
		clocks->other_rate |= is_note(note, "rate");
	}
}

/* Was what it says of the take's length taken back by a later entry? */
static bool taken_back(const struct clocks *clocks, const struct entry *entry)
{
	size_t index;
	json_t *note;

	json_array_foreach(clocks->info->notes, index, note)
	{
		if ((is_note(note, "resumed") || is_note(note, "healed")) &&
		    number(note, "n") > entry->n &&
		    number(note, "at") < entry->at)
			return true;
	}
	/* A medium that fails ends the take at what it had synced. */
	return strncmp(clocks->info->reason, "medium", 6) == 0 ||
	       strcmp(clocks->info->reason, "out of memory") == 0 ||
	       strcmp(clocks->info->reason, "damaged") == 0;
}

static void check_counts(struct clocks *clocks, const struct entry *entry)
{
	const struct take_info *info = clocks->info;
	int64_t frames = (int64_t)info->frames;

	/* A take begins before its first frame has come. */
	if (entry->at > 0 && entry->received < (int64_t)info->start + entry->at)
		complain(clocks,
			 "the clock entry %" PRId64 " has %" PRId64
			 " frames of the take when only %" PRId64 " had come",
			 entry->n, entry->at,
			 entry->received - (int64_t)info->start);
	if (!info->ended || taken_back(clocks, entry))
		return;
	if (entry->at > frames || (entry->last && entry->at != frames))
		complain(clocks,
			 "the clock entry %" PRId64 " counts %" PRId64
			 " frames; the take has %" PRId64,
			 entry->n, entry->at, frames);
}

/* A gap, or the end of the take, near the frames that had not come. */
static bool is_explained(const struct clocks *clocks, const struct entry *entry)
{
	const struct take_info *info = clocks->info;
	int64_t near = (int64_t)(NEAR_S * info->rate);
	int64_t from = entry->received - (int64_t)info->start - near;
	int64_t to = entry->expected - (int64_t)info->start + near;
	size_t index;
	json_t *gap;

	json_array_foreach(info->gaps, index, gap)
	{
		if (number(gap, "at") < to &&
		    number(gap, "at") + number(gap, "frames") > from)
			return true;
	}
	return !info->ended || (int64_t)info->frames <= to;
}

/* As many frames as time allows, no more and no fewer. */
static void check_time(struct clocks *clocks, const struct entry *entry)
{
	double rate = clocks->info->rate;
	double late = (double)(entry->expected - entry->received) / rate;

	if (!entry->locked)
		return;
	if (!(fabs(entry->ppm) <= STEP_PPM))
		complain(clocks,
			 "the clock entry %" PRId64
			 " has a rate that is %.0f ppm off",
			 entry->n, entry->ppm);
	if (late < -EARLY_S - clocks->surplus / rate && !clocks->other_rate)
		complain(clocks,
			 "by the clock entry %" PRId64
			 " there are %.3f s more frames than time for them",
			 entry->n, -late);
	if (late > LATE_S && !is_explained(clocks, entry))
		complain(clocks,
			 "by the clock entry %" PRId64
			 " frames of %.3f s are missing, and no gap names them",
			 entry->n, late);
}

static void check_order(struct clocks *clocks, const struct entry *a,
			const struct entry *b)
{
	bool back = taken_back(clocks, a);

	if (b->received < a->received || (b->at < a->at && !back) ||
	    (a->uptime && b->uptime && b->uptime < a->uptime))
		complain(clocks,
			 "the clock entry %" PRId64
			 " is from before the one that it stands behind",
			 b->n);
}

/* Frames that should have come between two entries against the time between
 * them, at the rate of the second. */
static void check_rate(struct clocks *clocks, const struct entry *a,
		       const struct entry *b, double seconds, double ppm)
{
	double rate = clocks->info->rate;
	double time = (double)(b->uptime - a->uptime) / 1e9;
	double should = time * rate * (1 + b->ppm / 1e6);
	double came = (double)(b->expected - a->expected);
	double allowed = rate * (seconds + time * ppm / 1e6) + clocks->surplus;

	if (!a->locked || !b->locked || !a->uptime || !b->uptime ||
	    clocks->other_rate || fabs(came - should) <= allowed)
		return;
	complain(clocks,
		 "between the clock entries %" PRId64 " and %" PRId64
		 " %.0f frames are counted; %.3f s have time for %.0f",
		 a->n, b->n, came, time, should);
}

static void check_all(struct clocks *clocks, const struct entry *first,
		      const struct entry *last)
{
	double ppm = ALL_PPM + fabs(first->ppm - last->ppm) +
		     4 * (first->ppm_error + last->ppm_error);

	check_rate(clocks, first, last, ALL_S, ppm);
}

bool verify_clock(const struct take_info *info, char *words, size_t size)
{
	struct clocks clocks = {
		.info = info, .words = words, .size = size, .fits = true};
	struct entry entry, before = {0}, first = {0}, newest = {0};
	size_t index;
	json_t *json;

	read_notes(&clocks);
	json_array_foreach(info->clocks, index, json)
	{
		if (!read_entry(json, &entry)) {
			complain(&clocks, "a clock entry is none");
			break;
		}
		check_counts(&clocks, &entry);
		check_time(&clocks, &entry);
		if (index > 0) {
			check_order(&clocks, &before, &entry);
			check_rate(&clocks, &before, &entry, STEP_S, STEP_PPM);
		}
		if (entry.locked && !first.locked)
			first = entry;
		if (entry.locked)
			newest = entry;
		before = entry;
	}
	check_all(&clocks, &first, &newest);
	return clocks.fits;
}
