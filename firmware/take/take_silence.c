/*
 * Silence in place of what there is no sound of: before a track was armed, and
 * where a file has been lost. Nothing is encoded for the others while the file
 * of a track that is armed late is made, so that is to take no time to speak
 * of, however long the take is: of its blocks only one is encoded, and the MD5
 * of silence is known before it is asked for (md5_zeros), since the writer
 * hashes some whenever it is about to rest. After a resume it is not known yet:
 * the others wait for it while the tape has room enough for them, and then it
 * is learnt beside their work.
 */
#include "take/take_private.h"

#include <errno.h>

/* At a time; each some 15 ms on a PC. */
#define HASHED_BYTES (UINT64_C(8) << 20)
#define BESIDE_BYTES (UINT64_C(1) << 20) /* while the others have to go on */
#define ADDED_BLOCKS (UINT64_C(1) << 16)

/* For the watchdog: it goes on. */
static void tell(struct take *take, uint64_t work)
{
	pthread_mutex_lock(&take->mutex);
	take->status.silence += work;
	pthread_mutex_unlock(&take->mutex);
}

static uint64_t bytes_of(const struct take *take, unsigned index,
			 uint64_t frames)
{
	return frames * take->info.track[index].channel_count *
	       (take->info.bits / 8);
}

static uint64_t longest_part(const struct take *take)
{
	uint64_t longest = take->fed - take->part_start, start = 0;

	for (unsigned part = 1; part <= take->part; part++) {
		uint64_t end = take_info_part_start(&take->info, part);

		if (end - start > longest)
			longest = end - start;
		start = end;
	}
	return longest;
}

/* To hash, before files of the track can be made at once. */
static uint64_t needed(const struct take *take, unsigned index)
{
	return bytes_of(take, index, longest_part(take));
}

bool take_silence_is_known(const struct take *take, unsigned index)
{
	return take->zeros.front.bytes >= needed(take, index);
}

static bool hash_ahead(struct take *take, uint64_t bytes, uint64_t most)
{
	bool more = md5_zeros_advance(&take->zeros, bytes, most);

	if (more)
		tell(take, most);
	return !more;
}

void take_learn_silence(struct take *take, unsigned index)
{
	hash_ahead(take, needed(take, index),
		   take_has_to_go_on(take) ? BESIDE_BYTES : HASHED_BYTES);
}

/* What a track would need that has no files yet, were it armed now. */
bool take_foresee_silence(struct take *take)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < take->info.tracks; i++)
		if (!take->info.track[i].filed && needed(take, i) > most)
			most = needed(take, i);
	return hash_ahead(take, most, HASHED_BYTES);
}

/* When files are made anew for a resume it was not foreseen. */
static struct md5_state md5_of_silence(struct take *take, uint64_t bytes)
{
	while (md5_zeros_advance(&take->zeros, bytes, HASHED_BYTES))
		tell(take, HASHED_BYTES);
	return md5_zeros_at(&take->zeros, bytes);
}

int take_feed_silence(struct take *take, unsigned index, uint64_t count)
{
	struct track *track = &take->track[index];
	unsigned bits = take->info.bits;
	static const int32_t zero[ENCODER_BLOCK];
	const int32_t *planes[2] = {zero, zero};
	struct md5_state *state = &track->md5;
	struct md5_source source = {{NULL, NULL}};
	int error = 0;

	while (count > 0 && error == 0) {
		unsigned part =
			count < ENCODER_BLOCK ? (unsigned)count : ENCODER_BLOCK;

		error = track_feed(track, planes, part);
		track->snapshot = *state;
		md5_update(&state, &source, 1, track->channels, bits / 8, part);
		count -= part;
		tell(take, part);
	}
	return error;
}

