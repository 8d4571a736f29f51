/*
 * A tape: whether the offset between positions and the device's frames changes
 * only where a ledger says that something was lost, and by as much.
 *
 * A loss found by the clock has its silence some frames beside its place, so
 * losses are looked at together with what lies within their uncertainty: a
 * place. What is lost there and what is silent there must come to the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/account.h"

/* Where a length is the clock's, it is right to 3 ms at 48 kHz; a loss that it
 * found itself to a frame. Others are exact. */
#define CLOCK_FRAMES  144
#define SILENT_FRAMES 1

struct place {
	uint64_t from, to; /* with its uncertainty */
	unsigned losses;
	const struct loss *first;
	uint64_t allowed, frames;
	int64_t sum; /* of the changes of the offset */
	uint64_t seam_off;
	bool open; /* a take begins or ends in it */
};

static uint64_t run_end(const struct run *run)
{
	return run->at + run->frames;
}

static int64_t offset(const struct run *run)
{
	return run->device - (int64_t)run->at;
}

static int by_run(const void *a, const void *b)
{
	const struct run *one = a, *other = b;

	return (one->at > other->at) - (one->at < other->at);
}

static int by_loss(const void *a, const void *b)
{
	const struct loss *one = a, *other = b;

	return (one->at > other->at) - (one->at < other->at);
}

/* Two takes may have the same frames: each once. */
static void merge_runs(struct list *runs)
{
	struct run *run = runs->items;
	unsigned kept = 0;

	if (runs->count == 0)
		return;
	qsort(run, runs->count, sizeof(*run), by_run);
	for (unsigned i = 1; i < runs->count; i++) {
		struct run *last = &run[kept];
		struct run next = run[i];
		uint64_t end = run_end(last), twice;

		if (next.at <= end && offset(&next) == offset(last)) {
			if (run_end(&next) > end)
				last->frames = run_end(&next) - last->at;
			continue;
		}
		twice = end > next.at ? end - next.at : 0;
		if (twice >= next.frames)
			continue;
		next.at += twice;
		next.device += (int64_t)twice;
		next.frames -= twice;
		run[++kept] = next;
	}
	runs->count = kept + 1;
}

static void merge_losses(struct list *losses)
{
	struct loss *loss = losses->items;
	unsigned kept = 0;

	if (losses->count == 0)
		return;
	qsort(loss, losses->count, sizeof(*loss), by_loss);
	for (unsigned i = 1; i < losses->count; i++) {
		struct loss *last = &loss[kept];
		uint64_t end = loss[i].at + loss[i].frames;

		if (strcmp(last->cause, loss[i].cause) != 0 ||
		    loss[i].at > last->at + last->frames) {
			loss[++kept] = loss[i];
			continue;
		}
		if (end > last->at + last->frames)
			last->frames = end - last->at;
		if (loss[i].uncertainty > last->uncertainty)
			last->uncertainty = loss[i].uncertainty;
	}
	losses->count = kept + 1;
}

static uint64_t allowance(const struct loss *loss)
{
	if (strcmp(loss->cause, "silent") == 0)
		return SILENT_FRAMES;
	if (strcmp(loss->cause, "absent") == 0 ||
	    strcmp(loss->cause, "stopped") == 0 ||
	    strcmp(loss->cause, "died") == 0)
		return CLOCK_FRAMES;
	return 0;
}

static struct list find_places(const struct list *losses)
{
	const struct loss *loss = losses->items;
	struct list places = LIST(struct place);
	struct place *place = NULL;

	for (unsigned i = 0; i < losses->count; i++) {
		uint64_t unsure = loss[i].uncertainty;
		uint64_t from = loss[i].at > unsure ? loss[i].at - unsure : 0;
		uint64_t to = loss[i].at + loss[i].frames + unsure;

		if (!place || from > place->to) {
			place = list_add(&places);
			*place = (struct place){from, to, .first = &loss[i]};
		}
		place->from = from < place->from ? from : place->from;
		place->to = to > place->to ? to : place->to;
		place->losses++;
		place->frames += loss[i].frames;
		place->allowed += allowance(&loss[i]);
	}
	return places;
}

static struct place *place_of(const struct list *places, uint64_t from,
			      uint64_t to)
{
	struct place *place = places->items;

	for (unsigned i = 0; i < places->count; i++)
		if (place[i].from <= from && to <= place[i].to)
			return &place[i];
	return NULL;
}

/* How far losses reach without a break from at on, to end at most. */
static uint64_t named_from(const struct list *losses, uint64_t at, uint64_t end)
{
	const struct loss *loss = losses->items;

	for (unsigned i = 0; i < losses->count && at < end; i++)
		if (loss[i].at <= at && loss[i].at + loss[i].frames > at)
			at = loss[i].at + loss[i].frames;
	return at < end ? at : end;
}

static uint64_t named_back(const struct list *losses, uint64_t at, uint64_t low)
{
	const struct loss *loss = losses->items;

	for (unsigned i = losses->count; i-- > 0 && at > low;)
		if (loss[i].at < at && loss[i].at + loss[i].frames >= at)
			at = loss[i].at;
	return at > low ? at : low;
}

static void know(struct list *known, int64_t from, int64_t to)
{
	struct stretch *stretch;

	if (to <= from)
		return;
	stretch = list_add(known);
	*stretch = (struct stretch){from, to};
}

static uint64_t magnitude(int64_t value)
{
	return (uint64_t)(value < 0 ? -value : value);
}

static void open_at(const struct list *places, uint64_t at)
{
	struct place *place = place_of(places, at, at);

	if (place)
		place->open = true;
}

