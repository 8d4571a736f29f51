/*
 * counter: a signal in which every frame of every channel says which it is.
 *
 * A sample of B bits carries the low B-8 bits of its frame number and, on top
 * of them, one of four 8-bit slices of what those bits leave out. The two
 * lowest bits of the frame number say which slice it is, so it needs no tag:
 *
 *     frame % 4   slice
 *     0           bits B-8  .. B-1  of the frame number
 *     1           bits B    .. B+7
 *     2           bits B+8  .. B+15
 *     3           channel (6 bits), bits B+16 and B+17
 *
 * Neighbours follow each other in the low bits, so a seam shows at a glance;
 * any four neighbours name the frame and the channel. At 24 bits that holds
 * for 2^42 frames, at 16 bits for 2^34 (99 hours at 48 kHz). The first four
 * frames of a channel apart, no four neighbours are zero, so silence is not
 * mistaken for it.
 *
 * Pure functions; any thread.
 */
#ifndef TAKEBOX_VIRTUAL_COUNTER_H
#define TAKEBOX_VIRTUAL_COUNTER_H

#include <stdint.h>

#define COUNTER_RUN 4

/* The sample as a signed number of that many bits (10 to 32); channel 0..63. */
static inline int32_t counter_sample(uint64_t frame, unsigned channel,
				     unsigned bits)
{
	const unsigned low = bits - 8, slice = (unsigned)(frame & 3);
	uint32_t top, value;

	if (slice < 3)
		top = (uint32_t)(frame >> (low + 8 * slice)) & 0xff;
	else
		top = (channel & 63) << 2 |
		      ((uint32_t)(frame >> (low + 24)) & 3);
	value = top << low | ((uint32_t)frame & ((1u << low) - 1));
	return (int32_t)(value << (32 - bits)) >> (32 - bits);
}

/*
 * The frame number of run[0], from four neighbours of one channel, or -1 when
 * they are none. channel may be NULL.
 *
 * When the low bits wrap inside the run, what follows the wrap carries slices
 * of a number that is larger by one. The wrap is always in front of slice 0,
 * so those are the lower slices, and one is taken off them.
 */
static inline int64_t counter_frame(const int32_t run[COUNTER_RUN],
				    unsigned bits, unsigned *channel)
{
	const unsigned low = bits - 8;
	const uint32_t mask = (1u << low) - 1, first = (uint32_t)run[0] & mask;
	uint64_t slices = 0, wrapped = 0;

	for (unsigned i = 0; i < COUNTER_RUN; i++) {
		uint32_t value = (uint32_t)run[i];
		unsigned shift = 8 * ((first + i) & 3);

		if ((value & mask) != ((first + i) & mask))
			return -1;
		slices |= (uint64_t)(value >> low & 0xff) << shift;
		if (first + i > mask)
			wrapped |= 0xffull << shift;
	}
	if (channel)
		*channel = (unsigned)(slices >> 26) & 63;
	slices &= (1u << 26) - 1;
	slices = (slices & ~wrapped) | ((slices - 1) & wrapped);
	return (int64_t)(slices << low | first);
}

#endif
