/*
 * md5_lanes: the MD5 that FLAC puts into STREAMINFO (RFC 9639 section 8.2: of
 * the samples, interleaved, signed little-endian, in whole bytes), advanced for
 * many tracks of equal length side by side in SIMD lanes.
 *
 * MD5 is serial, so one stream cannot be made faster; but a recorder has many.
 * 4 lanes to a vector with SSE2 or NEON, 8 with AVX2 (picked at run time), and
 * two vectors at a time where there are lanes enough, which nearly halves the
 * time; portable C elsewhere. All give the same digest. Multiples of 16 lanes
 * cost least, a single lane costs ten times as much per sample.
 *
 * Any one thread at a time per state. Never fails, never allocates.
 */
#ifndef TAKEBOX_MD5_LANES_H
#define TAKEBOX_MD5_LANES_H

#include <stddef.h>
#include <stdint.h>

#define MD5_LANES_MAX 16

struct md5_state {
	uint32_t word[4];
	uint64_t bytes;	  /* hashed so far, tail included */
	uint8_t tail[64]; /* bytes % 64 of them are waiting */
};

/* One track's samples of a run: channels (1 or 2) planes of tape samples.
 * plane[0] NULL means silence. */
struct md5_source {
	const int32_t *plane[2];
};

void md5_init(struct md5_state *state);

/*
 * Hashes count samples per channel for each of the lanes (1 or more, no upper
 * bound: taken MD5_LANES_MAX at a time), each bytes_per_sample (2 or 3) wide;
 * channels (1 or 2) is the same for all lanes of a call. Lanes whose states
 * stand at different tails are right too, merely slower.
 */
void md5_update(struct md5_state *const *states,
		const struct md5_source *sources, unsigned lanes,
		unsigned channels, unsigned bytes_per_sample, size_t count);

/* Hashes bytes as they are, into one state: any other format of samples, packed
 * by the caller. */
void md5_update_bytes(struct md5_state *state, const void *data, size_t size);

/* The digest of what was hashed so far; state is left as it is. */
void md5_digest(const struct md5_state *state, uint8_t digest[16]);

#endif
