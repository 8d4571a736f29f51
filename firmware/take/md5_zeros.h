/*
 * md5_zeros: the MD5 state behind any number of zero bytes, at once.
 *
 * A file of a track that is armed late begins with silence, and MD5 cannot be
 * taken further but byte by byte. But silence is zeros in every format, so one
 * run of them, hashed ahead a little at a time, is every such file's beginning,
 * whatever its length and channels. Of that run each MD5_ZEROS_STEP's state is
 * kept (a megabyte for 256 GiB).
 *
 * One thread at a time. Begins as a zeroed struct.
 */
#ifndef TAKEBOX_MD5_ZEROS_H
#define TAKEBOX_MD5_ZEROS_H

#include <stdbool.h>

#include "take/md5_lanes.h"

#define MD5_ZEROS_STEP (UINT64_C(4) << 20)

struct md5_zeros {
	struct md5_state front;
	uint32_t (*word)[4]; /* of the state behind i + 1 steps */
	size_t count, room;
};

void md5_zeros_finish(struct md5_zeros *zeros);

/* Hashes on towards that many bytes, but not more than most. False: they have
 * been reached. */
bool md5_zeros_advance(struct md5_zeros *zeros, uint64_t bytes, uint64_t most);

/* The state behind that many bytes. Where the front has not come there, or
 * there was no memory to keep its states, that takes time, but it is right. */
struct md5_state md5_zeros_at(const struct md5_zeros *zeros, uint64_t bytes);

#endif
