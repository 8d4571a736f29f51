/*
 * deinterleave: tiles of 4 channels x 4 frames are loaded, transposed in
 * registers and stored to the planes, with the peaks kept beside them.
 *
 * All formats share the walk over the chunk; each brings one function that
 * makes a tile. What does not divide into tiles is covered by a last tile that
 * overlaps the one before it: taking a sample twice changes neither the plane
 * nor its peak. One and two channels are folded, so that a row of a tile is
 * four samples in either case.
 *
 * Clips are counted on the planes, and only where the peak of the chunk says
 * that there is full scale at all.
 */
#include "engine/deinterleave.h"

#include <stdbool.h>
#include <string.h>

#include "engine/vec4.h"

#define TILE 4 /* samples on each side of one */

/* Source bytes walked through by all channel groups before the next: stays in
 * the first-level cache of every board. */
#define BLOCK_BYTES 16384

typedef struct vec4_tile (*tile_fn)(const uint8_t *source, size_t stride);
typedef int32_t (*sample_fn)(const uint8_t *source);

unsigned sample_bytes(enum sample_format format)
{
	static const unsigned char bytes[] = {
		[SAMPLE_S16_LE] = 2,
		[SAMPLE_S24_LE] = 4,
		[SAMPLE_S24_3LE] = 3,
		[SAMPLE_S32_LE] = 4,
	};

	return bytes[format];
}

unsigned sample_bits(enum sample_format format)
{
	return format == SAMPLE_S16_LE ? 16 : 24;
}

/* One sample of each format. */

VEC4_INLINE int32_t sample_s16(const uint8_t *source)
{
	int16_t s;

	memcpy(&s, source, sizeof(s));
	return s;
}

VEC4_INLINE int32_t sample_s24(const uint8_t *source)
{
	uint32_t s;

	memcpy(&s, source, sizeof(s));
	return (int32_t)(s << 8) >> 8;
}

VEC4_INLINE int32_t sample_s24_3(const uint8_t *source)
{
	return source[0] | source[1] << 8 | (int8_t)source[2] * 65536;
}

VEC4_INLINE int32_t sample_s32(const uint8_t *source)
{
	int32_t s;

	memcpy(&s, source, sizeof(s));
	return s >> 8;
}

/* Four samples of four rows that lie stride bytes apart, as columns. */

VEC4_INLINE struct vec4_tile tile_s16(const uint8_t *source, size_t stride)
{
	return vec4_transpose((struct vec4_tile){{
		vec4_load_16(source),
		vec4_load_16(source + stride),
		vec4_load_16(source + 2 * stride),
		vec4_load_16(source + 3 * stride),
	}});
}

VEC4_INLINE struct vec4_tile tile_s24(const uint8_t *source, size_t stride)
{
	return vec4_transpose((struct vec4_tile){{
		vec4_load(source) << 8 >> 8,
		vec4_load(source + stride) << 8 >> 8,
		vec4_load(source + 2 * stride) << 8 >> 8,
		vec4_load(source + 3 * stride) << 8 >> 8,
	}});
}

VEC4_INLINE struct vec4_tile tile_s32(const uint8_t *source, size_t stride)
{
	return vec4_transpose((struct vec4_tile){{
		vec4_load(source) >> 8,
		vec4_load(source + stride) >> 8,
		vec4_load(source + 2 * stride) >> 8,
		vec4_load(source + 3 * stride) >> 8,
	}});
}

/*
 * A row is 12 bytes, and reading beyond it could leave the buffer. Its words
 * at 0, 2, 6 and 8 hold a sample each: low, high, low and high in the word.
 */
