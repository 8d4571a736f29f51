/*
 * What goes into the ledger while a take runs: what the tape lost, how its
 * clock goes, where it is to stop, how it ended.
 */
#include "take/take_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define CLOCK_NOTE_NS (10 * NS_PER_S)

int take_note(struct take *take, json_t *entry)
{
	int error;

	if (!entry)
		return -ENOMEM;
	error = ledger_append(&take->ledger, entry);
	if (error == 0)
		error = take_info_apply(&take->info, entry);
	json_decref(entry);
	return error;
}

/* The info has it already: it was made from the plan. */
int take_note_start(struct take *take)
{
	json_t *entry = take_info_start_entry(&take->info);
	int error = entry ? ledger_append(&take->ledger, entry) : -ENOMEM;

	json_decref(entry);
	return error;
}

/* The tape ends soon after, and the take with it: take_slice.c. */
static int note_rate(struct take *take, const struct tape_event *event)
{
	uint64_t start = take->info.start;
	uint64_t at = event->position > start ? event->position - start : 0;

	return take_note(take, json_pack("{ss sI sI sI}", "type", "rate", "at",
					 (json_int_t)at, "rate",
					 (json_int_t)event->frames, "event",
					 (json_int_t)take->event));
}

static int note_event(struct take *take, const struct tape_event *event)
{
	uint64_t start = take->info.start;
	uint64_t from = event->position > start ? event->position - start : 0;
	uint64_t end = event->position + event->frames;
	bool gap = tape_event_is_gap(event->kind);

	if (event->kind == TAPE_RATE)
		return note_rate(take, event);
	if (end <= start || event->frames == 0)
		return 0;
	end -= start;
	if (end > take->limit)
		end = take->limit;
	if (end <= from)
		return 0;
	return take_note(
		take, json_pack("{ss sI sI ss sI sI}", "type",
				gap ? "gap" : "surplus", "at", (json_int_t)from,
				"frames", (json_int_t)(end - from), "cause",
				tape_event_name(event->kind), "uncertainty",
				(json_int_t)event->uncertainty, "event",
				(json_int_t)take->event));
}

static uint64_t oldest_event(const struct take *take)
{
	uint64_t count = tape_event_count(&take->tape);

	return count > TAPE_EVENTS - 1 ? count - TAPE_EVENTS + 1 : 0;
}

static int note_lost_events(struct take *take)
{
	uint64_t from = take->event;

	take->event = oldest_event(take);
	return take_note(take,
			 json_pack("{ss sI sI}", "type", "events-lost", "event",
				   (json_int_t)take->event - 1, "count",
				   (json_int_t)(take->event - from)));
}

/* Those at positions that have been encoded. */
int take_note_events(struct take *take)
{
	uint64_t end = take->info.start + take->fed;
	struct tape_event event;
	int error = 0;

	while (take->tape.header && error == 0) {
		int found = tape_event(&take->tape, take->event, &event);

		if (found == -ENOENT || (found == 0 && event.position >= end))
			break;
		error = found == 0 ? note_event(take, &event)
				   : note_lost_events(take);
		take->event += found == 0;
	}
	return error;
}

static uint64_t events_noted(const json_t *list)
{
	uint64_t noted = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *number =
			json_object_get(json_array_get(list, i), "event");

		if (json_is_integer(number) &&
		    (uint64_t)json_integer_value(number) + 1 > noted)
			noted = (uint64_t)json_integer_value(number) + 1;
	}
	return noted;
}

/* Can one of those that the tape has no more be about what is still to be
 * encoded? They come in the order of their positions. */
static bool has_missed_events(const struct take *take)
{
	struct tape_event event;

	return tape_event(&take->tape, oldest_event(take), &event) < 0 ||
	       event.position > take->info.start + take->fed;
}

/* Where to begin to look: behind what the ledger has of this tape; where that
 * is overwritten already, take_note_events says so. */
void take_first_event(struct take *take)
{
	uint64_t gaps = events_noted(take->info.gaps);
	uint64_t notes = events_noted(take->info.notes);
	uint64_t oldest = oldest_event(take);

	take->event = gaps > notes ? gaps : notes;
	if (take->event < oldest && !has_missed_events(take))
		take->event = oldest;
}

/* What a power cut leaves open: how long nothing was recorded between the take
 * that this one continues and this one. Noted when both ends have a time that
 * can be believed, at once or when somebody has set the clock. */
static const json_t *find_note(const struct take *take, const char *type)
{
	size_t index;
	json_t *note;

	json_array_foreach(take->info.notes, index, note)
	{
		const char *name =
			json_string_value(json_object_get(note, "type"));

		if (name && strcmp(name, type) == 0)
			return note;
	}
	return NULL;
}

