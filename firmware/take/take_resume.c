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

bool take_has_its_tape(const struct take *take)
{
	char name[33];

	if (!take->tape.header)
		return false;
	for (int i = 0; i < 16; i++)
		snprintf(name + 2 * i, 3, "%02x", take->tape.facts->id[i]);
	return strcmp(name, take->info.tape) == 0 && take_fits_tape(take);
}

/* ---- the files of a part ---- */

static bool is_wanted(const struct take *take, unsigned index)
{
	return take->info.track[index].filed && !take->left[index];
}

int take_inspect(struct take *take, unsigned part, struct take_found *files)
{
	*files = (struct take_found){0};
	for (unsigned i = 0; i < take->info.tracks; i++) {
		char name[TAKE_FILE_MAX];
		int error;

		if (!is_wanted(take, i))
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
bool take_can_be_made(const struct take *take, const struct take_found *files,
		      unsigned index, unsigned part, uint64_t at)
{
	uint64_t frame = take_info_part_start(&take->info, part) + at;

	return (files->missing[index] && at == 0) ||
	       take_info_silent_until(&take->info, index) >= frame;
}

static bool all_have(const struct take *take, const struct take_found *files,
		     uint64_t at)
{
	/* Behind its end another take may have the sound. */
	if (at > 0 && take->part_start + at > take->limit)
		return false;
	/* Only the end of a take is not on a block's border. */
	if (at % ENCODER_BLOCK && take->part_start + at != take->limit &&
	    take_has_its_tape(take))
		return false;
	for (unsigned i = 0; i < take->info.tracks; i++)
		if (is_wanted(take, i) &&
		    !track_can_go_to(&files->state[i], at) &&
		    !take_can_be_made(take, files, i, take->part, at))
			return false;
	return true;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The newest sample number that every file can go on from. */
static int choose_common(struct take *take, const struct take_found *files,
			 uint64_t *common)
{
	uint64_t end = take->limit - take->part_start;
	bool found = all_have(take, files, 0);

	*common = 0;
	for (unsigned i = 0; i < take->info.tracks; i++) {
		const struct track_state *state = &files->state[i];
		const uint64_t candidate[] = {state->at[0], state->at[1],
					      take_whole_blocks(state->whole),
					      state->whole,
					      smaller(state->whole, end)};

		for (int k = 0; k < 5; k++) {
			if ((found && candidate[k] <= *common) ||
			    !all_have(take, files, candidate[k]))
				continue;
			*common = candidate[k];
			found = true;
		}
	}
	return found ? 0 : -EINVAL;
}

/* How far a sync has covered all files for certain: each claim was made behind
 * one. A file whose silence is made anew has nothing to lose. */
static uint64_t find_safe(const struct take *take,
			  const struct take_found *files, uint64_t at)
{
	uint64_t safe = at;

	for (unsigned i = 0; i < take->info.tracks; i++)
		if (is_wanted(take, i) && files->state[i].claimed < safe &&
		    !take_can_be_made(take, files, i, take->part, at))
			safe = files->state[i].claimed;
	return take->part_start + safe;
}

int take_resume_file(struct take *take, unsigned index, unsigned part,
		     uint64_t at)
{
	char name[TAKE_FILE_MAX];
	struct track_setup setup = take_track_setup(take, index, part, name);
	int error;

	error = track_resume(&take->track[index], &setup, at);
	take->open[index] = error == 0;
	return error;
}

/* One that was sealed is not opened again, and its seal may be in memory alone:
 * the process that wrote it can have died before its sync. */
static int sync_sealed(const struct take *take, unsigned index, unsigned part)
{
	const struct storage *storage = take->plan.storage;
	char name[TAKE_FILE_MAX];
	int error, file;

	take_info_file(&take->info.track[index], part, name);
	file = storage->open(take->plan.dir, name, 0);
	if (file < 0)
		return file;
	error = storage->sync(file);
	close(file);
	return error;
}

static int open_files(struct take *take, const struct take_found *files,
		      uint64_t at)
{
	int error = 0;

	for (unsigned i = 0; i < take->info.tracks && error == 0; i++) {
		if (!is_wanted(take, i))
			continue;
		if (!track_can_go_to(&files->state[i], at))
			error = take_remake_file(take, i);
		else if (files->state[i].sealed)
			error = sync_sealed(take, i, take->part);
		else
			error = take_resume_file(take, i, take->part, at);
	}
	return error;
}

static int seal_earlier_file(struct take *take, const struct take_found *files,
			     unsigned index, unsigned part, uint64_t length)
{
	int error;

	if (!track_can_go_to(&files->state[index], length)) {
		if (take_can_be_made(take, files, index, part, length))
			return take_remake_part(take, index, part);
		log_error("%s: part %u of track %u is damaged", take->info.name,
			  part + 1, take->info.track[index].number);
		return 0;
	}
	if (files->state[index].sealed)
		return 0;
	error = take_resume_file(take, index, part, length);
	return error < 0 ? error : take_finish_file(take, index, part);
}

/* Parts before the last one are complete: at most their heads were not. */
static int seal_earlier_parts(struct take *take)
{
	int error = 0;

	for (unsigned part = 0; part < take->part && error == 0; part++) {
		uint64_t length = take_info_part_start(&take->info, part + 1) -
				  take_info_part_start(&take->info, part);
		struct take_found files;

		error = take_mend(take, part, length);
		if (error == 0)
			error = take_inspect(take, part, &files);
		for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
			if (is_wanted(take, i))
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

/* Without the tape: it ends here. */
static int heal(struct take *take)
{
	if (take->fed < take->limit) {
		take->limit = take->fed;
		take->stop_noted = false;
		snprintf(take->cause, sizeof(take->cause), "interrupted");
	}
	log_warning("%s was interrupted; it is whole up to %.1f s",
		    take->info.name, (double)take->fed / take->info.rate);
	return note_return(take, "healed");
}

/* Those that were found sealed, that is. What is damaged may be gone. */
static int sync_earlier_parts(const struct take *take)
{
	int error = 0;

	for (unsigned part = 0; part < take->part && error == 0; part++) {
		for (unsigned i = 0; i < take->info.tracks && error == 0; i++) {
			if (is_wanted(take, i))
				error = sync_sealed(take, i, part);
			if (error == -ENOENT)
				error = 0;
		}
	}
	return error;
}

/* Not all of it may have been synced, or claimed, before: until it is, no more
 * is durable than was. */
static int bring_in_step(struct take *take, const struct take_found *files,
			 uint64_t at)
{
	uint64_t safe = take->durable;
	int error;

	take->durable = take->fed; /* the length of what is made anew */
	error = sync_earlier_parts(take);
	if (error == 0)
		error = open_files(take, files, at);
	if (error == 0)
		error = take_sync(take);
	if (error < 0)
		take->durable = safe;
	return error;
}

static int go_on(struct take *take, const struct take_found *files, uint64_t at)
{
	int error;

	if (!take_has_its_tape(take))
		tape_detach(&take->tape);
	take->fed = take->part_start + at;
	take->cut = take->fed >= take->limit || !take->tape.header;
	take_measure_parts(take);
	take_replay_arms(take);
	error = bring_in_step(take, files, at);
	if (error < 0)
		return error;
	take->begun = true;
	if (!take->tape.header)
		return heal(take);
	if (take->cut) /* only the heads were missing */
		return note_return(take, "resumed");
	take_first_event(take);
	log_info("%s goes on at %.1f s", take->info.name,
		 (double)take->fed / take->info.rate);
	return note_return(take, "resumed");
}

static bool any_is_wanted(const struct take *take)
{
	for (unsigned i = 0; i < take->info.tracks; i++)
		if (is_wanted(take, i))
			return true;
	return false;
}

/* The last part's files, in step, and where they can be gone on with. What the
 * tape has is better off in another take than where there is no file for it. */
static int find_common(struct take *take, struct take_found *files,
		       uint64_t *at)
{
	int error = take_mend(take, take->part, 0);

	if (error == 0 && take_has_its_tape(take) && !any_is_wanted(take))
		error = -EINVAL;
	if (error == 0)
		error = take_inspect(take, take->part, files);
	return error < 0 ? error : choose_common(take, files, at);
}

static int look_for_forgotten(struct take *take, const struct take_found *files,
			      uint64_t at)
{
	uint64_t claimed = 0;

	for (unsigned i = 0; i < take->info.tracks; i++)
		if (files->state[i].claimed > claimed)
			claimed = files->state[i].claimed;
	return take_note_forgotten(take, take->part_start + claimed,
				   take->part_start + at);
}

static int read_ledger(struct take *take)
{
	int error;

	ledger_forget(take->plan.storage, take->plan.dir);
	error = take_look_behind(take);
	if (error == 0)
		error = ledger_resume(&take->ledger, take->plan.storage,
				      take->plan.dir, apply, take);

	/* An entry that makes no sense was written by a recorder that knows
	 * more: nothing is done then. Nor where one was read and then could
	 * not be opened. */
	if ((error == -ENOENT || error == 0) && take->info.tracks == 0) {
		ledger_close(&take->ledger);
		error = take_rebuild_ledger(take);
	}
	if (error == 0 && !take->info.ended)
		error = take_adopt_files(take);
	return error;
}

int take_reopen(struct take *take)
{
	struct take_found files;
	uint64_t at = 0;
	int error = read_ledger(take);

	if (error < 0)
		return error;
	pace_init(&take->pace, take->info.level);
	pthread_mutex_lock(&take->mutex);
	take->status.start = take->info.start;
	pthread_mutex_unlock(&take->mutex);
	if (take->info.ended) {
		snprintf(take->cause, sizeof(take->cause), "%s",
			 take->info.reason);
		take->fed = take->limit = take->durable = take->info.frames;
		take->known = true;
		/* Who wrote that may have died before its sync. */
		take->ledger.dirty = true;
		return ledger_cut(&take->ledger);
	}
	find_stop(take);
	take->part = take_info_parts(&take->info) - 1;
	take->part_start = take_info_part_start(&take->info, take->part);
	error = seal_earlier_parts(take);
	if (error == 0)
		error = find_common(take, &files, &at);
	if (error < 0)
		return error;
	take->durable = find_safe(take, &files, at);
	take->known = true;
	error = look_for_forgotten(take, &files, at);
	return error < 0 ? error : go_on(take, &files, at);
}
