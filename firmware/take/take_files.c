/*
 * The files of a take, in the order of FORMAT.md: data, sync, then the claim to
 * it.
 */
#include "take/take_private.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "take/take_tags.h"

struct track_setup take_track_setup(const struct take *take, unsigned index,
				    unsigned part, char name[TAKE_FILE_MAX])
{
	take_info_file(&take->info.track[index], part, name);
	return (struct track_setup){
		.storage = take->plan.storage,
		.dir = take->plan.dir,
		.file = name,
		.rate = take->info.rate,
		.bits = take->info.bits,
		.channels = take->info.track[index].channel_count,
		.level = take->pace.level,
	};
}

static int create_file(struct take *take, unsigned index, unsigned part)
{
	const struct take_track *track = &take->info.track[index];
	struct take_tags *tags = malloc(sizeof(*tags));
	char name[TAKE_FILE_MAX];
	struct track_setup setup = take_track_setup(take, index, part, name);
	int error;

	if (!tags)
		return -ENOMEM;
	take_tags_build(tags, &take->info, track, part, UINT64_MAX);
	setup.tags = tags->tag;
	setup.tag_count = tags->count;
	error = track_create(&take->track[index], &setup);
	take->open[index] = error == 0;
	free(tags);
	return error;
}

int take_create_file(struct take *take, unsigned index, unsigned part)
{
	int error = create_file(take, index, part);

	if (error == 0)
		error = take->plan.storage->sync(take->track[index].file);
	take->open[index] = error == 0;
	return error;
}

static int sync_open_files(struct take *take)
{
	int file[TAKE_TRACKS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < take->info.tracks; i++)
		if (take->open[i])
			file[count++] = take->track[i].file;
	return syncers_sync(take->syncers, file, count);
}

int take_make_files(struct take *take)
{
	int error = 0;

	for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
		if (take->info.track[i].filed && !take->open[i])
			error = create_file(take, i, take->part);
	if (error == 0)
		error = sync_open_files(take);
	if (error == 0)
		error = take->plan.storage->sync_dir(take->plan.dir);
	return error;
}

static int tag_file(struct take *take, unsigned index, unsigned part,
		    uint64_t end)
{
	struct take_tags *tags = malloc(sizeof(*tags));
	int error;

	if (!tags)
		return -ENOMEM;
	take_tags_build(tags, &take->info, &take->info.track[index], part, end);
	error = track_write_tags(&take->track[index], tags->tag, tags->count);
	free(tags);
	return error;
}

/* One that is whole, but for its head. */
int take_finish_file(struct take *take, unsigned index, unsigned part)
{
	struct track *track = &take->track[index];
	int error = track_cover(track);

	if (error == 0)
		error = take->plan.storage->sync(track->file);
	if (error == 0)
		error = tag_file(take, index, part, UINT64_MAX);
	if (error == 0)
		error = take->plan.storage->sync(track->file);
	if (error == 0)
		error = track_seal(track);
	if (error == 0)
		error = take->plan.storage->sync(track->file);
	track_close(track);
	take->open[index] = false;
	return error;
}

/* The ledger first: whatever of the sound is found after a power cut, what the
 * ledger has to say of it is found too. */
int take_flush(struct take *take)
{
	int error = ledger_sync(&take->ledger);

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
	return error < 0 ? error : sync_open_files(take);
}

/* What all files hold in whole frames; they are in step. */
uint64_t take_encoded(const struct take *take)
{
	for (unsigned i = 0; i < take->info.tracks; i++)
		if (take->open[i])
			return take->part_start + take->track[i].samples;
	return take->fed;
}

int take_sync(struct take *take)
{
	int64_t began = clock_now_ns();
	int error = take_sync_files(take);
	int64_t ended = clock_now_ns();

	take->sync_ns = take->slice_ns; /* encoding counts too */
	take->took_ns = ended - take->slice_ns;
	if (ended - began > take->worst_sync_ns)
		take->worst_sync_ns = ended - began;
	for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
		if (take->open[i])
			error = track_checkpoint(&take->track[i]);
	if (error == 0)
		error = ledger_sync(&take->ledger);
	if (error < 0)
		return error;
	take->durable = take_encoded(take);
	take_levels_are_safe(take);
	return 0;
}

static int cover(struct take *take)
{
	int error = 0;

	for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
		if (take->open[i])
			error = track_cover(&take->track[i]);
	return error < 0 ? error : take_sync_files(take);
}

int take_tag(struct take *take, uint64_t end)
{
	int error = cover(take);

	for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
		if (take->open[i])
			error = tag_file(take, i, take->part, end);
	return error;
}

int take_seal(struct take *take)
{
	int error = 0;

	for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
		if (take->open[i])
			error = track_seal(&take->track[i]);
	if (error == 0)
		error = take_sync_files(take);
	return error;
}

uint64_t take_bytes(const struct take *take)
{
	uint64_t bytes = take->closed_bytes;

	for (unsigned i = 0; i < take->info.tracks; i++)
		if (take->open[i])
			bytes += take->track[i].size + take->track[i].queued;
	return bytes;
}