/* A file's first frames, nearly all of them. */
static int begin_with_silence(struct take *take, unsigned index,
			      uint64_t frames)
{
	struct track *track = &take->track[index];
	uint64_t whole = take_whole_blocks(frames), part;
	int error = 0;

	for (uint64_t left = whole / ENCODER_BLOCK; left > 0 && error == 0;
	     left -= part) {
		part = left < ADDED_BLOCKS ? left : ADDED_BLOCKS;
		error = track_add_silence(track, part);
		tell(take, part);
	}
	if (error < 0)
		return error;
	track->md5 = md5_of_silence(take, bytes_of(take, index, whole));
	return take_feed_silence(take, index, frames - whole);
}

/* A change of the level drains all encoders: none of them holds a block back,
 * and the next checkpoint of their files is where they have been fed to. */
static bool others_are_drained(const struct take *take, unsigned index)
{
	for (unsigned i = 0; i < take->info.tracks; i++)
		if (take->open[i] && i != index)
			return take->part_start + take->track[i].samples ==
			       take->fed;
	return false;
}

/* A file of the part under way. Its checkpoints are where the other files have
 * theirs, so that all can be cut to one length from the beginning. */
static int go_on_with_silence(struct take *take, unsigned index, uint64_t safe)
{
	struct track *track = &take->track[index];
	int error = 0;

	if (safe > 0)
		error = take->plan.storage->sync(track->file);
	if (error == 0 && safe > 0)
		error = track_checkpoint(track);
	if (error == 0)
		error = take_feed_silence(take, index,
					  take->fed - take->durable);
	if (error == 0 && others_are_drained(take, index))
		error = track_drain(track);
	return error;
}

static int fill_file(struct take *take, unsigned index, unsigned part)
{
	struct track *track = &take->track[index];
	uint64_t from = take_info_part_start(&take->info, part);
	bool last = part == take->part;
	uint64_t safe = (last ? take->durable
			      : take_info_part_start(&take->info, part + 1)) -
			from;
	int error = take_create_file(take, index, part);

	if (error == 0)
		error = begin_with_silence(take, index, safe);
	if (error == 0)
		error = track_drain(track);
	if (error == 0)
		error = track_flush(track);
	if (error < 0)
		return error;
	return last ? go_on_with_silence(take, index, safe)
		    : take_finish_file(take, index, part);
}

static int make_file(struct take *take, unsigned index, unsigned part)
{
	int error = fill_file(take, index, part);

	if (error < 0) {
		track_close(&take->track[index]);
		take->open[index] = false;
	}
	return error;
}

/* Silence for all that the other tracks have already, earlier parts too. */
int take_add_file(struct take *take, unsigned index)
{
	int error = 0;

	for (unsigned part = 0; part <= take->part && error == 0; part++)
		error = make_file(take, index, part);
	if (error == 0)
		error = take->plan.storage->sync_dir(take->plan.dir);
	return error;
}

/* Has the track nothing but silence in this part, or is there nothing yet? */
static bool nothing_to_lose(const struct take *take, unsigned index,
			    unsigned part)
{
	bool last = part == take->part;
	uint64_t end = last ? take->durable
			    : take_info_part_start(&take->info, part + 1);

	return take_info_silent_until(&take->info, index) >= end ||
	       end == take_info_part_start(&take->info, part);
}

int take_remake_part(struct take *take, unsigned index, unsigned part)
{
	const struct storage *storage = take->plan.storage;
	struct track_state state;
	char name[TAKE_FILE_MAX];
	int error;

	take_info_file(&take->info.track[index], part, name);
	error = track_inspect(&state, storage, take->plan.dir, name);
	if (error == 0 && state.sealed)
		return 0;
	if (!nothing_to_lose(take, index, part))
		return part == take->part ? -EINVAL : 0;
	error = storage->remove(take->plan.dir, name);
	if (error == 0 || error == -ENOENT)
		error = make_file(take, index, part);
	return error < 0 ? error : storage->sync_dir(take->plan.dir);
}

int take_remake_file(struct take *take, unsigned index)
{
	int error = 0;

	track_close(&take->track[index]);
	take->open[index] = false;
	for (unsigned part = 0; part <= take->part && error == 0; part++)
		error = take_remake_part(take, index, part);
	return error;
}
