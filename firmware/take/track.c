/*
 * One FLAC file while it grows. The first sector is the only thing that is
 * ever written twice before the end, and it is written in one piece.
 */
#include "take/track_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RENUMBER_SLACK 6 /* a longer coded number */
#define QUEUE_GRAIN    (64 * 1024)

#define SILENT_FRAME_MAX 64 /* some 20 come of it */

static int reserve(struct track *track, size_t more)
{
	size_t wanted = track->queued + more + RENUMBER_SLACK;
	uint8_t *grown;

	if (wanted <= track->capacity)
		return 0;
	wanted = (wanted / QUEUE_GRAIN + 1) * QUEUE_GRAIN;
	grown = realloc(track->queue, wanted);
	if (!grown)
		return -ENOMEM;
	track->queue = grown;
	track->capacity = wanted;
	return 0;
}

void track_note_frame(struct track *track, uint64_t size, unsigned samples)
{
	struct flac_streaminfo *info = &track->head.info;
	struct flac_seekpoint point = {
		.sample = track->samples,
		.offset = track->next_byte,
		.samples = samples,
	};

	flac_seek_offer(&track->seek, &point);
	if (info->min_frame == 0 || size < info->min_frame)
		info->min_frame = (unsigned)size;
	if (size > info->max_frame)
		info->max_frame = (unsigned)size;
	track->frames++;
	track->samples += samples;
	track->next_byte += size;
}

static void on_frame(void *context, const uint8_t *frame, size_t size,
		     uint64_t number, unsigned samples)
{
	struct track *track = context;
	int written = (int)size;

	(void)number;
	if (track->broken || reserve(track, size) < 0) {
		track->broken = true;
		return;
	}
	if (track->base_frame == 0)
		memcpy(track->queue + track->queued, frame, size);
	else
		written = flac_renumber_frame(frame, size, track->base_frame,
					      track->queue + track->queued);
	if (written < 0) {
		track->broken = true;
		return;
	}
	track->queued += (size_t)written;
	track_note_frame(track, (uint64_t)written, samples);
}

/* What comes between two looks at the queue, at worst: take_slice.c. */
static size_t worst_slice(const struct track_setup *setup)
{
	return (setup->rate / 4 + 2 * ENCODER_BLOCK) * setup->channels *
	       (setup->bits / 8 + 1);
}

/* Memory for the queue is all there from the start, so that no take ends for
 * want of it; what is never needed is never touched. */
int track_init(struct track *track, const struct track_setup *setup)
{
	struct encoder_setup encoder = {
		.rate = setup->rate,
		.bits = setup->bits,
		.channels = setup->channels,
		.level = setup->level,
		.frame_fn = on_frame,
		.context = track,
	};

	*track = (struct track){
		.storage = setup->storage,
		.file = -1,
		.channels = setup->channels,
		.size = FLAC_HEAD_BYTES,
		.head.info =
			{
				.min_block = ENCODER_BLOCK,
				.max_block = ENCODER_BLOCK,
				.rate = setup->rate,
				.channels = setup->channels,
				.bits = setup->bits,
			},
	};
	md5_init(&track->md5);
	track->snapshot = track->md5;
	flac_seek_init(&track->seek, setup->rate);
	if (reserve(track, TRACK_QUEUE_BYTES + worst_slice(setup)) < 0)
		return -ENOMEM;
	return encoder_create(&track->encoder, &encoder);
}

/* Tags that do not fit (a thousand markers) are still in take.json: the last
 * ones are left out. */
static int make_rest(const struct track *track, uint8_t *rest,
		     const struct flac_tag *tags, unsigned count)
{
	int error;

	do
		error = flac_write_rest(rest, track->seek.point,
					track->seek.count, tags, count);
	while (error == -ENOSPC && count-- > 0);
	return error;
}

int track_write_tags(struct track *track, const struct flac_tag *tags,
		     unsigned tag_count)
{
	const size_t size = FLAC_HEAD_BYTES - FLAC_SECTOR_BYTES;
	uint8_t *rest = calloc(1, size);
	int error;

	if (!rest)
		return -ENOMEM;
	track_find_seekpoints(track);
	error = make_rest(track, rest, tags, tag_count);
	if (error == 0)
		error = track->storage->write(track->file, rest, size,
					      FLAC_SECTOR_BYTES);
	free(rest);
	return error;
}

