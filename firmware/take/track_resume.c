/*
 * The way back to a sample number at which a file was whole. Its checkpoints
 * are such; so is, behind the newest of them, every frame that is there and
 * decodes: what a sync has covered is found even if the claim to it, which is
 * written after the sync, was lost.
 */
#include "take/track_private.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "take/flac_search.h"
#include "take/flac_strict.h"

static int read_size(int file, uint64_t *size)
{
	struct stat stat;

	if (fstat(file, &stat) < 0)
		return -errno;
	*size = (uint64_t)stat.st_size;
	return 0;
}

#define LAST_BYTES (64u << 10) /* more than the longest frame */

/* Is the last frame there that the head of a finished file promises? */
static int has_end(int file, const struct flac_head *head, uint64_t size)
{
	uint64_t samples = head->info.samples, from = FLAC_HEAD_BYTES;
	struct flac_strict strict = {
		.fd = file, .size = size, .info = head->info, .end = samples};
	struct flac_place place;
	int found;

	if (samples == 0)
		return 1;
	if (size > from + LAST_BYTES)
		from = size - LAST_BYTES;
	found = flac_search(file, &head->info, from, size,
			    (samples - 1) / ENCODER_BLOCK * ENCODER_BLOCK,
			    samples, &place);
	if (found <= 0)
		return found;
	strict.byte = place.byte;
	strict.sample = place.sample;
	found = flac_strict_decode(&strict);
	return found < 0 ? found : strict.sample == samples;
}

/* exFAT that is cut off while it makes a chain of a file's clusters can lose
 * all but the first of them, and does not take anything there either. A bad
 * sector is no such thing: the file goes on behind it. */
static int find_head(int file)
{
	char byte;
	ssize_t got = pread(file, &byte, 1, FLAC_HEAD_BYTES - 1);

	if (got == 1)
		return 0;
	if (got < 0 && errno != EIO)
		return -errno;
	return pread(file, &byte, 1, FLAC_HEAD_BYTES) == 1 ? 0 : -EINVAL;
}

/* *size: of the file. What the medium has cut off is not finished, whatever it
 * was. */
