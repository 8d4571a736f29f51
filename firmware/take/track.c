/*
 * One FLAC file while it grows. The first sector is the only thing that is
 * ever written twice before the end, and it is written in one piece.
 */
#include "take/track.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RENUMBER_SLACK 6 /* a longer coded number */
#define QUEUE_GRAIN    (64 * 1024)

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

static void note_frame(struct track *track, size_t size, unsigned samples)
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
	track->queued += size;
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
	note_frame(track, (size_t)written, samples);
}

static int init(struct track *track, const struct track_setup *setup)
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
	return encoder_create(&track->encoder, &encoder);
}

static int write_head(struct track *track, const struct flac_tag *tags,
		      unsigned tag_count)
{
	uint8_t *head = calloc(1, FLAC_HEAD_BYTES);
	int error;

	if (!head)
		return -ENOMEM;
	flac_write_sector(head, &track->head);
	error = flac_write_rest(head + FLAC_SECTOR_BYTES, track->seek.point,
				track->seek.count, tags, tag_count);
	/* Tags that do not fit (a thousand markers) are still in take.json:
	 * the file keeps those it was made with. */
	if (error == 0)
		error = track->storage->write(track->file, head,
					      FLAC_HEAD_BYTES, 0);
	else if (error == -ENOSPC)
		error = track->storage->write(track->file, head,
					      FLAC_SECTOR_BYTES, 0);
	free(head);
	return error;
}

int track_create(struct track *track, const struct track_setup *setup)
{
	int error = init(track, setup);

	if (error == 0) {
		track->file = setup->storage->open(setup->dir, setup->file, 1);
		error = track->file < 0 ? track->file : 0;
	}
	if (error == 0)
		error = write_head(track, setup->tags, setup->tag_count);
	if (error < 0)
		track_close(track);
	return error;
}

/* *size: of the file. */
static int read_head(int file, struct flac_head *head, uint64_t *size)
{
	uint8_t sector[FLAC_SECTOR_BYTES];
	struct stat stat;
	ssize_t got;

	if (fstat(file, &stat) < 0)
		return -errno;
	*size = (uint64_t)stat.st_size;
	if (*size < FLAC_HEAD_BYTES)
		return -EINVAL;
	got = pread(file, sector, sizeof(sector), 0);
	if (got < 0)
		return -errno;
	if (got != (ssize_t)sizeof(sector))
		return -EINVAL;
	return flac_read_sector(sector, head);
}

/* Newest first. size: of the file; what it does not have cannot be gone on
 * from, whatever is claimed. */
static int list_checkpoints(const struct flac_head *head, uint64_t size,
			    const struct flac_checkpoint *list[2])
{
	const struct flac_checkpoint *a = &head->checkpoint[0];
	const struct flac_checkpoint *b = &head->checkpoint[1];
	int count = 0;

	if (b->sequence > a->sequence) {
		a = b;
		b = &head->checkpoint[0];
	}
	if (a->sequence && a->size <= size)
		list[count++] = a;
	if (b->sequence && b->size <= size)
		list[count++] = b;
	return count;
}

int track_inspect(struct track_state *state, const struct storage *storage,
		  int dir, const char *file)
{
	const struct flac_checkpoint *list[2];
	struct flac_head head;
	uint64_t size;
	int error, fd = storage->open(dir, file, 0);

	*state = (struct track_state){0};
	if (fd < 0)
		return fd;
	error = read_head(fd, &head, &size);
	close(fd);
	if (error < 0)
		return error;
	if (head.finished) {
		state->sealed = true;
		state->at[state->count++] = head.info.samples;
		return 0;
	}
	state->count = list_checkpoints(&head, size, list);
	for (int i = 0; i < state->count; i++)
		state->at[i] = list[i]->samples;
	if (state->count < 2) /* before the first there was nothing */
		state->at[state->count++] = 0;
	return 0;
}

