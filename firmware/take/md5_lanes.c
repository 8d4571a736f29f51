/*
 * The idea: 64 samples (a group) of 2 or 3 bytes are 2 or 3 whole MD5 blocks.
 * So while a state has no tail, a group of each lane is packed straight from
 * the tape into message words, transposed on the way so that vector i holds
 * word i of every lane, and the blocks are run on vectors. What does not fill a
 * group, and what it takes to get rid of a tail, goes through bytes, one lane
 * at a time.
 *
 * The vectors are those of GCC and clang; the same source becomes SSE2, NEON or
 * AVX2, and plain C where there are none.
 */
#include "take/md5_lanes.h"

#include <stdbool.h>
#include <string.h>

/* Samples packed at a time. */
#define MD5_GROUP 64
/* Groups of a stereo track interleaved at a time: enough to hide the cost of
 * a call, few enough to stay in the first cache. */
#define STEREO_GROUPS 4

typedef uint32_t vec4 __attribute__((vector_size(16)));
typedef uint32_t vec4_tape
	__attribute__((vector_size(16), aligned(4), may_alias));

typedef uint32_t vec8 __attribute__((vector_size(32)));
typedef uint32_t vec16 __attribute__((vector_size(64)));
typedef uint8_t bytes32 __attribute__((vector_size(32)));

/* One stream in its place of the vector. */
struct lane {
	struct md5_state *state;
	const int32_t *samples; /* of the next group */
	size_t stride;		/* samples to the group after it */
};

/* What a silent plane is read from. */
static const int32_t silence[MD5_GROUP];

static const uint32_t md5_constant[64] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a,
	0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
	0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340,
	0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
	0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8,
	0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c,
	0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
	0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
	0xf4292243, 0x432aff96, 0xab9423a6, 0xfc93a038, 0x655b59c2, 0x8f0ccc91,
	0xffeff47c, 0x85845dd0, 0x6fa87e4e, 0xfe2ce6df, 0xa3014313, 0x4e0811a0,
	0xf7537e81, 0xbd3af234, 0x2ad7d2ba, 0xeb86d390,
};

/* RFC 1321 section 3.4, for uint32_t and vectors of them alike. The word, the
 * constant and b are added apart: only what depends on the newest value, b, is
 * on the critical path. F, G and I are rearranged to the fewest operations:
 * G's halves have no bit in common, and c ^ (b | ~d) is -(c ^ (~b & d)) - 1,
 * whose -1 the constants of the last round contain already. */
#define MD5_ROTATE(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define MD5_STEP_F(a, b, c, d, w, k, s)                                        \
	a += (w) + (k);                                                        \
	a += d ^ (b & (c ^ d));                                                \
	a = MD5_ROTATE(a, s) + b
#define MD5_STEP_G(a, b, c, d, w, k, s)                                        \
	a += (w) + (k);                                                        \
	a += ~d & c;                                                           \
	a += d & b;                                                            \
	a = MD5_ROTATE(a, s) + b
#define MD5_STEP_H(a, b, c, d, w, k, s)                                        \
	a += (w) + (k);                                                        \
	a += b ^ (c ^ d);                                                      \
	a = MD5_ROTATE(a, s) + b
#define MD5_STEP_I(a, b, c, d, w, k, s)                                        \
	a += (w) + (k);                                                        \
	a -= c ^ (~b & d);                                                     \
	a = MD5_ROTATE(a, s) + b
#define MD5_QUAD(STEP, s0, s1, s2, s3, w0, w1, w2, w3, k)                      \
	STEP(a, b, c, d, w0, (k)[0], s0);                                      \
	STEP(d, a, b, c, w1, (k)[1], s1);                                      \
	STEP(c, d, a, b, w2, (k)[2], s2);                                      \
	STEP(b, c, d, a, w3, (k)[3], s3)
#define MD5_QUAD_F(w, k, n, i0, i1, i2, i3)                                    \
	MD5_QUAD(MD5_STEP_F, 7, 12, 17, 22, (w)[i0], (w)[i1], (w)[i2],         \
		 (w)[i3], (k) + (n))
