/*
 * One take, sample by sample: in a gap of the ledger all is zero, outside all
 * is the counter, in all tracks alike. Nothing of Takebox but its FLAC decoding
 * and its reading of ledgers judges Takebox.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/virtual/counter.h"
#include "take/flac_check.h"
#include "take/ledger.h"
#include "take/take_info.h"
#include "tests/bench/account.h"

struct reading {
	const char *name;
	struct take_info info;
	struct list runs, losses; /* of this take, positions from its start */
	int32_t *samples;	  /* of the track under the decoder */
	uint64_t got, part_start;
	uint64_t faults;
};

void *list_add(struct list *list)
{
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 64;
		list->items =
			realloc(list->items, (size_t)list->room * list->size);
		if (!list->items)
			err(2, "a list");
	}
	return (char *)list->items + (size_t)list->count++ * list->size;
}

void list_free(struct list *list)
{
	free(list->items);
	list->items = NULL;
	list->count = list->room = 0;
}

static void fault(struct reading *reading, uint64_t frames, const char *words,
		  uint64_t at)
{
	printf("%s: %llu frames %s from frame %llu on\n", reading->name,
	       (unsigned long long)frames, words, (unsigned long long)at);
	reading->faults += frames;
}

/* ---- the ledger ---- */

static int apply(void *context, const json_t *entry)
{
	return take_info_apply(context, entry);
}

static uint64_t number(const json_t *entry, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(entry, key));
}

static void add_loss(struct list *losses, uint64_t at, uint64_t frames,
		     uint64_t uncertainty, const char *cause)
{
	struct loss *loss = list_add(losses);

	*loss = (struct loss){at, frames, uncertainty, ""};
	snprintf(loss->cause, sizeof(loss->cause), "%s", cause);
}

static int by_place(const void *a, const void *b)
{
	const struct loss *one = a, *other = b;

	return (one->at > other->at) - (one->at < other->at);
}

static void read_losses(struct reading *reading)
{
	const json_t *gaps = reading->info.gaps;

	for (size_t i = 0; i < json_array_size(gaps); i++) {
		const json_t *gap = json_array_get(gaps, i);

		add_loss(&reading->losses, number(gap, "at"),
			 number(gap, "frames"), number(gap, "uncertainty"),
			 json_string_value(json_object_get(gap, "cause")));
	}
	if (reading->losses.count > 0)
		qsort(reading->losses.items, reading->losses.count,
		      sizeof(struct loss), by_place);
}

static bool read_ledger(struct reading *reading, const char *folder)
{
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t torn = 0;
	int error = dir < 0 ? -errno : 0;

	if (error == 0)
		error = ledger_read(dir, apply, &reading->info, &torn);
	if (dir >= 0)
		close(dir);
	if (error == 0 && torn == 0 && reading->info.tracks == 0) {
		printf("%s: was never begun\n", reading->name);
		return false;
	}
	if (error < 0 || torn > 0 || !reading->info.ended ||
	    reading->info.damages > 0) {
		printf("%s: its ledger is not that of a whole take\n",
		       reading->name);
		reading->faults++;
		return false;
	}
	read_losses(reading);
	return true;
}

/* ---- the sound ---- */

static int keep(void *user, const int32_t *const *planes, unsigned count,
		uint64_t position)
{
	struct reading *reading = user;
	uint64_t at = reading->part_start + position;

	if (at + count > reading->info.frames)
		return -1;
	memcpy(reading->samples + at, planes[0], count * sizeof(int32_t));
	reading->got += count;
	return 0;
}

static bool decode(struct reading *reading, const char *folder,
		   const struct take_track *track)
{
	struct flac_check_want want = {.samples = keep, .user = reading};
	struct flac_check check = {0};
	char name[TAKE_FILE_MAX], path[PATH_MAX];

	reading->got = 0;
	for (unsigned part = 0; part < take_info_parts(&reading->info);
	     part++) {
		take_info_file(track, part, name);
		snprintf(path, sizeof(path), "%.2000s/%s", folder, name);
		reading->part_start =
			take_info_part_start(&reading->info, part);
		if (flac_check_samples(path, &want, &check) < 0 ||
		    check.verdict != FLAC_WHOLE || !check.md5_known ||
		    check.trailing > 0) {
			printf("%s: %s is not whole: %s\n", reading->name, name,
			       check.error);
			reading->faults++;
			return false;
		}
	}
	if (reading->got == reading->info.frames)
		return true;
	fault(reading, reading->info.frames - reading->got, "are not in a file",
	      0);
	return false;
}

