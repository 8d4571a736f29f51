/*
 * Files that fall short. A checkpoint of any file says that every file was
 * safe up to there: on a medium that keeps what it has acknowledged they all
 * are, and nothing here has anything to do. Where one is not (a card that lied,
 * a file that a check of the file system took away, a first sector that was
 * lost) the others are not cut down to it: it gets silence up to what they
 * have, and the ledger says from where on.
 *
 * A file that holds more behind what can be read of it is left as it is.
 */
#include "take/take_private.h"

#include <errno.h>

#include "base/log.h"

struct mending {
	struct take *take;
	struct take_found found;
	unsigned part;
	uint64_t length; /* that each file must have */
};

static struct track_setup setup_of(const struct mending *mending,
				   unsigned index, const char *name)
{
	const struct take *take = mending->take;

	return (struct track_setup){
		.storage = take->plan.storage,
		.dir = take->plan.dir,
		.file = name,
		.rate = take->info.rate,
		.bits = take->info.bits,
		.channels = take->info.track[index].channel_count,
		.level = take->info.level,
	};
}

/* What any file says that all of them have. */
static uint64_t find_claim(const struct mending *mending)
{
	uint64_t claimed = 0;

	for (unsigned i = 0; i < mending->take->info.tracks; i++)
		if (mending->found.state[i].claimed > claimed)
			claimed = mending->found.state[i].claimed;
	return claimed;
}

/* That, less what none of them does have. */
static uint64_t choose_length(const struct mending *mending)
{
	const struct take *take = mending->take;
	uint64_t claimed = find_claim(mending), length = 0;

	for (unsigned i = 0; i < take->info.tracks; i++) {
		uint64_t whole = mending->found.state[i].whole;

		if (whole > claimed)
			whole = claimed;
		if (whole > length)
			length = whole;
	}
	if (take->limit != TAKE_FOREVER &&
	    length > take->limit - take->part_start)
		length = take->limit - take->part_start;
	return length;
}

static bool falls_short(const struct mending *mending, unsigned index)
{
	const struct take *take = mending->take;

	return take->info.track[index].filed &&
	       !track_can_go_to(&mending->found.state[index],
				mending->length) &&
	       !take_can_be_made(take, &mending->found, index, mending->part,
				 mending->length);
}

static int note(const struct mending *mending, unsigned index, uint64_t from,
		bool left)
{
	struct take *take = mending->take;
	uint64_t start = take_info_part_start(&take->info, mending->part);
	int error = take_note(
		take,
		json_pack("{ss si sI sI sb}", "type", "damaged", "track",
			  (int)take->info.track[index].number, "at",
			  (json_int_t)(start + from), "frames",
			  (json_int_t)(mending->length - from), "left", left));

	log_error("%s: the medium has lost %.1f s of track %u from %.1f s on%s",
		  take->info.name,
		  (double)(mending->length - from) / take->info.rate,
		  take->info.track[index].number,
		  (double)(start + from) / take->info.rate,
		  left ? "; the file is left as it is" : "");
	return error < 0 ? error : ledger_sync(&take->ledger);
}

/* What a track had been said to have, and no file has any more, is behind the
 * end: unless the tape has it. */
static int note_lost_end(const struct mending *mending)
{
	struct take *take = mending->take;
	uint64_t start = take_info_part_start(&take->info, mending->part);
	uint64_t end = start + mending->length;
	int error = 0;

	for (unsigned i = 0; i < take->info.tracks && error == 0; i++) {
		uint64_t claimed = start + mending->found.state[i].claimed;

		if (claimed > take->limit)
			claimed = take->limit;
		if (!take->info.track[i].filed || claimed <= end)
			continue;
		log_error("%s: the medium has lost the last %.1f s of track %u",
			  take->info.name,
			  (double)(claimed - end) / take->info.rate,
			  take->info.track[i].number);
		error = take_note(
			take,
			json_pack("{ss si sI sI sb}", "type", "damaged",
				  "track", (int)take->info.track[i].number,
				  "at", (json_int_t)end, "frames",
				  (json_int_t)(claimed - end), "left", 0));
		if (error == 0)
			error = ledger_sync(&take->ledger);
	}
	return error;
}

static int finish(struct mending *mending, unsigned index)
{
	struct take *take = mending->take;
	const struct storage *storage = take->plan.storage;
	struct track *track = &take->track[index];
	int error = take_feed_silence(take, index,
				      mending->length - track->samples);

	if (error == 0)
		error = track_drain(track);
	if (error == 0)
		error = track_flush(track);
	if (error == 0)
		error = storage->sync(track->file);
	if (error == 0)
		error = track_checkpoint(track);
	return error < 0 ? error : storage->sync(track->file);
}