VEC4_INLINE struct vec4_tile tile_s24_3(const uint8_t *source, size_t stride)
{
	const uint8_t *r0 = source, *r1 = source + stride;
	const uint8_t *r2 = source + 2 * stride, *r3 = source + 3 * stride;
	vec4 outer01 = __builtin_shufflevector(vec4_load_halves(r0, r0 + 4),
					       vec4_load_halves(r1, r1 + 4), 0,
					       3, 4, 7);
	vec4 outer23 = __builtin_shufflevector(vec4_load_halves(r2, r2 + 4),
					       vec4_load_halves(r3, r3 + 4), 0,
					       3, 4, 7);
	vec4 inner01 = vec4_load_halves(r0 + 2, r1 + 2);
	vec4 inner23 = vec4_load_halves(r2 + 2, r3 + 2);

	return (struct vec4_tile){{
		__builtin_shufflevector(outer01, outer23, 0, 2, 4, 6) << 8 >> 8,
		__builtin_shufflevector(inner01, inner23, 0, 2, 4, 6) >> 8,
		__builtin_shufflevector(inner01, inner23, 1, 3, 5, 7) << 8 >> 8,
		__builtin_shufflevector(outer01, outer23, 1, 3, 5, 7) >> 8,
	}};
}

static inline uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Where the tile goes that would begin at i and takes size of count: back, so
 * that it ends with them, if it would go beyond. */
static inline size_t tile_start(size_t i, size_t size, size_t count)
{
	return i + size <= count ? i : count - size;
}

/* A tile's columns onto four planes. */
#define PUT_QUAD(f, t)                                                         \
	do {                                                                   \
		vec4_store(a + (f), (t).row[0]);                               \
		vec4_store(b + (f), (t).row[1]);                               \
		vec4_store(c + (f), (t).row[2]);                               \
		vec4_store(d + (f), (t).row[3]);                               \
		pa = vec4_peak_add(pa, (t).row[0]);                            \
		pb = vec4_peak_add(pb, (t).row[1]);                            \
		pc = vec4_peak_add(pc, (t).row[2]);                            \
		pd = vec4_peak_add(pd, (t).row[3]);                            \
	} while (0)

/* Frames from..to (to >= 4) of four channels. */
VEC4_INLINE void run_quad(tile_fn tile, const uint8_t *source, size_t stride,
			  int32_t *const planes[TILE], size_t from, size_t to,
			  uint32_t level[TILE])
{
	int32_t *a = planes[0], *b = planes[1], *c = planes[2], *d = planes[3];
	vec4_peak pa = vec4_peak_none(), pb = pa, pc = pa, pd = pa;
	const uint8_t *row = source + from * stride;
	size_t last = to - TILE, f = from;

	for (; f <= last; f += TILE, row += TILE * stride) {
		struct vec4_tile t = tile(row, stride);

		PUT_QUAD(f, t);
	}
	if (f < to) {
		struct vec4_tile t = tile(source + last * stride, stride);

		PUT_QUAD(last, t);
	}
	vec4_peak_merge(level, pa, pb, pc, pd);
}

/* Two channels' tile, two frames in a row, onto two planes. */
#define PUT_PAIR(f, t)                                                         \
	do {                                                                   \
		vec4_store(a + (f), vec4_zip_low((t).row[0], (t).row[2]));     \
		vec4_store(a + (f) + TILE,                                     \
			   vec4_zip_high((t).row[0], (t).row[2]));             \
		vec4_store(b + (f), vec4_zip_low((t).row[1], (t).row[3]));     \
		vec4_store(b + (f) + TILE,                                     \
			   vec4_zip_high((t).row[1], (t).row[3]));             \
		pa = vec4_peak_add(vec4_peak_add(pa, (t).row[0]), (t).row[2]); \
		pb = vec4_peak_add(vec4_peak_add(pb, (t).row[1]), (t).row[3]); \
	} while (0)

/* Two channels, count >= 8 frames. */
VEC4_INLINE void run_pair(tile_fn tile, const uint8_t *source, size_t bytes,
			  int32_t *const planes[2], size_t count,
			  uint32_t level[2])
{
	int32_t *a = planes[0], *b = planes[1];
	vec4_peak pa = vec4_peak_none(), pb = pa;
	size_t last = count - 2 * TILE, f = 0;

	for (; f <= last; f += 2 * TILE) {
		struct vec4_tile t = tile(source + f * 2 * bytes, TILE * bytes);

		PUT_PAIR(f, t);
	}
	if (f < count) {
		struct vec4_tile t =
			tile(source + last * 2 * bytes, TILE * bytes);

		PUT_PAIR(last, t);
	}
	level[0] = larger(level[0], vec4_peak_max(pa));
	level[1] = larger(level[1], vec4_peak_max(pb));
}