#define MD5_QUAD_G(w, k, n, i0, i1, i2, i3)                                    \
	MD5_QUAD(MD5_STEP_G, 5, 9, 14, 20, (w)[i0], (w)[i1], (w)[i2], (w)[i3], \
		 (k) + (n))
#define MD5_QUAD_H(w, k, n, i0, i1, i2, i3)                                    \
	MD5_QUAD(MD5_STEP_H, 4, 11, 16, 23, (w)[i0], (w)[i1], (w)[i2],         \
		 (w)[i3], (k) + (n))
#define MD5_QUAD_I(w, k, n, i0, i1, i2, i3)                                    \
	MD5_QUAD(MD5_STEP_I, 6, 10, 15, 21, (w)[i0], (w)[i1], (w)[i2],         \
		 (w)[i3], (k) + (n))
#define MD5_ROUNDS(w, k)                                                       \
	MD5_QUAD_F(w, k, 0, 0, 1, 2, 3);                                       \
	MD5_QUAD_F(w, k, 4, 4, 5, 6, 7);                                       \
	MD5_QUAD_F(w, k, 8, 8, 9, 10, 11);                                     \
	MD5_QUAD_F(w, k, 12, 12, 13, 14, 15);                                  \
	MD5_QUAD_G(w, k, 16, 1, 6, 11, 0);                                     \
	MD5_QUAD_G(w, k, 20, 5, 10, 15, 4);                                    \
	MD5_QUAD_G(w, k, 24, 9, 14, 3, 8);                                     \
	MD5_QUAD_G(w, k, 28, 13, 2, 7, 12);                                    \
	MD5_QUAD_H(w, k, 32, 5, 8, 11, 14);                                    \
	MD5_QUAD_H(w, k, 36, 1, 4, 7, 10);                                     \
	MD5_QUAD_H(w, k, 40, 13, 0, 3, 6);                                     \
	MD5_QUAD_H(w, k, 44, 9, 12, 15, 2);                                    \
	MD5_QUAD_I(w, k, 48, 0, 7, 14, 5);                                     \
	MD5_QUAD_I(w, k, 52, 12, 3, 10, 1);                                    \
	MD5_QUAD_I(w, k, 56, 8, 15, 6, 13);                                    \
	MD5_QUAD_I(w, k, 60, 4, 11, 2, 9)

/* Four samples of each of four lanes: vector i of the result has sample i of
 * every lane. */
static inline void transpose_4(const struct lane *lanes, unsigned at,
			       vec4 sample[4])
{
	vec4 row[4], low[2], high[2];
	unsigned i;

	for (i = 0; i < 4; i++)
		row[i] = *(const vec4_tape *)(lanes[i].samples + at);
	for (i = 0; i < 2; i++) {
		low[i] = __builtin_shufflevector(row[2 * i], row[2 * i + 1], 0,
						 4, 1, 5);
		high[i] = __builtin_shufflevector(row[2 * i], row[2 * i + 1], 2,
						  6, 3, 7);
	}
	sample[0] = __builtin_shufflevector(low[0], low[1], 0, 1, 4, 5);
	sample[1] = __builtin_shufflevector(low[0], low[1], 2, 3, 6, 7);
	sample[2] = __builtin_shufflevector(high[0], high[1], 0, 1, 4, 5);
	sample[3] = __builtin_shufflevector(high[0], high[1], 2, 3, 6, 7);
}

/* A group of samples of each lane into message words; word i of all lanes goes
 * to words[i * step]. */
static inline void pack24_4(const struct lane *lanes, vec4 *words,
			    unsigned step)
{
	vec4 s[4];
	unsigned i;

	for (i = 0; i < MD5_GROUP; i += 4, words += 3 * step) {
		transpose_4(lanes, i, s);
		words[0] = (s[0] & 0xffffff) | s[1] << 24;
		words[step] = (s[1] << 8) >> 16 | s[2] << 16;
		words[2 * step] = (s[2] << 8) >> 24 | s[3] << 8;
	}
}