static bool is_counter(const struct reading *reading, uint64_t at,
		       int64_t device, unsigned channel)
{
	return device >= 0 &&
	       reading->samples[at] == counter_sample((uint64_t)device, channel,
						      reading->info.bits);
}

/* As many frames from at on as count on from device. */
static uint64_t count_on(const struct reading *reading, uint64_t at,
			 uint64_t end, int64_t device, unsigned channel)
{
	uint64_t from = at;

	while (at < end &&
	       is_counter(reading, at, device + (int64_t)(at - from), channel))
		at++;
	return at - from;
}

/* Too few frames to say their number, between a gap's silence and the place of
 * the loss: the last ones before it, or the first ones behind it. The number of
 * the one at at; -1: they are not. */
static int64_t beside_gap(const struct reading *reading, uint64_t at,
			  uint64_t end, const struct run *last,
			  unsigned channel)
{
	int64_t before = last->device + (int64_t)last->frames;
	const struct loss *losses = reading->losses.items;

	if (count_on(reading, at, end, before, channel) > 0)
		return before;
	for (unsigned i = 0; i < reading->losses.count; i++) {
		int64_t behind = last->device + (int64_t)(at - last->at) +
				 (int64_t)losses[i].frames;

		if (losses[i].at == end &&
		    count_on(reading, at, end, behind, channel) == end - at)
			return behind;
	}
	return -1;
}

/* The number of the frame at at; what was before goes on, or the samples say
 * so; -1. */
static int64_t device_at(const struct reading *reading, uint64_t at,
			 uint64_t end, unsigned channel)
{
	const struct list *runs = &reading->runs;
	const struct run *last = runs->items;
	uint64_t enough = end - at < COUNTER_RUN ? end - at : COUNTER_RUN;
	unsigned whose;
	int64_t device;

	if (runs->count > 0) {
		last += runs->count - 1;
		device = last->device + (int64_t)(at - last->at);
		if (count_on(reading, at, end, device, channel) >= enough)
			return device;
	}
	if (end - at >= COUNTER_RUN) {
		device = counter_frame(reading->samples + at,
				       reading->info.bits, &whose);
		if (device >= 0 && whose == channel)
			return device;
	}
	return runs->count > 0 ? beside_gap(reading, at, end, last, channel)
			       : -1;
}

/* Between two gaps. */
static void find_runs(struct reading *reading, uint64_t at, uint64_t end,
		      unsigned channel)
{
	uint64_t unknown = 0, first = at;

	while (at < end) {
		int64_t device = device_at(reading, at, end, channel);
		struct run *run;

		if (device < 0) {
			first = unknown++ == 0 ? at : first;
			at++;
			continue;
		}
		run = list_add(&reading->runs);
		*run = (struct run){
			.at = at,
			.frames = count_on(reading, at, end, device, channel),
			.device = device,
		};
		at += run->frames;
	}
	if (unknown > 0)
		fault(reading, unknown, "are neither the counter nor named",
		      first);
}

static void look_at_gap(struct reading *reading, const struct loss *loss,
			uint64_t from, uint64_t end)
{
	uint64_t sounds = 0;

	for (uint64_t at = from; at < end; at++)
		sounds += reading->samples[at] != 0;
	if (sounds > 0)
		fault(reading, sounds, "sound in a gap", loss->at);
}

