/*
 * The files of a take, in the order of FORMAT.md: data, sync, then the claim to
 * it. A part is a set of files of all tracks with equal first sample and
 * length; most takes have one.
 */
#include "take/take_private.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "take/take_tags.h"

/* Bytes a sample can come to at worst, with a frame's overhead in it. */
#define WORST_SAMPLE_BYTES(bits) ((bits) / 8 + 1)

static int create_file(struct take *take, unsigned index, unsigned part)
{
	const struct take_track *track = &take->info.track[index];
	struct take_tags *tags = malloc(sizeof(*tags));
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

	if (!tags)
		return -ENOMEM;
	take_info_file(track, part, name);
	take_tags_build(tags, &take->info, track, part);
	setup.tags = tags->tag;
	setup.tag_count = tags->count;
	error = track_create(&take->track[index], &setup);
	if (error == 0)
		error = take->plan.storage->sync(take->track[index].file);
	take->open[index] = error == 0;
	free(tags);
	return error;
}

int take_make_files(struct take *take)
{
	int error = 0;

	for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
		if (take->info.track[i].filed && !take->open[i])
			error = create_file(take, i, take->part);
	if (error == 0)
		error = take->plan.storage->sync_dir(take->plan.dir);
	return error;
}

static int feed_silence(struct track *track, unsigned bits, uint64_t count)
{
	static const int32_t zero[ENCODER_BLOCK];
	const int32_t *planes[2] = {zero, zero};
	struct md5_state *state = &track->md5;
	struct md5_source source = {{NULL, NULL}};
	int error = 0;

	while (count > 0 && error == 0) {
		unsigned part = count < ENCODER_BLOCK ? (unsigned)count
						      : ENCODER_BLOCK;

		error = track_feed(track, planes, part);
		track->snapshot = *state;
		md5_update(&state, &source, 1, track->channels, bits / 8,
			   part);
		count -= part;
	}
	return error;
}

int take_seal_file(struct take *take, unsigned index, unsigned part)
{
	struct take_tags *tags = malloc(sizeof(*tags));
	int error;

	if (!tags)
		return -ENOMEM;
	take_tags_build(tags, &take->info, &take->info.track[index], part);
	error = track_seal(&take->track[index], tags->tag, tags->count);
	free(tags);
	return error;
}

/* Silence for all that the other tracks have already, earlier parts too. */
int take_add_file(struct take *take, unsigned index)
{
	struct track *track = &take->track[index];
	int error = 0;

	for (unsigned part = 0; part <= take->part && error == 0; part++) {
		uint64_t from = take_info_part_start(&take->info, part);
		bool last = part == take->part;
		uint64_t to = last ? take->fed
				   : take_info_part_start(&take->info,
							  part + 1);

		error = create_file(take, index, part);
		if (error == 0)
			error = feed_silence(track, take->info.bits,
					     to - from);
		if (error < 0 || last)
			break;
		error = track_drain(track);
		if (error == 0)
			error = track_flush(track);
		if (error == 0)
			error = take_seal_file(take, index, part);
		if (error == 0)
			error = take->plan.storage->sync(track->file);
		track_close(track);
	}
	if (error == 0)
		error = take->plan.storage->sync_dir(take->plan.dir);
	return error;
}

int take_flush(struct take *take)
{
	int error = 0;

	for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
		if (take->open[i])
			error = track_flush(&take->track[i]);
	return error;
}

int take_sync_files(struct take *take)
{
	const struct storage *storage = take->plan.storage;
	int error = take_flush(take);

	/* All write-back is under way before the first wait for it. */
	for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
		if (take->open[i])
			storage->start_sync(take->track[i].file);
	for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
		if (take->open[i])
			error = storage->sync(take->track[i].file);
	return error;
}

/* What all files hold in whole frames; they are in step. */
static uint64_t whole_frames(const struct take *take)
{
	for (unsigned i = 0; i < take->info.tracks; i++)
		if (take->open[i])
			return take->track[i].samples;
	return take->fed - take->part_start;
}

int take_sync(struct take *take)
{
	int error = take_sync_files(take);

	take->synced_ns = clock_now_ns();
	for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
		if (take->open[i])
			error = track_checkpoint(&take->track[i]);
	if (error == 0)
		error = ledger_sync(&take->ledger);
	if (error == 0)
		take->durable = take->part_start + whole_frames(take);
	return error;
}

int take_seal(struct take *take)
{
	int error = 0;

	for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
		if (take->open[i])
			error = take_seal_file(take, i, take->part);
	if (error == 0)
		error = take_sync_files(take);
	return error;
}

bool take_part_is_full(const struct take *take, uint64_t to)
{
	uint64_t slice = to - take->fed + take->info.rate + ENCODER_BLOCK;
	uint64_t limit = take->plan.max_file_bytes;

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

/* The encoders are drained, on a block's border. The claim to the whole part
 * is durable before the ledger says that there is another. */
int take_next_part(struct take *take)
{
	int error = take_sync(take);

	if (error == 0)
		error = take_sync_files(take);
	if (error == 0)
		error = take_note(take, json_pack("{ss sI}", "type", "part",
						  "at",
						  (json_int_t)take->fed));
	if (error == 0)
		error = ledger_sync(&take->ledger);
	if (error == 0)
		error = take_seal(take);
	for (unsigned i = 0; i < take->info.tracks; i++) {
		take->closed_bytes += take->open[i] ? take->track[i].size : 0;
		track_close(&take->track[i]);
		take->open[i] = false;
	}
	take->part++;
	take->part_start = take->fed;
	return error < 0 ? error : take_make_files(take);
}

uint64_t take_bytes(const struct take *take)
{
	uint64_t bytes = take->closed_bytes;

	for (unsigned i = 0; i < take->info.tracks; i++)
		if (take->open[i])
			bytes += take->track[i].size + take->track[i].queued;
	return bytes;
}