/* One channel, count >= 16 frames: a row holds four. */
VEC4_INLINE uint32_t run_single(tile_fn tile, const uint8_t *source,
				size_t bytes, int32_t *plane, size_t count)
{
	vec4_peak even = vec4_peak_none(), odd = even;
	size_t last = count - TILE * TILE;

	for (size_t f = 0;;
	     f = f + TILE * TILE < last ? f + TILE * TILE : last) {
		struct vec4_tile t =
			vec4_transpose(tile(source + f * bytes, TILE * bytes));

		vec4_store(plane + f, t.row[0]);
		vec4_store(plane + f + TILE, t.row[1]);
		vec4_store(plane + f + 2 * TILE, t.row[2]);
		vec4_store(plane + f + 3 * TILE, t.row[3]);
		even = vec4_peak_add(vec4_peak_add(even, t.row[0]), t.row[2]);
		odd = vec4_peak_add(vec4_peak_add(odd, t.row[1]), t.row[3]);
		if (f == last)
			break;
	}
	return larger(vec4_peak_max(even), vec4_peak_max(odd));
}

/* Any stride and count, sample by sample. */
VEC4_INLINE uint32_t run_plain(sample_fn sample, const uint8_t *source,
			       size_t stride, int32_t *plane, size_t count)
{
	uint32_t level = 0;

	for (size_t f = 0; f < count; f++) {
		int32_t s = sample(source + f * stride);

		plane[f] = s;
		level = larger(level, (uint32_t)(s < 0 ? -s : s));
	}
	return level;
}

/* The walks, made for each format. */
struct walks {
	void (*quad)(const uint8_t *source, size_t stride,
		     int32_t *const planes[TILE], size_t from, size_t to,
		     uint32_t level[TILE]);
	void (*pair)(const uint8_t *source, int32_t *const planes[2],
		     size_t count, uint32_t level[2]);
	uint32_t (*single)(const uint8_t *source, int32_t *plane, size_t count);
	uint32_t (*plain)(const uint8_t *source, size_t stride, int32_t *plane,
			  size_t count);
};

#define WALKS(format, bytes)                                                   \
	static void quad_##format(const uint8_t *source, size_t stride,        \
				  int32_t *const planes[TILE], size_t from,    \
				  size_t to, uint32_t level[TILE])             \
	{                                                                      \
		run_quad(tile_##format, source, stride, planes, from, to,      \
			 level);                                               \
	}                                                                      \
	static void pair_##format(const uint8_t *source,                       \
				  int32_t *const planes[2], size_t count,      \
				  uint32_t level[2])                           \
	{                                                                      \
		run_pair(tile_##format, source, bytes, planes, count, level);  \
	}                                                                      \
	static uint32_t single_##format(const uint8_t *source, int32_t *plane, \
					size_t count)                          \
	{                                                                      \
		return run_single(tile_##format, source, bytes, plane, count); \
	}                                                                      \
	static uint32_t plain_##format(const uint8_t *source, size_t stride,   \
				       int32_t *plane, size_t count)           \
	{                                                                      \
		return run_plain(sample_##format, source, stride, plane,       \
				 count);                                       \
	}

WALKS(s16, 2)
WALKS(s24, 4)
WALKS(s24_3, 3)
WALKS(s32, 4)

static const struct walks walks[] = {
	[SAMPLE_S16_LE] = {quad_s16, pair_s16, single_s16, plain_s16},
	[SAMPLE_S24_LE] = {quad_s24, pair_s24, single_s24, plain_s24},
	[SAMPLE_S24_3LE] = {quad_s24_3, pair_s24_3, single_s24_3, plain_s24_3},
	[SAMPLE_S32_LE] = {quad_s32, pair_s32, single_s32, plain_s32},
};

