/*
 * Going on with a take that its writer was torn from. The ledger says what the
 * take is; the files are whole up to their checkpoints, or some frames further;
 * the tape, if it is still the same one, has the rest. Without it the take ends
 * where all of its files are whole.
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

	return take_info_apply(&take->info, entry);
}

static bool same_tape(const struct take *take)
{
	char name[33];

	if (!take->tape.header)
		return false;
	for (int i = 0; i < 16; i++)
		snprintf(name + 2 * i, 3, "%02x", take->tape.facts->id[i]);
	return strcmp(name, take->info.tape) == 0 && take_fits_tape(take);
}

/* ---- the files of a part ---- */

struct files {
	struct track_state state[TAKE_TRACKS_MAX];
	bool missing[TAKE_TRACKS_MAX]; /* or not so much as a head */
};

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

/* Is there nothing to lose if the file is made anew up to sample at? Not if
 * there is none and none is needed, nor if all of it is silence: it belongs to
 * a track that was armed later, and was perhaps just being made. */
static bool can_be_made(const struct take *take, const struct files *files,
			unsigned index, unsigned part, uint64_t at)
{
	uint64_t frame = take_info_part_start(&take->info, part) + at;

	return (files->missing[index] && at == 0) ||
	       take_info_silent_until(&take->info, index) >= frame;
}

static bool all_have(const struct take *take, const struct files *files,
		     uint64_t at)
{
	/* Only the end of a take is not on a block's border. */
	if (at % ENCODER_BLOCK && take->part_start + at != take->limit)
		return false;
	for (unsigned i = 0; i < take->info.tracks; i++)
		if (take->info.track[i].filed &&
		    !track_can_go_to(&files->state[i], at) &&
		    !can_be_made(take, files, i, take->part, at))
			return false;
	return true;
}

/* The newest sample number that every file can go on from. */
static int choose_common(struct take *take, const struct files *files,
			 uint64_t *common)
{
	bool found = all_have(take, files, 0);

	*common = 0;
	for (unsigned i = 0; i < take->info.tracks; i++) {
		const struct track_state *state = &files->state[i];
		const uint64_t candidate[] = {state->at[0], state->at[1],
					      take_whole_blocks(state->whole),
					      state->whole};

		for (int k = 0; k < 4; k++) {
			if ((found && candidate[k] <= *common) ||
			    !all_have(take, files, candidate[k]))
				continue;
			*common = candidate[k];
			found = true;
		}
	}
	return found ? 0 : -EINVAL;
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

static int open_files(struct take *take, const struct files *files, uint64_t at)
{
	int error = 0;

	for (unsigned i = 0; i < take->info.tracks && error == 0; i++) {
		if (!take->info.track[i].filed)
			continue;
		if (!track_can_go_to(&files->state[i], at))
			error = take_remake_file(take, i);
		else if (!files->state[i].sealed)
			error = resume_file(take, i, take->part, at);
	}
	return error;
}

static int seal_earlier_file(struct take *take, const struct files *files,
			     unsigned index, unsigned part, uint64_t length)
{
	int error;

	if (!track_can_go_to(&files->state[index], length)) {
		if (!can_be_made(take, files, index, part, length))
			log_error("%s: part %u of track %u is damaged",
				  take->info.name, part + 1,
				  take->info.track[index].number);
		return 0; /* made anew when the last part is */
	}
	if (files->state[index].sealed)
		return 0;
	error = resume_file(take, index, part, length);
	return error < 0 ? error : take_finish_file(take, index, part);
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
		for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
			if (take->info.track[i].filed)
				error = seal_earlier_file(take, &files, i, part,
							  length);
	}
	return error;
}

/* ---- going on ---- */

static void find_stop(struct take *take)
{
	size_t index;
	json_t *note;

	json_array_foreach(take->info.notes, index, note)
	{
		const char *type =
			json_string_value(json_object_get(note, "type"));
		const char *reason =
			json_string_value(json_object_get(note, "reason"));

		if (!type || strcmp(type, "stop") != 0 || !reason)
			continue;
		take->limit = (uint64_t)json_integer_value(
			json_object_get(note, "at"));
		snprintf(take->cause, sizeof(take->cause), "%s", reason);
		take->stop_noted = true;
	}
}

static int note_return(struct take *take, const char *type)
{
	int error = take_note(take, json_pack("{ss sI}", "type", type, "at",
					      (json_int_t)take->fed));

	take_levels_resume(take);
	return error;
}

static int go_on(struct take *take, const struct files *files, uint64_t at)
{
	int error;

	if (!same_tape(take))
		tape_detach(&take->tape);
	take->fed = take->durable = take->part_start + at;
	take->cut = take->fed >= take->limit || !take->tape.header;
	take_replay_arms(take);
	error = open_files(take, files, at);
	/* Not all of it may have been synced, or claimed, before. */
	if (error == 0)
		error = take_sync(take);
	if (error < 0)
		return error;
	take->begun = true;
	if (!take->cut) {
		take_first_event(take);
		log_info("%s goes on at %.1f s", take->info.name,
			 (double)take->fed / take->info.rate);
		return note_return(take, "resumed");
	}
	if (take->fed >= take->limit) /* only the heads were missing */
		return note_return(take, "resumed");
	take->limit = take->fed;
	take->stop_noted = false;
	snprintf(take->cause, sizeof(take->cause), "interrupted");
	log_warning("%s was interrupted; it is whole up to %.1f s",
		    take->info.name, (double)take->fed / take->info.rate);
	return note_return(take, "healed");
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
	if (take->info.ended) {
		take->fed = take->limit = take->durable = take->info.frames;
		return 0;
	}
	find_stop(take);
	take->part = take_info_parts(&take->info) - 1;
	take->part_start = take_info_part_start(&take->info, take->part);
	error = seal_earlier_parts(take);
	if (error == 0)
		error = inspect(take, take->part, &files);
	if (error == 0)
		error = choose_common(take, &files, &at);
	return error < 0 ? error : go_on(take, &files, at);
}