static int note_pause(struct take *take)
{
	const json_t *link = find_note(take, "continues");
	const json_t *ended = json_object_get(link, "ended");
	struct wall begin, end = {
				   .set = json_is_integer(ended),
				   .ms = json_integer_value(ended),
				   .error = json_number_value(json_object_get(
					   link, "ended_error")),
			   };
	struct pause pause;

	if (!end.set || find_note(take, "pause"))
		return 0;
	begin = wall_of(&take->tape, take->info.start);
	pause = pause_between(&end, &begin);
	if (!pause.known)
		return 0;
	pthread_mutex_lock(&take->mutex);
	take->status.pause = pause;
	pthread_mutex_unlock(&take->mutex);
	log_info("between %s and %s nothing was recorded for %.1f s (+- %.2f "
		 "s)",
		 json_string_value(json_object_get(link, "take")),
		 take->info.name, pause.seconds, pause.uncertainty);
	return take_note(take, json_pack("{ss si sf sf}", "type", "pause", "at",
					 0, "seconds", pause.seconds,
					 "uncertainty", pause.uncertainty));
}

static json_t *clock_entry(const struct take *take,
			   const struct posclock_line *line, bool last)
{
	struct wall wall = wall_now();
	int64_t now = clock_now_ns();
	json_t *entry = json_pack(
		"{ss sI sI sI sI so so so so}", "type", "clock", "at",
		(json_int_t)take->fed, "received",
		(json_int_t)tape_published(&take->tape), "expected",
		(json_int_t)posclock_position_at(line, now), "uptime",
		(json_int_t)now, "ppm",
		line->locked ? json_real(line->ppm) : json_null(), "ppm_error",
		line->locked ? json_real(line->ppm_error) : json_null(), "time",
		wall.set ? json_integer(wall.ms) : json_null(), "time_error",
		wall.set ? json_real(wall.error) : json_null());

	if (last && json_object_set_new(entry, "last", json_true()) < 0) {
		json_decref(entry);
		return NULL;
	}
	return entry;
}

static int note_clock(struct take *take, bool last)
{
	struct posclock_line line = tape_line(&take->tape);
	int error = take->fed > 0 ? take_note_levels(take) : 0;

	take->clocked_ns = clock_now_ns();
	if (error < 0 || line.rate_hz <= 0)
		return error;
	error = take_note(take, clock_entry(take, &line, last));
	take_info_forget(&take->info, take->durable);
	return error < 0 ? error : note_pause(take);
}

int take_note_clock(struct take *take)
{
	if (clock_now_ns() - take->clocked_ns < CLOCK_NOTE_NS)
		return 0;
	return note_clock(take, false);
}

int take_note_last_clock(struct take *take)
{
	return note_clock(take, true);
}

/* As soon as it is known: a take that is killed now is gone on with up to there
 * and not further. */
int take_note_stop(struct take *take)
{
	if (take->stop_noted)
		return 0;
	take->stop_noted = true;
	return take_note(take, json_pack("{ss sI ss sI}", "type", "stop", "at",
					 (json_int_t)take->limit, "reason",
					 take->cause, "missing",
					 (json_int_t)take->info.missing));
}

/* Hashes of the sound as the finished files have them, one for each part; null
 * for a file that is none. */
static json_t *hashes(const struct take *take, const struct take_track *track)
{
	json_t *list = json_array();
	int error = 0;

	for (unsigned part = 0;
	     part < take_info_parts(&take->info) && error == 0; part++) {
		char name[TAKE_FILE_MAX], text[33];
		uint8_t md5[16];

		take_info_file(track, part, name);
		error = track_read_md5(take->plan.storage, take->plan.dir, name,
				       md5);
		if (error == -ENOMEM)
			break; /* says nothing of the file */
		if (error < 0) {
			error = json_array_append_new(list, json_null());
			continue;
		}
		for (int i = 0; i < 16; i++)
			snprintf(text + 2 * i, 3, "%02x", md5[i]);
		error = json_array_append_new(list, json_string(text));
	}
	if (error == 0)
		return list;
	json_decref(list);
	return NULL;
}

int take_note_end(struct take *take)
{
	json_t *tracks = json_array();
	int error = 0;

	for (unsigned i = 0; i < take->info.tracks && error == 0; i++) {
		const struct take_track *track = &take->info.track[i];

		if (track->filed)
			error = json_array_append_new(
				tracks,
				json_pack("{si sI sI so}", "number",
					  (int)track->number, "peak",
					  (json_int_t)track->peak, "clips",
					  (json_int_t)track->clips, "md5",
					  hashes(take, track)));
	}
	if (error < 0) {
		json_decref(tracks);
		return -ENOMEM;
	}
	return take_note(take,
			 json_pack("{ss sI ss so}", "type", "end", "frames",
				   (json_int_t)take->fed, "reason", take->cause,
				   "tracks", tracks));
}