static int32_t full_scale(const struct deinterleave *state)
{
	return state->format == SAMPLE_S16_LE ? INT16_MAX : 8388607;
}

/* Exact, sample by sample; only for channels that touched full scale. */
static __attribute__((noinline)) uint32_t count_clips(
	struct deinterleave *state, unsigned channel, const int32_t *plane,
	size_t count)
{
	struct clip_state *clip = &state->clip[channel];
	int32_t full = full_scale(state);
	uint32_t clips = 0;

	for (size_t f = 0; f < count; f++) {
		int32_t sign = (plane[f] >= full) - (plane[f] < -full);

		if (sign == 0 || sign != clip->sign) {
			clip->sign = sign;
			clip->run = 0;
		}
		if (sign == 0 || clip->run == UINT32_MAX)
			continue;
		clip->run++;
		clips += clip->run == state->clip_run;
	}
	return clips;
}

static inline void merge_peak(struct deinterleave *state, unsigned channel,
			      const int32_t *plane, size_t count,
			      uint32_t level, struct peak *peak)
{
	peak->level = larger(peak->level, level);
	if (level >= (uint32_t)full_scale(state))
		peak->clips += count_clips(state, channel, plane, count);
	else
		state->clip[channel] = (struct clip_state){0, 0};
}

/* Four channels and more, four frames and more. */
static void run_quads(const struct deinterleave *state, const uint8_t *source,
		      int32_t *const *planes, size_t count, uint32_t *level)
{
	unsigned channels = state->channels;
	unsigned bytes = sample_bytes(state->format);
	size_t stride = (size_t)channels * bytes;
	size_t block = BLOCK_BYTES / stride / TILE * TILE;

	for (size_t from = 0; from < count; from += block) {
		size_t to = count - from > block ? from + block : count;

		for (unsigned i = 0; i < channels; i += TILE) {
			size_t c = tile_start(i, TILE, channels);

			walks[state->format].quad(source + c * bytes, stride,
						  planes + c, from, to,
						  level + c);
		}
	}
}

static void run_plains(const struct deinterleave *state, const uint8_t *source,
		       int32_t *const *planes, size_t count, uint32_t *level)
{
	unsigned bytes = sample_bytes(state->format);
	size_t stride = (size_t)state->channels * bytes;

	for (unsigned c = 0; c < state->channels; c++)
		level[c] = walks[state->format].plain(source + c * bytes,
						      stride, planes[c], count);
}

void deinterleave_run(struct deinterleave *state, const void *source,
		      int32_t *const *planes, size_t at, size_t frames,
		      struct peak *peaks)
{
	int32_t *start[DEINTERLEAVE_CHANNELS_MAX];
	uint32_t level[DEINTERLEAVE_CHANNELS_MAX] = {0};

	if (frames == 0)
		return;
	for (unsigned c = 0; c < state->channels; c++)
		start[c] = planes[c] + at;

	if (state->channels >= TILE && frames >= TILE)
		run_quads(state, source, start, frames, level);
	else if (state->channels == 2 && frames >= 2 * TILE)
		walks[state->format].pair(source, start, frames, level);
	else if (state->channels == 1 && frames >= TILE * TILE)
		level[0] =
			walks[state->format].single(source, start[0], frames);
	else
		run_plains(state, source, start, frames, level);

	for (unsigned c = 0; c < state->channels; c++)
		merge_peak(state, c, start[c], frames, level[c], &peaks[c]);
}

void deinterleave_run_channel(struct deinterleave *state, unsigned channel,
			      const void *source, size_t stride, int32_t *plane,
			      size_t frames, struct peak *peak)
{
	uint32_t level;

	if (frames == 0)
		return;
	if (stride == sample_bytes(state->format) && frames >= TILE * TILE)
		level = walks[state->format].single(source, plane, frames);
	else
		level = walks[state->format].plain(source, stride, plane,
						   frames);
	merge_peak(state, channel, plane, frames, level, peak);
}