static int fill_up(struct mending *mending, unsigned index, uint64_t from)
{
	struct take *take = mending->take;
	const struct storage *storage = take->plan.storage;
	char name[TAKE_FILE_MAX];
	int error;

	take_info_file(&take->info.track[index], mending->part, name);
	if (from > 0) {
		error = take_resume_file(take, index, mending->part, from);
	} else {
		error = storage->remove(take->plan.dir, name);
		if (error == 0 || error == -ENOENT)
			error = take_create_file(take, index, mending->part);
	}
	if (error == 0)
		error = finish(mending, index);
	if (error == 0 && from == 0)
		error = storage->sync_dir(take->plan.dir);
	track_close(&take->track[index]);
	take->open[index] = false;
	return error;
}

static int mend_file(struct mending *mending, unsigned index)
{
	struct take *take = mending->take;
	const struct track_state *state = &mending->found.state[index];
	uint64_t from = take_whole_blocks(state->whole);
	char name[TAKE_FILE_MAX];
	struct track_setup setup = setup_of(mending, index, name);
	int error, more = 1;

	take_info_file(&take->info.track[index], mending->part, name);
	if (!state->sealed && from <= mending->length)
		more = track_has_more(&setup, state, mending->length);
	if (more < 0 && more != -ENOENT)
		return more;
	take->left[index] = more > 0;
	error = note(mending, index,
		     from < mending->length ? from : mending->length, more > 0);
	return error < 0 || more > 0 ? error : fill_up(mending, index, from);
}

/* A first sector that is lost, with the sound behind it. It is to say no more
 * than the others do, if they say anything: behind that nothing was safe. Where
 * there is sound that no head can be made for, the file is nobody's to make
 * anew. */
static int restore_head(struct mending *mending, unsigned index, uint64_t limit)
{
	static const struct track_state nothing = {.byte = FLAC_HEAD_BYTES};
	struct take *take = mending->take;
	char name[TAKE_FILE_MAX];
	struct track_setup setup = setup_of(mending, index, name);
	int error;

	take_info_file(&take->info.track[index], mending->part, name);
	error = track_restore_head(&setup, limit);
	if (error != -EINVAL)
		return error == -ENOENT ? 0 : error;
	error = track_has_more(&setup, &nothing, UINT64_MAX);
	take->left[index] = error > 0;
	return error < 0 ? error : 0;
}

/* Its head says that there was more than can be read, and there is: whoever is
 * to end where that begins would lose it. */
static int look_for_more(struct mending *mending, unsigned index)
{
	const struct track_state *state = &mending->found.state[index];
	struct take *take = mending->take;
	char name[TAKE_FILE_MAX];
	struct track_setup setup = setup_of(mending, index, name);
	int more;

	take_info_file(&take->info.track[index], mending->part, name);
	more = track_has_more(&setup, state, state->claimed);
	take->left[index] = more > 0;
	return more < 0 ? more : 0;
}

/* What is to be done before it can be said how long they are to be. */
static int look_at_heads(struct mending *mending)
{
	struct take *take = mending->take;
	uint64_t claim = find_claim(mending);
	uint64_t limit = mending->length ? mending->length : claim;
	bool again = false;
	int error = 0;

	for (unsigned i = 0; i < take->info.tracks && error == 0; i++) {
		const struct track_state *state = &mending->found.state[i];

		if (mending->found.missing[i])
			error = restore_head(mending, i,
					     limit ? limit : UINT64_MAX);
		else if (state->claimed > state->whole)
			error = look_for_more(mending, i);
		again |= mending->found.missing[i] || take->left[i];
	}
	if (error < 0 || !again)
		return error;
	return take_inspect(take, mending->part, &mending->found);
}

int take_mend(struct take *take, unsigned part, uint64_t length)
{
	struct mending mending = {.take = take, .part = part, .length = length};
	int error;

	for (unsigned i = 0; i < take->info.tracks; i++)
		take->left[i] = false;
	error = take_inspect(take, part, &mending.found);
	if (error == 0)
		error = look_at_heads(&mending);
	if (error < 0)
		return error;
	if (length == 0)
		mending.length = choose_length(&mending);
	if (length == 0 && !take_has_its_tape(take))
		error = note_lost_end(&mending);
	for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
		if (take->left[i])
			error = note(&mending, i, 0, true);
		else if (falls_short(&mending, i))
			error = mend_file(&mending, i);
	return error;
}