/* Takes of nothing but silence, between two others. */
static void know_between(const struct tape_story *story, uint64_t from,
			 uint64_t to, int64_t offset_there, struct list *known)
{
	const struct loss *loss = story->losses.items;

	for (unsigned i = 0; i < story->losses.count; i++) {
		int64_t device = (int64_t)loss[i].at + offset_there;

		if (loss[i].at >= from && loss[i].at + loss[i].frames <= to)
			know(known, device, device + (int64_t)loss[i].frames);
	}
}

/* How far from a loss's silence. */
static uint64_t beside(const struct loss *loss, uint64_t at)
{
	uint64_t end = loss->at + loss->frames;

	if (at >= end)
		return at - end;
	return at < loss->at ? loss->at - at : 0;
}

/* From one run to the next; returns frames out of place. */
static uint64_t cross(const struct tape_story *story, const struct list *places,
		      const struct run *before, const struct run *after,
		      struct list *known)
{
	uint64_t end = run_end(before);
	int64_t last = before->device + (int64_t)before->frames;
	uint64_t named = named_from(&story->losses, end, after->at);
	uint64_t back = named_back(&story->losses, after->at, end);
	struct place *place;
	int64_t change = offset(after) - offset(before);

	if (named < after->at) { /* nothing was recorded in between */
		know(known, last, last + (int64_t)(named - end));
		know(known, after->device - (int64_t)(after->at - back),
		     after->device);
		know_between(story, end, after->at, offset(before), known);
		open_at(places, end);
		open_at(places, after->at);
		return 0;
	}
	know(known, last, after->device);
	place = place_of(places, end, after->at);
	if (!place) {
		printf("tape %.8s: %lld frames out of place at %llu, and no "
		       "ledger says so\n",
		       story->id, (long long)change, (unsigned long long)end);
		return magnitude(change);
	}
	place->sum += change;
	if (end == after->at && beside(place->first, end) > place->seam_off)
		place->seam_off = beside(place->first, end);
	return 0;
}

static void add_cause(struct list *causes, const struct place *place)
{
	struct cause *cause = causes->items;
	unsigned i = 0;

	while (i < causes->count &&
	       strcmp(cause[i].name, place->first->cause) != 0)
		i++;
	if (i == causes->count) {
		cause = list_add(causes);
		*cause = (struct cause){.times = 0};
		memcpy(cause->name, place->first->cause, sizeof(cause->name));
		cause = causes->items;
	}
	cause += i;
	cause->times += place->losses;
	cause->frames += place->frames;
	if (place->frames > cause->longest)
		cause->longest = place->frames;
	if (!place->open && magnitude(place->sum) > cause->worst_length)
		cause->worst_length = magnitude(place->sum);
	if (place->seam_off > cause->worst_place)
		cause->worst_place = place->seam_off;
}

static uint64_t judge_places(const struct tape_story *story,
			     const struct list *places, struct list *causes)
{
	const struct place *place = places->items;
	uint64_t faults = 0;

	for (unsigned i = 0; i < places->count; i++) {
		add_cause(causes, &place[i]);
		if (place[i].open ||
		    magnitude(place[i].sum) <= place[i].allowed)
			continue;
		printf("tape %.8s: at %llu %llu frames are named lost (%s), "
		       "and %lld more are\n",
		       story->id, (unsigned long long)place[i].first->at,
		       (unsigned long long)place[i].frames,
		       place[i].first->cause, (long long)place[i].sum);
		faults += magnitude(place[i].sum);
	}
	return faults;
}

uint64_t account_tape(struct tape_story *story, struct list *known,
		      struct list *causes)
{
	struct list places;
	const struct run *run;
	uint64_t faults = 0;

	merge_runs(&story->runs);
	merge_losses(&story->losses);
	places = find_places(&story->losses);
	run = story->runs.items;
	for (unsigned i = 0; i < story->runs.count; i++) {
		int64_t end = run[i].device + (int64_t)run[i].frames;
		bool last = i + 1 == story->runs.count;
		uint64_t named = named_from(&story->losses, run_end(&run[i]),
					    UINT64_MAX);

		know(known, run[i].device, end);
		if (i == 0) {
			uint64_t back =
				named_back(&story->losses, run[i].at, 0);

			know(known, run[i].device - (int64_t)(run[i].at - back),
			     run[i].device);
			open_at(&places, run[i].at);
		}
		if (!last)
			faults += cross(story, &places, &run[i], &run[i + 1],
					known);
		else {
			know(known, end,
			     end + (int64_t)(named - run_end(&run[i])));
			open_at(&places, run_end(&run[i]));
		}
	}
	faults += judge_places(story, &places, causes);
	list_free(&places);
	return faults;
}

/* ---- what is missing ---- */

static int by_frame(const void *a, const void *b)
{
	const struct stretch *one = a, *other = b;

	return (one->from > other->from) - (one->from < other->from);
}

uint64_t account_missing(const struct stretch *wanted, struct list *known,
			 const char *words)
{
	const struct stretch *stretch = known->items;
	int64_t at = wanted->from;
	uint64_t missing = 0;

	if (known->count > 0)
		qsort(known->items, known->count, sizeof(*stretch), by_frame);
	for (unsigned i = 0; i <= known->count && at < wanted->to; i++) {
		int64_t next = i < known->count ? stretch[i].from : wanted->to;

		next = next < wanted->to ? next : wanted->to;
		if (next > at) {
			printf("%s: frames %lld to %lld are nowhere\n", words,
			       (long long)at, (long long)next);
			missing += (uint64_t)(next - at);
		}
		if (i < known->count && stretch[i].to > at)
			at = stretch[i].to;
	}
	return missing;
}