/* The claim goes before the bytes it is to. */
static int give_up_claims(struct track *track, uint64_t at)
{
	struct flac_checkpoint *slot = track->head.checkpoint;
	uint8_t sector[FLAC_SECTOR_BYTES];
	bool dropped = track->head.info.samples > at;
	int error;

	for (int i = 0; i < 2; i++) {
		if (slot[i].sequence == 0 || slot[i].samples <= at)
			continue;
		slot[i] = (struct flac_checkpoint){0};
		dropped = true;
	}
	if (!dropped)
		return 0;
	track->head.finished = false;
	track->head.info.samples = at;
	flac_write_sector(sector, &track->head);
	error = track->storage->write(track->file, sector, sizeof(sector), 0);
	return error < 0 ? error : track->storage->sync(track->file);
}

/* The track as it was at sample number at. size: of the file. */
static int go_to(struct track *track, uint64_t at, uint64_t size)
{
	const struct flac_checkpoint *list[2];
	int count = list_checkpoints(&track->head, size, list), error;
	bool found = at == 0;

	track->size = FLAC_HEAD_BYTES;
	md5_init(&track->md5);
	track->has_digest = at % ENCODER_BLOCK != 0;
	for (int i = 0; i < count; i++) {
		if (list[i]->samples != at)
			continue;
		found = true;
		track->size = list[i]->size;
		memcpy(track->md5.word, list[i]->md5, sizeof(list[i]->md5));
		track->md5.bytes =
			at * track->channels * (track->head.info.bits / 8);
		memcpy(track->digest, list[i]->md5, sizeof(track->digest));
	}
	if (!found)
		return -EINVAL;
	track->snapshot = track->md5;
	track->samples = at;
	track->frames = track->base_frame = at / ENCODER_BLOCK;
	track->next_byte = track->size - FLAC_HEAD_BYTES;
	error = give_up_claims(track, at);
	if (error < 0)
		return error;
	return track->storage->truncate(track->file, track->size);
}

static bool sounds_like(const struct flac_streaminfo *info,
			const struct track_setup *setup)
{
	return info->rate == setup->rate && info->bits == setup->bits &&
	       info->channels == setup->channels &&
	       info->max_block == ENCODER_BLOCK;
}

int track_resume(struct track *track, const struct track_setup *setup,
		 uint64_t at)
{
	uint64_t size;
	int error = init(track, setup);

	if (error == 0) {
		track->file = setup->storage->open(setup->dir, setup->file, 0);
		error = track->file < 0 ? track->file : 0;
	}
	if (error == 0)
		error = read_head(track->file, &track->head, &size);
	if (error == 0 &&
	    (track->head.finished || !sounds_like(&track->head.info, setup)))
		error = -EINVAL;
	if (error == 0)
		error = go_to(track, at, size);
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

int track_checkpoint(struct track *track)
{
	struct flac_checkpoint *slot = &track->head.checkpoint[0];
	uint8_t sector[FLAC_SECTOR_BYTES];
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
	else
		md5_digest(&track->md5, (uint8_t *)slot->md5);
	track->head.info.samples = track->samples;
	flac_write_sector(sector, &track->head);
	return track->storage->write(track->file, sector, sizeof(sector), 0);
}

int track_drain(struct track *track)
{
	int error = encoder_finish(track->encoder);

	track->snapshot = track->md5;
	track->base_frame = track->frames;
	return error < 0 ? error : track->broken ? -ENOMEM : 0;
}

int track_cut(struct track *track, uint64_t at)
{
	int error = encoder_finish(track->encoder);

	track->queued = 0;
	track->broken = false;
	while (track->seek.count > 0 &&
	       track->seek.point[track->seek.count - 1].sample >= at)
		track->seek.count--;
	return error < 0 ? error : go_to(track, at, UINT64_MAX);
}

int track_seal(struct track *track, const struct flac_tag *tags,
	       unsigned tag_count)
{
	track->head.info.samples = track->samples;
	if (track->has_digest)
		memcpy(track->head.info.md5, track->digest,
		       sizeof(track->digest));
	else
		md5_digest(&track->md5, track->head.info.md5);
	track->head.finished = true;
	return write_head(track, tags, tag_count);
}