static int write_sector(struct track *track)
{
	uint8_t sector[FLAC_SECTOR_BYTES];

	flac_write_sector(sector, &track->head);
	return track->storage->write(track->file, sector, sizeof(sector), 0);
}

int track_cover(struct track *track)
{
	track->head.covered = true;
	return write_sector(track);
}

int track_create(struct track *track, const struct track_setup *setup)
{
	int error = track_init(track, setup);

	if (error == 0) {
		track->file = setup->storage->open(setup->dir, setup->file, 1);
		error = track->file < 0 ? track->file : 0;
	}
	if (error == 0)
		error = write_sector(track);
	if (error == 0)
		error = track_write_tags(track, setup->tags, setup->tag_count);
	if (error < 0)
		track_close(track);
	return error;
}

void track_close(struct track *track)
{
	encoder_destroy(track->encoder);
	free(track->queue);
	if (track->file >= 0)
		close(track->file);
	*track = (struct track){.file = -1};
}

int track_feed(struct track *track, const int32_t *const *planes,
	       unsigned count)
{
	int error = encoder_feed(track->encoder, planes, count);

	return error < 0 ? error : track->broken ? -ENOMEM : 0;
}

int track_flush(struct track *track)
{
	int error;

	if (track->queued == 0)
		return 0;
	error = track->storage->write(track->file, track->queue, track->queued,
				      track->size);
	if (error < 0)
		return error;
	track->size += track->queued;
	track->queued = 0;
	return 0;
}

/* libFLAC makes the first block: not the others, which differ from it in their
 * number alone: it takes a hundred times as long. */
static int make_silent_frame(struct track *track,
			     uint8_t frame[SILENT_FRAME_MAX], size_t *size)
{
	static const int32_t zero[ENCODER_BLOCK];
	const int32_t *planes[2] = {zero, zero};
	size_t before = track->queued;
	int error = track_feed(track, planes, ENCODER_BLOCK);

	if (error == 0)
		error = track_drain(track);
	if (error < 0)
		return error;
	*size = track->queued - before;
	if (*size > SILENT_FRAME_MAX)
		return -EINVAL;
	memcpy(frame, track->queue + before, *size);
	return 0;
}

static int repeat_frame(struct track *track, const uint8_t *frame, size_t size,
			uint64_t offset)
{
	int error = reserve(track, size);

	if (error < 0)
		return error;
	error = flac_renumber_frame(frame, size, offset,
				    track->queue + track->queued);
	if (error < 0)
		return error;
	track->queued += (size_t)error;
	track_note_frame(track, (uint64_t)error, ENCODER_BLOCK);
	return track->queued < TRACK_QUEUE_BYTES ? 0 : track_flush(track);
}

int track_add_silence(struct track *track, uint64_t blocks)
{
	uint8_t frame[SILENT_FRAME_MAX];
	size_t size = 0;
	int error;

	if (blocks == 0)
		return 0;
	error = make_silent_frame(track, frame, &size);
	for (uint64_t i = 1; i < blocks && error == 0; i++)
		error = repeat_frame(track, frame, size, i);
	track->base_frame = track->frames;
	return error;
}

int track_checkpoint(struct track *track)
{
	struct flac_checkpoint *slot = &track->head.checkpoint[0];
	uint64_t newest = slot->sequence;

	if (track->head.checkpoint[1].sequence > newest)
		newest = track->head.checkpoint[1].sequence;
	else
		slot = &track->head.checkpoint[1];
	*slot = (struct flac_checkpoint){
		.sequence = newest + 1,
		.samples = track->samples,
		.size = track->size,
	};
	if (track->samples % ENCODER_BLOCK == 0)
		memcpy(slot->md5, track->snapshot.word, sizeof(slot->md5));
	else if (track->has_digest)
		memcpy(slot->md5, track->digest, sizeof(slot->md5));
	else
		md5_digest(&track->md5, (uint8_t *)slot->md5);
	track->head.info.samples = track->samples;
	return write_sector(track);
}

int track_drain(struct track *track)
{
	if (encoder_finish(track->encoder) < 0)
		track->broken = true;
	track->snapshot = track->md5;
	track->base_frame = track->frames;
	return track->broken ? -ENOMEM : 0;
}

int track_seal(struct track *track)
{
	track->head.info.samples = track->samples;
	if (track->has_digest)
		memcpy(track->head.info.md5, track->digest,
		       sizeof(track->digest));
	else
		md5_digest(&track->md5, track->head.info.md5);
	track->head.finished = true;
	return write_sector(track);
}
