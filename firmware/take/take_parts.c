/*
 * A part is a set of files of all tracks with equal first sample and length.
 * Most takes have one; a file system that cannot hold larger files makes it
 * more, as does a take that lasts for days. Nothing is lost at the seam: the
 * encoders are drained on a block's border and go on in the next file.
 */
#include "take/take_private.h"

#include <errno.h>
#include <sys/stat.h>

/* Bytes a sample can come to at worst, with a frame's overhead in it. */
#define WORST_SAMPLE_BYTES(bits) ((bits) / 8 + 1)

/* STREAMINFO counts 2^36 - 1 samples, four days at 192 kHz; a silence that goes
 * in at once, unasked, is not so long as what is left here. */
#define MOST_SAMPLES ((UINT64_C(1) << 36) - (UINT64_C(1) << 32))

/* Could a file grow beyond the limit before the next look? */
bool take_part_is_full(const struct take *take, uint64_t to)
{
	uint64_t slice = to - take->fed + take->info.rate + 2 * ENCODER_BLOCK;
	uint64_t limit = take->plan.max_file_bytes;

	if (to - take->part_start > MOST_SAMPLES)
		return true;
	if (limit == 0)
		return false;
	for (unsigned i = 0; i < take->info.tracks; i++) {
		const struct track *track = &take->track[i];
		uint64_t worst = slice * track->channels *
				 WORST_SAMPLE_BYTES(take->info.bits);

		if (take->open[i] &&
		    track->size + track->queued + worst > limit)
			return true;
	}
	return false;
}

static uint64_t close_part(struct take *take)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < take->info.tracks; i++) {
		bytes += take->open[i] ? take->track[i].size : 0;
		track_close(&take->track[i]);
		take->open[i] = false;
	}
	return bytes;
}

/* All of the part is durable before the ledger says that there is another, and
 * that before there is a file of it. */
int take_next_part(struct take *take)
{
	int error = take_tag(take, take->fed);

	if (error == 0)
		error = take_sync(take);
	if (error == 0)
		error = take_note(take, json_pack("{ss sI}", "type", "part",
						  "at", (json_int_t)take->fed));
	if (error == 0)
		error = ledger_sync(&take->ledger);
	if (error == 0)
		error = take_seal(take);
	if (error < 0)
		return error;
	take->closed_bytes += close_part(take);
	take->part++;
	take->part_start = take->fed;
	return take_make_files(take);
}

static uint64_t bytes_of(const struct take *take, unsigned part)
{
	char name[TAKE_FILE_MAX];
	uint64_t bytes = 0;
	struct stat stat;

	for (unsigned i = 0; i < take->info.tracks; i++) {
		take_info_file(&take->info.track[i], part, name);
		if (fstatat(take->plan.dir, name, &stat, 0) == 0)
			bytes += (uint64_t)stat.st_size;
	}
	return bytes;
}

void take_measure_parts(struct take *take)
{
	take->closed_bytes = 0;
	for (unsigned part = 0; part < take->part; part++)
		take->closed_bytes += bytes_of(take, part);
}

/* The take ends where this part was to begin: then there is no such part. A
 * file of it that was left is there for what can still be got out of it. */
int take_drop_empty_part(struct take *take)
{
	const struct storage *storage = take->plan.storage;
	char name[TAKE_FILE_MAX];

	if (take->part == 0 || take->fed > take->part_start)
		return 0;
	close_part(take);
	for (unsigned i = 0; i < take->info.tracks; i++) {
		int error;

		if (!take->info.track[i].filed || take->left[i])
			continue;
		take_info_file(&take->info.track[i], take->part, name);
		error = storage->remove(take->plan.dir, name);
		if (error < 0 && error != -ENOENT)
			return error;
	}
	take->part--;
	take->part_start = take_info_part_start(&take->info, take->part);
	return 0;
}
