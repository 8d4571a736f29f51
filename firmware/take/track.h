/*
 * track: one FLAC file of a take while it is being written.
 *
 * Samples go through the encoder into a queue of whole frames; the queue goes
 * to the file in large writes; what a sync has covered is claimed by a
 * checkpoint in the file's first sector, behind it, never before. So the file
 * is a valid prefix at all times (FORMAT.md has the order).
 *
 * A track counts samples from its file's first one. Feeding and hashing belong
 * to the worker that holds the track's job; all else to the writer's thread.
 * Errors: negative errno; after one from storage the file is abandoned.
 */
#ifndef TAKEBOX_TRACK_H
#define TAKEBOX_TRACK_H

#include <stdbool.h>

#include "take/encoder.h"
#include "take/flac_format.h"
#include "take/md5_lanes.h"
#include "take/storage.h"

/* The queue is written out from there on. */
#define TRACK_QUEUE_BYTES (64u * 1024)

struct track_setup {
	const struct storage *storage;
	int dir; /* the take's folder; not owned */
	const char *file;
	unsigned rate, bits, channels, level;
	const struct flac_tag *tags;
	unsigned tag_count;
};

struct track {
	const struct storage *storage;
	struct encoder *encoder;
	int file; /* -1: closed */
	unsigned channels;
	uint64_t size;	     /* of the file, head included, queue not */
	uint64_t frames;     /* whole ones, on file or queued */
	uint64_t base_frame; /* libFLAC counts from 0 again after a drain */
	uint64_t next_byte;  /* of the next frame, from the first one's start */
	uint64_t samples;    /* in whole frames */
	struct md5_state md5;	   /* of all that was fed */
	struct md5_state snapshot; /* at the sample to be claimed next */
	struct flac_head head;
	struct flac_seek_list seek;
	uint64_t unseen, unseen_bytes; /* samples, and bytes from the first
					  frame's start, that a resume found
					  and seek has nothing of */
	uint8_t *queue;
	size_t queued, capacity;
	bool has_digest; /* cut at the very end: digest is the MD5 */
	uint8_t digest[16];
	bool broken; /* the queue could not grow, or the encoder could not
			finish: a frame is lost */
};

/* Makes the file (it must be new) with its whole head, unsynced. */
int track_create(struct track *track, const struct track_setup *setup);

/* Where an interrupted file can be gone on from. Claims to bytes that the file
 * does not have are none. */
struct track_state {
	bool sealed; /* finished: at[0] is its length */
	int count;   /* of at: the checkpoints' sample numbers, newest first */
	uint64_t at[2];
	uint64_t from, whole; /* whole frames behind the newest: any block's
				 border between, and the last one's end */
	uint64_t byte;	      /* where that is */
	uint64_t claimed;     /* by the newest checkpoint, be it there or not */
};
/* -ENOENT: there is none; -EINVAL: not so much as its head is there. */
int track_inspect(struct track_state *state, const struct storage *storage,
		  int dir, const char *file);
bool track_can_go_to(const struct track_state *state, uint64_t at);

/* The MD5 of a finished file's sound, by its head. -EINVAL: not finished. */
int track_read_md5(const struct storage *storage, int dir, const char *file,
		   uint8_t md5[16]);

/* Has the file a frame of what is behind what is whole, but before sample
 * number limit? Also behind what cannot be read. 1, 0, or negative errno. */
int track_has_more(const struct track_setup *setup,
		   const struct track_state *state, uint64_t limit);

/* Makes the first sector of a file anew that has lost it, with a checkpoint at
 * the end of the whole frames that follow the head, or at sample number limit.
 * -EINVAL, and nothing is written: none follow, or they are not all up to there
 * that the file has, or the sector is not what it has lost. */
int track_restore_head(const struct track_setup *setup, uint64_t limit);

/* Opens an interrupted file and goes on at sample number at: what lies behind
 * is cut off, and before that no longer claimed. -EINVAL: it cannot go there,
 * or holds other sound than setup says. What it has up to there may be claimed
 * only after a sync and a checkpoint. */
int track_resume(struct track *track, const struct track_setup *setup,
		 uint64_t at);

void track_close(struct track *track); /* also of a zeroed one with file -1 */

int track_feed(struct track *track, const int32_t *const *planes,
	       unsigned count);

/* So many blocks of silence, and out to the file as the queue fills. What was
 * fed before has been drained. The MD5 is the caller's to set. */
int track_add_silence(struct track *track, uint64_t blocks);

int track_flush(struct track *track); /* the queue to the file */

/* After a sync that covered everything flushed: claims all whole frames. Their
 * number is a multiple of ENCODER_BLOCK, and snapshot is the MD5's state there;
 * or, after track_drain, the file's length, and the digest is noted. */
int track_checkpoint(struct track *track);

/* All that was fed into the queue. On a block's border it can be gone on with
 * afterwards. */
int track_drain(struct track *track);

/* Gives up what came after sample number at, which a checkpoint has, and goes
 * on from there. */
int track_cut(struct track *track, uint64_t at);

/* From its first sector on readers pass over seek table and tags. To be synced
 * before these are written anew, of which a power cut can leave any part. */
int track_cover(struct track *track);

/* Seek table and tags as they are to stay, after track_drain and track_cover.
 * Tags that do not fit are left out, from the last one on. */
int track_write_tags(struct track *track, const struct flac_tag *tags,
		     unsigned tag_count);

/* All of it flushed, tagged and synced before: the one sector that says that it
 * is finished. To be synced again. */
int track_seal(struct track *track);

#endif
