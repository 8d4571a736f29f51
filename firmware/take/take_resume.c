/*
 * Going on with a take that its writer was torn from. The ledger says what the
 * take is; the files' checkpoints say up to where all of them are whole; the
 * tape, if it is still the same one, has the rest. Without it the take ends at
 * the checkpoint.
 */
#include "take/take_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static int apply(void *context, const json_t *entry)
{
	struct take *take = context;
	bool first = take->info.tracks == 0;
	int error = take_info_apply(&take->info, entry);

	for (unsigned i = 0; i < take->info.tracks && first; i++)
		take->started_armed[i] = take->info.track[i].armed;
	return error;
}

static void tape_name(const struct tape *tape, char text[33])
{
	for (int i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02x", tape->facts->id[i]);
}

static bool same_tape(const struct take *take)
{
	char name[33];

	if (!take->tape.header)
		return false;
	tape_name(&take->tape, name);
	return strcmp(name, take->info.tape) == 0;
}

/* ---- the files of a part ---- */

struct files {
	struct track_state state[TAKE_TRACKS_MAX];
	bool missing[TAKE_TRACKS_MAX]; /* to be made anew */
};

static bool has(const struct track_state *state, uint64_t at)
{
	for (int i = 0; i < state->count; i++)
		if (state->at[i] == at)
			return true;
	return false;
}

static int inspect(struct take *take, unsigned part, struct files *files)
{
	*files = (struct files){0};
	for (unsigned i = 0; i < take->info.tracks; i++) {
		char name[TAKE_FILE_MAX];
		int error;

		if (!take->info.track[i].filed)
			continue;
		take_info_file(&take->info.track[i], part, name);
		error = track_inspect(&files->state[i], take->plan.storage,
				      take->plan.dir, name);
		files->missing[i] = error == -ENOENT || error == -EINVAL;
		if (error < 0 && !files->missing[i])
			return error;
	}
	return 0;
}

static bool armed_late(const struct take *take, unsigned number)
{
	size_t index;
	json_t *arm;

	json_array_foreach(take->info.arms, index, arm)
		if (json_integer_value(json_object_get(arm, "track")) ==
		    (json_int_t)number)
			return true;
	return false;
}

/*
 * The newest sample number that every file can go on from: at most two of each
 * are candidates, and they lie one sync apart. A track that was armed late may
 * have been killed before its first sync: it is made anew, with silence up to
 * where the others are.
 */
static int choose_checkpoint(struct take *take, struct files *files,
			     uint64_t *common)
{
	uint64_t lowest = UINT64_MAX;

	for (unsigned i = 0; i < take->info.tracks; i++)
		if (files->state[i].count && files->state[i].at[0] < lowest &&
		    !(files->state[i].at[0] == 0 &&
		      armed_late(take, take->info.track[i].number)))
			lowest = files->state[i].at[0];
	*common = lowest == UINT64_MAX ? 0 : lowest;
	for (unsigned i = 0; i < take->info.tracks; i++) {
		if (!take->info.track[i].filed || files->missing[i] ||
		    has(&files->state[i], *common))
			continue;
		if (files->state[i].sealed ||
		    !armed_late(take, take->info.track[i].number))
			return -EINVAL;
		files->missing[i] = true;
	}
	return 0;
}

static int resume_file(struct take *take, unsigned index, unsigned part,
		       uint64_t at)
{
	const struct take_track *track = &take->info.track[index];
	char name[TAKE_FILE_MAX];
	struct track_setup setup = {
		.storage = take->plan.storage,
		.dir = take->plan.dir,
		.file = name,
		.rate = take->info.rate,
		.bits = take->info.bits,
		.channels = track->channel_count,
		.level = take->info.level,
	};
	int error;

	take_info_file(track, part, name);
	error = track_resume(&take->track[index], &setup, at);
	take->open[index] = error == 0;
	return error;
}

static int make_anew(struct take *take, unsigned index)
{
	char name[TAKE_FILE_MAX];

	for (unsigned part = 0; part <= take->part; part++) {
		take_info_file(&take->info.track[index], part, name);
		take->plan.storage->remove(take->plan.dir, name);
	}
	return take_add_file(take, index);
}

static int open_files(struct take *take, struct files *files, uint64_t at)
{
	int error = 0;

	for (unsigned i = 0; i < take->info.tracks && error == 0; i++) {
		if (!take->info.track[i].filed || files->state[i].sealed)
			continue;
		error = files->missing[i]
				? make_anew(take, i)
				: resume_file(take, i, take->part, at);
	}
	return error;
}

/* Parts before the last one are complete: at most their heads were not. */
static int seal_earlier_parts(struct take *take)
{
	int error = 0;

	for (unsigned part = 0; part < take->part && error == 0; part++) {
		uint64_t length = take_info_part_start(&take->info, part + 1) -
				  take_info_part_start(&take->info, part);
		struct files files;

		error = inspect(take, part, &files);
		for (unsigned i = 0; i < take->info.tracks && error == 0;
		     i++) {
			if (!take->info.track[i].filed ||
			    files.state[i].sealed || files.missing[i])
				continue;
			error = resume_file(take, i, part, length);
			if (error == 0)
				error = take_seal_file(take, i, part);
			if (error == 0)
				error = take->plan.storage->sync(
					take->track[i].file);
			track_close(&take->track[i]);
			take->open[i] = false;
		}
	}
	return error;
}

/* ---- what the ledger says came after the checkpoint ---- */

/* Armed or not at frame at; what was changed later is done again there. */
static void replay_arms(struct take *take, uint64_t at)
{
	size_t index;
	json_t *arm;

	for (unsigned i = 0; i < take->info.tracks; i++)
		take->live[i] = take->started_armed[i];
	json_array_foreach(take->info.arms, index, arm) {
		struct take_command command = {
			.kind = COMMAND_ARM,
			.at = (uint64_t)json_integer_value(
				json_object_get(arm, "at")),
			.number = (unsigned)json_integer_value(
				json_object_get(arm, "track")),
			.on = json_is_true(json_object_get(arm, "on")),
			.noted = true,
		};

		for (unsigned i = 0; i < take->info.tracks; i++)
			if (take->info.track[i].number == command.number &&
			    command.at <= at)
				take->live[i] = command.on;
		if (command.at > at && take->commands < TAKE_COMMANDS_MAX)
			take->command[take->commands++] = command;
	}
}

/* The first event that the ledger cannot have yet: gaps before the checkpoint
 * were noted, with the sync that made it, at the latest. */
static void skip_known_events(struct take *take, uint64_t noted)
{
	uint64_t count = tape_event_count(&take->tape);
	struct tape_event event;

	take->event = count > TAPE_EVENTS - 1 ? count - TAPE_EVENTS + 1 : 0;
	while (tape_event(&take->tape, take->event, &event) == 0 &&
	       event.position < take->info.start + noted)
		take->event++;
}

static uint64_t last_gap_end(const struct take_info *info)
{
	size_t count = json_array_size(info->gaps);
	const json_t *gap = count ? json_array_get(info->gaps, count - 1)
				  : NULL;

	return gap ? (uint64_t)json_integer_value(json_object_get(gap, "at")) +
			     1
		   : 0;
}

static void find_stop(struct take *take)
{
	size_t index;
	json_t *note;

	json_array_foreach(take->info.notes, index, note) {
		const char *type = json_string_value(
			json_object_get(note, "type"));
		const char *reason = json_string_value(
			json_object_get(note, "reason"));

		if (!type || strcmp(type, "stop") != 0 || !reason)
			continue;
		take->limit = (uint64_t)json_integer_value(
			json_object_get(note, "at"));
		snprintf(take->reason, sizeof(take->reason), "%s", reason);
		take->stop_noted = true;
	}
}

/* Was the take's end only cut short in writing its last words? */
static int finish_ended(struct take *take)
{
	take->fed = take->limit = take->durable = take->info.frames;
	take->had_ended = true;
	return take_write_sidecars(take);
}

static int go_on(struct take *take, struct files *files, uint64_t at)
{
	bool same = same_tape(take);
	int error;

	take->fed = take->durable = take->part_start + at;
	replay_arms(take, take->fed);
	error = open_files(take, files, at);
	if (error < 0)
		return error;
	if (same && take->fed < take->limit) {
		skip_known_events(take, last_gap_end(&take->info));
		log_info("%s goes on at %.1f s", take->info.name,
			 (double)take->fed / take->info.rate);
		return take_note(take, json_pack("{ss sI}", "type", "resumed",
						 "at",
						 (json_int_t)take->fed));
	}
	take->cut = true;
	if (take->fed >= take->limit) /* only the heads were missing */
		return 0;
	take->limit = take->fed;
	take->stop_noted = false;
	snprintf(take->reason, sizeof(take->reason), "interrupted");
	log_warning("%s was interrupted; it is whole up to %.1f s",
		    take->info.name, (double)take->fed / take->info.rate);
	return take_note(take, json_pack("{ss sI}", "type", "healed", "at",
					 (json_int_t)take->fed));
}

int take_reopen(struct take *take)
{
	struct files files;
	uint64_t at = 0;
	int error = ledger_resume(&take->ledger, take->plan.storage,
				  take->plan.dir, apply, take);

	if (error == 0 && take->info.tracks == 0)
		error = -EINVAL;
	if (error < 0)
		return error;
	pthread_mutex_lock(&take->mutex);
	take->status.start = take->info.start;
	pthread_mutex_unlock(&take->mutex);
	if (take->info.ended)
		return finish_ended(take);
	find_stop(take);
	take->part = take_info_parts(&take->info) - 1;
	take->part_start = take_info_part_start(&take->info, take->part);
	error = seal_earlier_parts(take);
	if (error == 0)
		error = inspect(take, take->part, &files);
	if (error == 0)
		error = choose_checkpoint(take, &files, &at);
	return error < 0 ? error : go_on(take, &files, at);
}