static inline void pack16_4(const struct lane *lanes, vec4 *words,
			    unsigned step)
{
	vec4 s[4];
	unsigned i;

	for (i = 0; i < MD5_GROUP; i += 4, words += 2 * step) {
		transpose_4(lanes, i, s);
		words[0] = (s[0] & 0xffff) | s[1] << 16;
		words[step] = (s[2] & 0xffff) | s[3] << 16;
	}
}

#define MD5_PART       vec4
#define MD5_PART_LANES 4
#define MD5_PACK(x)    x##_4
#define MD5_TARGET

#define MD5_NAME(x) x##_4
#define MD5_VEC	    vec4
#define MD5_LANES   4
#include "take/md5_kernel.h"

#define MD5_NAME(x) x##_8
#define MD5_VEC	    vec8
#define MD5_LANES   8
#include "take/md5_kernel.h"

#undef MD5_PART
#undef MD5_PART_LANES
#undef MD5_PACK
#undef MD5_TARGET

/* The one place that asks for a processor: AVX2 is not in amd64's baseline, so
 * it is compiled beside it and chosen when it runs. */
#ifdef __x86_64__

#define MD5_PART       vec8
#define MD5_PART_LANES 8
#define MD5_PACK(x)    x##_avx2
#define MD5_TARGET     __attribute__((target("avx2")))

/* Four samples of lanes i and i + 4 beside each other. */
#define ROW(lanes, i, at)                                                      \
	(bytes32) __builtin_shufflevector(                                     \
		*(const vec4_tape *)((lanes)[i].samples + (at)),               \
		*(const vec4_tape *)((lanes)[(i) + 4].samples + (at)), 0, 1,   \
		2, 3, 4, 5, 6, 7)
#define LOW(a, b)	__builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH(a, b)	__builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define LOW_PAIRS(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define HIGH_PAIRS(a, b)                                                       \
	__builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)

/* Four samples become three words in each half of a row; rows are then
 * transposed as words. */
MD5_TARGET static inline void pack24_avx2(const struct lane *lanes, vec8 *words,
					  unsigned step)
{
	vec8 row[4], low, low2, high, high2;
	bytes32 r;
	unsigned i, j;

	for (i = 0; i < MD5_GROUP; i += 4, words += 3 * step) {
		for (j = 0; j < 4; j++) {
			r = ROW(lanes, j, i);
			row[j] = (vec8)__builtin_shufflevector(
				r, r, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14,
				-1, -1, -1, -1, 16, 17, 18, 20, 21, 22, 24, 25,
				26, 28, 29, 30, -1, -1, -1, -1);
		}
		low = LOW(row[0], row[1]);
		low2 = LOW(row[2], row[3]);
		high = HIGH(row[0], row[1]);
		high2 = HIGH(row[2], row[3]);
		words[0] = LOW_PAIRS(low, low2);
		words[step] = HIGH_PAIRS(low, low2);
		words[2 * step] = LOW_PAIRS(high, high2);
	}
}

MD5_TARGET static inline void pack16_avx2(const struct lane *lanes, vec8 *words,
					  unsigned step)
{
	vec8 row[4], low, low2;
	bytes32 r;
	unsigned i, j;

	for (i = 0; i < MD5_GROUP; i += 4, words += 2 * step) {
		for (j = 0; j < 4; j++) {
			r = ROW(lanes, j, i);
			row[j] = (vec8)__builtin_shufflevector(
				r, r, 0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1,
				-1, -1, -1, -1, 16, 17, 20, 21, 24, 25, 28, 29,
				-1, -1, -1, -1, -1, -1, -1, -1);
		}
		low = LOW(row[0], row[1]);
		low2 = LOW(row[2], row[3]);
		words[0] = LOW_PAIRS(low, low2);
		words[step] = HIGH_PAIRS(low, low2);
	}
}

#define MD5_NAME(x) x##_8_avx2
#define MD5_VEC	    vec8
#define MD5_LANES   8
#include "take/md5_kernel.h"

#define MD5_NAME(x) x##_16_avx2
#define MD5_VEC	    vec16
#define MD5_LANES   16
#include "take/md5_kernel.h"