static int read_head(int file, struct flac_head *head, uint64_t *size)
{
	uint8_t sector[FLAC_SECTOR_BYTES];
	int error = read_size(file, size);
	ssize_t got;

	if (error < 0)
		return error;
	if (*size < FLAC_HEAD_BYTES)
		return -EINVAL;
	got = pread(file, sector, sizeof(sector), 0);
	if (got < 0)
		return -errno;
	if (got != (ssize_t)sizeof(sector))
		return -EINVAL;
	error = find_head(file);
	if (error == 0)
		error = flac_read_sector(sector, head);
	if (error < 0 || !head->finished)
		return error;
	error = has_end(file, head, *size);
	head->finished = error > 0;
	return error < 0 && error != -EIO ? error : 0;
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

/* The newest to go on from towards sample at; all zero but size: the file's
 * beginning. */
static struct flac_checkpoint find_base(const struct flac_head *head,
					uint64_t size, uint64_t at)
{
	const struct flac_checkpoint *list[2];
	int count = list_checkpoints(head, size, list);

	for (int i = 0; i < count; i++)
		if (list[i]->samples == at ||
		    (list[i]->samples < at &&
		     list[i]->samples % ENCODER_BLOCK == 0))
			return *list[i];
	return (struct flac_checkpoint){.size = FLAC_HEAD_BYTES};
}

/* ---- behind the checkpoint ---- */

struct extension {
	struct flac_strict strict;
	struct track *track; /* NULL: only to see how far it goes */
	uint64_t byte;	     /* of the frame whose length is not known yet */
	unsigned samples;    /* in it; 0: there is none */
};

static void note_frame(struct extension *extension)
{
	if (extension->track && extension->samples > 0)
		track_note_frame(extension->track,
				 extension->strict.byte - extension->byte,
				 extension->samples);
}

static int take_frame(void *user, const int32_t *const *planes, unsigned count,
		      uint64_t position)
{
	struct extension *extension = user;
	struct track *track = extension->track;

	(void)position;
	note_frame(extension);
	extension->byte = extension->strict.byte;
	extension->samples = count;
	if (track) {
		struct md5_source source = {
			{planes[0], planes[track->channels - 1]}};
		struct md5_state *state = &track->md5;

		md5_update(&state, &source, 1, track->channels,
			   track->head.info.bits / 8, count);
	}
	return 0;
}

/* Decodes from base on, to sample end at most. */
static int extend(struct extension *extension, int file, uint64_t size,
		  const struct flac_head *head,
		  const struct flac_checkpoint *base, uint64_t end)
{
	int error;

	extension->strict = (struct flac_strict){.fd = file,
						 .size = size,
						 .info = head->info,
						 .end = end,
						 .take = take_frame,
						 .user = extension,
						 .byte = base->size,
						 .sample = base->samples};
	if (base->samples >= end)
		return 0;
	error = flac_strict_decode(&extension->strict);
	note_frame(extension);
	/* FAT can say that a file is longer than its chain of clusters. */
	return error == -EIO ? 0 : error;
}

/* What is found must be on the medium, not in memory alone: the head always,
 * and all of a file that is not finished. (One that is was synced before.) */
static int read_head_afresh(const struct storage *storage, int file,
			    struct flac_head *head, uint64_t *size)
{
	int error;

	storage->forget(file, FLAC_HEAD_BYTES);
	error = read_head(file, head, size);
	if (error < 0 || !head->finished)
		storage->forget(file, 0);
	return error;
}

static int inspect(struct track_state *state, const struct storage *storage,
		   int file)
{
	const struct flac_checkpoint *list[2];
	struct extension extension = {.track = NULL};
	struct flac_checkpoint base;
	struct flac_head head;
	uint64_t size = 0;
	int error = read_head_afresh(storage, file, &head, &size);

	if (error < 0)
		return error;
	if (head.finished) {
		state->sealed = true;
		state->at[state->count++] = head.info.samples;
		state->from = state->whole = head.info.samples;
		state->claimed = head.info.samples;
		return 0;
	}
	state->claimed = head.info.samples;
	for (int i = 0; i < 2; i++)
		if (head.checkpoint[i].samples > state->claimed)
			state->claimed = head.checkpoint[i].samples;
	state->count = list_checkpoints(&head, size, list);
	for (int i = 0; i < state->count; i++)
		state->at[i] = list[i]->samples;
	if (state->count < 2) /* before the first there was nothing */
		state->at[state->count++] = 0;
	base = find_base(&head, size, UINT64_MAX);
	error = extend(&extension, file, size, &head, &base, UINT64_MAX);
	state->from = base.samples;
	state->whole = extension.strict.sample;
	state->byte = extension.strict.byte;
	return error;
}

int track_inspect(struct track_state *state, const struct storage *storage,
		  int dir, const char *file)
{
	int error, fd = storage->open(dir, file, 0);

	*state = (struct track_state){0};
	if (fd < 0)
		return fd;
	error = inspect(state, storage, fd);
	close(fd);
	return error;
}

int track_read_md5(const struct storage *storage, int dir, const char *file,
		   uint8_t md5[16])
{
	struct flac_head head;
	uint64_t size;
	int error, fd = storage->open(dir, file, 0);

	if (fd < 0)
		return fd;
	error = read_head(fd, &head, &size);
	close(fd);
	if (error == 0 && !head.finished)
		error = -EINVAL;
	if (error == 0)
		memcpy(md5, head.info.md5, 16);
	return error;
}

bool track_can_go_to(const struct track_state *state, uint64_t at)
{
	for (int i = 0; i < state->count; i++)
		if (state->at[i] == at)
			return true;
	return !state->sealed && at > state->from && at <= state->whole &&
	       (at % ENCODER_BLOCK == 0 || at == state->whole);
}

static struct flac_streaminfo info_of(const struct track_setup *setup)
{
	return (struct flac_streaminfo){.min_block = ENCODER_BLOCK,
					.max_block = ENCODER_BLOCK,
					.rate = setup->rate,
					.channels = setup->channels,
					.bits = setup->bits};
}

#define PAGE 4096

/* Behind sectors that cannot be read a file goes on; behind a chain of clusters
 * that is cut off nothing does, which is found out in a few steps. */
static int search_on(int fd, const struct track_setup *setup, uint64_t from,
		     uint64_t size, uint64_t least, uint64_t limit)
{
	struct flac_streaminfo info = info_of(setup);
	struct flac_place place = {.byte = from};
	uint64_t step = PAGE;
	int found;

	for (;;) {
		found = flac_search(fd, &info, place.byte, size, least, limit,
				    &place);
		if (found != -EIO)
			return found;
		place.byte += step;
		step *= 2;
	}
}

int track_has_more(const struct track_setup *setup,
		   const struct track_state *state, uint64_t limit)
{
	uint64_t size = 0;
	int fd = setup->storage->open(setup->dir, setup->file, 0), found;

	if (fd < 0)
		return fd;
	found = read_size(fd, &size);
	if (found == 0 && size > state->byte)
		found = search_on(fd, setup, state->byte, size,
				  state->whole + 1, limit);
	close(fd);
	return found;
}

/* Its first sector is there, and is not what the file lacks. */
static int has_sector(int fd)
{
	uint8_t sector[FLAC_SECTOR_BYTES];
	struct flac_head head;
	ssize_t got = pread(fd, sector, sizeof(sector), 0);

	if (got < 0)
		return -errno;
	return got == (ssize_t)sizeof(sector) &&
	       flac_read_sector(sector, &head) == 0;
}

/* All whole frames up to sample limit, behind which there are no more. */
static int read_frames(struct track *track, const struct track_setup *setup,
		       uint64_t limit)
{
	const struct flac_checkpoint base = {.size = FLAC_HEAD_BYTES};
	struct extension extension = {.track = track};
	uint64_t size = 0;
	int error = read_size(track->file, &size);

	md5_init(&track->md5);
	flac_seek_init(&track->seek, setup->rate);
	if (error == 0)
		error = extend(&extension, track->file, size, &track->head,
			       &base, limit);
	if (error < 0)
		return error;
	track->size = extension.strict.byte;
	track->snapshot = track->md5;
	if (track->samples == 0)
		return -EINVAL;
	error = search_on(track->file, setup, track->size, size,
			  track->samples + 1, limit);
	return error > 0 ? -EINVAL : error;
}

/* With a checkpoint, or nobody would know that there was something once this is
 * cut off. What it claims may not be durable before. */
static int restore_head(const struct track_setup *setup, int fd, uint64_t limit)
{
	struct track track = {
		.storage = setup->storage,
		.file = fd,
		.channels = setup->channels,
		.head = {.info = info_of(setup), .covered = true},
	};
	int error = has_sector(fd);

	if (error != 0)
		return error > 0 ? -EINVAL : error;
	error = read_frames(&track, setup, limit);
	if (error == 0)
		error = setup->storage->sync(fd);
	if (error == 0)
		error = track_checkpoint(&track);
	return error < 0 ? error : setup->storage->sync(fd);
}

int track_restore_head(const struct track_setup *setup, uint64_t limit)
{
	int fd = setup->storage->open(setup->dir, setup->file, 0), error;

	if (fd < 0)
		return fd;
	error = restore_head(setup, fd, limit);
	close(fd);
	return error;
}

/* ---- going there ---- */

/* The claim goes before the bytes it is to. */
static int give_up_claims(struct track *track, uint64_t at)
{
	struct flac_checkpoint *slot = track->head.checkpoint;
	uint8_t sector[FLAC_SECTOR_BYTES];
	bool dropped = track->head.info.samples > at;
	uint64_t kept = 0;
	int error;

	for (int i = 0; i < 2; i++) {
		if (slot[i].sequence && slot[i].samples > at) {
			slot[i] = (struct flac_checkpoint){0};
			dropped = true;
		}
		if (slot[i].samples > kept)
			kept = slot[i].samples;
	}
	if (!dropped)
		return 0;
	track->head.info.samples = kept;
	flac_write_sector(sector, &track->head);
	error = track->storage->write(track->file, sector, sizeof(sector), 0);
	return error < 0 ? error : track->storage->sync(track->file);
}

static void restore(struct track *track, const struct flac_checkpoint *base)
{
	track->size = base->size;
	track->samples = base->samples;
	track->frames = base->samples / ENCODER_BLOCK;
	track->next_byte = base->size - FLAC_HEAD_BYTES;
	md5_init(&track->md5);
	if (base->sequence)
		memcpy(track->md5.word, base->md5, sizeof(base->md5));
	track->md5.bytes =
		base->samples * track->channels * (track->head.info.bits / 8);
	/* At a take's odd end the checkpoint has the digest itself. */
	track->has_digest = base->samples % ENCODER_BLOCK != 0;
	memcpy(track->digest, base->md5, sizeof(track->digest));
}

/* The track as it was at sample number at. */
static int go_to(struct track *track, uint64_t at)
{
	struct extension extension = {.track = track};
	struct flac_checkpoint base;
	uint64_t size = 0;
	int error = read_size(track->file, &size);

	if (error < 0)
		return error;
	track->head.finished = false;
	base = find_base(&track->head, size, at);
	restore(track, &base);
	error = extend(&extension, track->file, size, &track->head, &base, at);
	if (error < 0)
		return error;
	if (track->samples != at)
		return -EINVAL;
	track->size = extension.strict.byte;
	track->snapshot = track->md5;
	track->base_frame = track->frames;
	error = give_up_claims(track, at);
	return error < 0 ? error
			 : track->storage->truncate(track->file, track->size);
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
	uint64_t size = 0;
	int error = track_init(track, setup);

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
		error = go_to(track, at);
	track->seek.count = 0;
	track->unseen = track->samples;
	track->unseen_bytes = track->next_byte;
	if (error < 0)
		track_close(track);
	return error;
}

int track_cut(struct track *track, uint64_t at)
{
	encoder_finish(track->encoder); /* what comes of it is given up */
	track->queued = 0;
	track->broken = false;
	while (track->seek.count > 0 &&
	       track->seek.point[track->seek.count - 1].sample >= at)
		track->seek.count--;
	return go_to(track, at);
}
