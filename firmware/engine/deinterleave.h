/*
 * deinterleave: a period of device samples onto the planes of the tape, with
 * sample peaks and clips found in the same pass.
 *
 * Real-time thread; never fails, allocates or calls anything.
 *
 * A sample on the tape is a signed 32-bit integer, right-justified at the
 * take's depth: 16-bit sources give -32768..32767, all others 24 bits,
 * -8388608..8388607 (S32_LE: the top 24 bits; S24_LE: the low 24 bits,
 * sign-extended whatever the padding byte holds).
 */
#ifndef TAKEBOX_DEINTERLEAVE_H
#define TAKEBOX_DEINTERLEAVE_H

#include <stddef.h>
#include <stdint.h>

#define DEINTERLEAVE_CHANNELS_MAX 64

enum sample_format {
	SAMPLE_S16_LE,
	SAMPLE_S24_LE,	/* 4 bytes */
	SAMPLE_S24_3LE, /* 3 bytes */
	SAMPLE_S32_LE,
};

/* Bytes of one sample in the device's memory: 2, 4, 3, 4. */
unsigned sample_bytes(enum sample_format format);

/* Bits of a sample on the tape: 16 or 24. */
unsigned sample_bits(enum sample_format format);

/* What one channel's samples of a chunk came to. */
struct peak {
	uint32_t level; /* largest |sample|, 0..2^(bits-1) */
	uint32_t clips; /* clips that began: runs of full-scale samples of one
			   sign that reached clip_run, each counted once */
};

/* Per channel, carried from chunk to chunk; zero is the start. */
struct clip_state {
	int32_t sign; /* of the run under way: -1, 1, or 0: none */
	uint32_t run; /* its length so far, held at UINT32_MAX */
};

struct deinterleave {
	enum sample_format format;
	unsigned channels;
	unsigned clip_run; /* consecutive full-scale samples that make a clip */
	struct clip_state clip[DEINTERLEAVE_CHANNELS_MAX];
};

/*
 * frames frames of interleaved samples at source (frame 0, channel 0; aligned
 * to nothing) go to planes[c][at .. at+frames) for each channel c. peaks[c] is
 * merged into (maximum of level, sum of clips), not overwritten.
 * Full scale is -2^(bits-1), or 2^(bits-1)-1.
 */
void deinterleave_run(struct deinterleave *state, const void *source,
		      int32_t *const *planes, size_t at, size_t frames,
		      struct peak *peaks);

/*
 * The same for one channel whose samples lie stride bytes apart (devices that
 * are not interleaved; stride = sample_bytes then).
 */
void deinterleave_run_channel(struct deinterleave *state, unsigned channel,
			      const void *source, size_t stride, int32_t *plane,
			      size_t frames, struct peak *peak);

#endif