static bool run_avx2(struct lane *lanes, unsigned count, unsigned width,
		     size_t groups)
{
	if (count <= 4 || !__builtin_cpu_supports("avx2"))
		return false;
	if (count <= 8)
		run_8_avx2(lanes, width, groups);
	else
		run_16_avx2(lanes, width, groups);
	return true;
}

#else

static bool run_avx2(struct lane *lanes, unsigned count, unsigned width,
		     size_t groups)
{
	(void)lanes, (void)count, (void)width, (void)groups;
	return false;
}

#endif

/* A run of groups in vectors, for one to MD5_LANES_MAX lanes. Places without a
 * lane hash silence into a state that nobody reads. */
static void run(struct lane *lanes, unsigned count, unsigned width,
		size_t groups)
{
	struct md5_state nobody = {0};
	unsigned i;

	for (i = count; i < MD5_LANES_MAX; i++)
		lanes[i] = (struct lane){&nobody, silence, 0};
	if (run_avx2(lanes, count, width, groups))
		return;
	for (i = 0; i < count; i += 8) {
		if (count - i <= 4)
			run_4(lanes + i, width, groups);
		else
			run_8(lanes + i, width, groups);
	}
}

static uint32_t load_le32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static void store_le32(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)value;
	p[1] = (uint8_t)(value >> 8);
	p[2] = (uint8_t)(value >> 16);
	p[3] = (uint8_t)(value >> 24);
}

static void block_bytes(uint32_t state[4], const uint8_t *data)
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t word[16];
	unsigned i;

	for (i = 0; i < 16; i++)
		word[i] = load_le32(data + 4 * i);
	MD5_ROUNDS(word, md5_constant);
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
}

void md5_init(struct md5_state *state)
{
	static const uint32_t start[4] = {0x67452301, 0xefcdab89, 0x98badcfe,
					  0x10325476};

	memset(state, 0, sizeof(*state));
	memcpy(state->word, start, sizeof(start));
}

void md5_update_bytes(struct md5_state *state, const void *data, size_t size)
{
	const uint8_t *p = data;
	size_t tail = state->bytes % 64, take;

	state->bytes += size;
	if (tail) {
		take = size < 64 - tail ? size : 64 - tail;
		memcpy(state->tail + tail, p, take);
		if (tail + take < 64)
			return;
		block_bytes(state->word, state->tail);
		p += take;
		size -= take;
	}
	for (; size >= 64; p += 64, size -= 64)
		block_bytes(state->word, p);
	memcpy(state->tail, p, size);
}

void md5_digest(const struct md5_state *state, uint8_t digest[16])
{
	struct md5_state end = *state;
	uint8_t pad[64 + 8] = {0x80};
	size_t tail = state->bytes % 64;
	size_t zeros = (tail < 56 ? 56 : 120) - tail;
	unsigned i;

	store_le32(pad + zeros, (uint32_t)(state->bytes << 3));
	store_le32(pad + zeros + 4, (uint32_t)(state->bytes >> 29));
	md5_update_bytes(&end, pad, zeros + 8);
	for (i = 0; i < 4; i++)
		store_le32(digest + 4 * i, end.word[i]);
}

static const int32_t *plane_at(const struct md5_source *source,
			       unsigned channel, size_t at)
{
	return source->plane[0] ? source->plane[channel] + at : silence;
}

/* One track through bytes: count samples per channel from position at. Each
 * store writes four bytes; the next one covers what is too much. */
static void update_plain(struct md5_state *state,
			 const struct md5_source *source, unsigned channels,
			 unsigned width, size_t at, size_t count)
{
	uint8_t bytes[MD5_GROUP * 2 * 3 + 2], *p;
	const int32_t *plane[2] = {0};
	size_t part, i;
	unsigned c;

	for (; count; count -= part, at += part) {
		part = count < MD5_GROUP ? count : MD5_GROUP;
		for (c = 0; c < channels; c++)
			plane[c] = plane_at(source, c, at);
		for (p = bytes, i = 0; i < part; i++) {
			for (c = 0; c < channels; c++, p += width)
				store_le32(p, (uint32_t)plane[c][i]);
		}
		md5_update_bytes(state, bytes, (size_t)(p - bytes));
	}
}