static void look_at_first(struct reading *reading, unsigned channel)
{
	const struct loss *losses = reading->losses.items;
	uint64_t frames = reading->info.frames, at = 0;

	for (unsigned i = 0; i < reading->losses.count; i++) {
		uint64_t end = losses[i].at + losses[i].frames;

		end = end < frames ? end : frames;
		if (losses[i].at > at)
			find_runs(reading, at, losses[i].at, channel);
		if (end > at)
			look_at_gap(reading, &losses[i],
				    losses[i].at > at ? losses[i].at : at, end);
		at = end > at ? end : at;
	}
	if (at < frames)
		find_runs(reading, at, frames, channel);
}

/* Another track: the same frames at the same places. */
static void look_at_other(struct reading *reading, unsigned channel)
{
	const struct run *runs = reading->runs.items;
	uint64_t wrong = 0, first = 0, at = 0;

	for (unsigned i = 0; i <= reading->runs.count; i++) {
		bool last = i == reading->runs.count;
		uint64_t from = last ? reading->info.frames : runs[i].at;
		uint64_t end = last ? from : from + runs[i].frames;

		for (; at < from; at++)
			if (reading->samples[at] != 0 && wrong++ == 0)
				first = at;
		for (; at < end; at++)
			if (!is_counter(reading, at,
					runs[i].device + (int64_t)(at - from),
					channel) &&
			    wrong++ == 0)
				first = at;
	}
	if (wrong > 0)
		fault(reading, wrong, "differ between tracks", first);
}

static void read_sound(struct reading *reading, const char *folder)
{
	const struct take_info *info = &reading->info;
	bool first = true;

	reading->samples = malloc((info->frames + 1) * sizeof(int32_t));
	if (!reading->samples)
		err(2, "%s", reading->name);
	for (unsigned i = 0; i < info->tracks && info->frames > 0; i++) {
		unsigned channel = info->track[i].channels[0];

		if (!info->track[i].filed ||
		    !decode(reading, folder, &info->track[i]))
			continue;
		if (first)
			look_at_first(reading, channel);
		else
			look_at_other(reading, channel);
		first = false;
	}
	free(reading->samples);
}

/* ---- onto its tape ---- */

static struct tape_story *story_of(struct list *stories, const char *id)
{
	struct tape_story *story = stories->items;

	for (unsigned i = 0; i < stories->count; i++)
		if (strcmp(story[i].id, id) == 0)
			return &story[i];
	story = list_add(stories);
	*story = (struct tape_story){
		.runs = LIST(struct run),
		.losses = LIST(struct loss),
	};
	snprintf(story->id, sizeof(story->id), "%s", id);
	return story;
}

/* What the tape no longer held when the take before was gone on with. */
static void lay_link(struct tape_story *story, const struct take_info *info)
{
	for (size_t i = 0; i < json_array_size(info->notes); i++) {
		const json_t *note = json_array_get(info->notes, i);
		const char *type =
			json_string_value(json_object_get(note, "type"));
		uint64_t gap = number(note, "gap");

		if (type && strcmp(type, "continues") == 0 && gap > 0)
			add_loss(&story->losses, info->start - gap, gap, 0,
				 "between");
	}
}

static void lay_on_tape(struct tape_story *story, const struct reading *reading)
{
	const struct run *runs = reading->runs.items;
	const struct loss *losses = reading->losses.items;
	uint64_t start = reading->info.start;

	for (unsigned i = 0; i < reading->runs.count; i++) {
		struct run *run = list_add(&story->runs);

		*run = runs[i];
		run->at += start;
	}
	for (unsigned i = 0; i < reading->losses.count; i++)
		add_loss(&story->losses, start + losses[i].at, losses[i].frames,
			 losses[i].uncertainty, losses[i].cause);
	lay_link(story, &reading->info);
}

uint64_t account_take(struct list *stories, const char *folder)
{
	struct reading reading = {
		.name = folder,
		.runs = LIST(struct run),
		.losses = LIST(struct loss),
	};

	if (take_info_init(&reading.info) < 0)
		err(2, "%s", folder);
	if (read_ledger(&reading, folder)) {
		read_sound(&reading, folder);
		lay_on_tape(story_of(stories, reading.info.tape), &reading);
	}
	take_info_finish(&reading.info);
	list_free(&reading.runs);
	list_free(&reading.losses);
	return reading.faults;
}