/* How many samples per channel empty the state's tail; more than a group if
 * none do (a state that was fed other sizes before). */
static size_t samples_to_block(const struct md5_state *state, unsigned size)
{
	size_t n;

	for (n = 0; n <= MD5_GROUP; n++)
		if ((state->bytes + n * size) % 64 == 0)
			break;
	return n;
}

static void run_mono(struct md5_state *const *states,
		     const struct md5_source *sources, const size_t *lead,
		     unsigned count, unsigned width, size_t groups)
{
	struct lane lanes[MD5_LANES_MAX];
	unsigned i;

	for (i = 0; i < count; i++) {
		lanes[i].state = states[i];
		lanes[i].samples = plane_at(&sources[i], 0, lead[i]);
		lanes[i].stride = sources[i].plane[0] ? MD5_GROUP : 0;
	}
	run(lanes, count, width, groups);
}

static void interleave(int32_t *out, const int32_t *left, const int32_t *right,
		       size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		out[2 * i] = left[i];
		out[2 * i + 1] = right[i];
	}
}

static void run_stereo(struct md5_state *const *states,
		       const struct md5_source *sources, const size_t *lead,
		       unsigned count, unsigned width, size_t groups)
{
	int32_t buffer[MD5_LANES_MAX][STEREO_GROUPS * MD5_GROUP];
	struct lane lanes[MD5_LANES_MAX];
	size_t part, done, at;
	unsigned i;

	for (done = 0; done < groups; done += part) {
		part = groups - done;
		if (part > STEREO_GROUPS)
			part = STEREO_GROUPS;
		for (i = 0; i < count; i++) {
			lanes[i] = (struct lane){states[i], silence, 0};
			if (!sources[i].plane[0])
				continue;
			at = lead[i] + done * MD5_GROUP / 2;
			interleave(buffer[i], sources[i].plane[0] + at,
				   sources[i].plane[1] + at,
				   part * MD5_GROUP / 2);
			lanes[i].samples = buffer[i];
			lanes[i].stride = MD5_GROUP;
		}
		run(lanes, count, width, part);
	}
}

/* As md5_update, for up to MD5_LANES_MAX lanes: to the first block boundary,
 * the groups that all lanes still have whole, the rest. */
static void update_lanes(struct md5_state *const *states,
			 const struct md5_source *sources, unsigned lanes,
			 unsigned channels, unsigned width, size_t count)
{
	size_t lead[MD5_LANES_MAX], most = 0, groups = 0, done;
	unsigned i;

	for (i = 0; i < lanes; i++) {
		lead[i] = samples_to_block(states[i], channels * width);
		most = lead[i] > most ? lead[i] : most;
	}
	if (lanes > 1 && most <= MD5_GROUP && most < count)
		groups = (count - most) * channels / MD5_GROUP;
	done = groups * MD5_GROUP / channels;
	for (i = 0; i < lanes && groups; i++) {
		update_plain(states[i], &sources[i], channels, width, 0,
			     lead[i]);
		states[i]->bytes += done * channels * width;
	}
	if (groups && channels == 1)
		run_mono(states, sources, lead, lanes, width, groups);
	else if (groups)
		run_stereo(states, sources, lead, lanes, width, groups);
	for (i = 0; i < lanes; i++) {
		if (!groups)
			lead[i] = 0;
		update_plain(states[i], &sources[i], channels, width,
			     lead[i] + done, count - lead[i] - done);
	}
}

void md5_update(struct md5_state *const *states,
		const struct md5_source *sources, unsigned lanes,
		unsigned channels, unsigned bytes_per_sample, size_t count)
{
	unsigned part;

	for (; lanes; lanes -= part, states += part, sources += part) {
		part = lanes < MD5_LANES_MAX ? lanes : MD5_LANES_MAX;
		update_lanes(states, sources, part, channels, bytes_per_sample,
			     count);
	}
}
