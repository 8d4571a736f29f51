/*
 * vec4: four 32-bit lanes, and the two things the compiler's own vector types
 * cannot say well: the running maximum of |x|, and the 4 x 4 transpose.
 *
 * Only for engine's inner loops. SSE2 (all amd64) has no integer maximum, but
 * 24 bits and a sign are exact in a float, and it has that one. NEON (all
 * arm64) has both; elsewhere plain vector types do.
 */
#ifndef TAKEBOX_VEC4_H
#define TAKEBOX_VEC4_H

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "samples are loaded as the device wrote them: little-endian");

typedef int32_t vec4 __attribute__((vector_size(16)));
typedef int64_t vec4_pair __attribute__((vector_size(16)));
typedef int16_t vec4_half __attribute__((vector_size(16)));

#define VEC4_INLINE static inline __attribute__((always_inline))

VEC4_INLINE vec4 vec4_load(const void *from)
{
	vec4 v;

	memcpy(&v, from, sizeof(v));
	return v;
}

VEC4_INLINE void vec4_store(int32_t *to, vec4 v)
{
	memcpy(to, &v, sizeof(v));
}

/* Lanes 0 and 1 from one place, 2 and 3 from another. */
VEC4_INLINE vec4 vec4_load_halves(const void *low, const void *high)
{
	int64_t a, b;

	memcpy(&a, low, sizeof(a));
	memcpy(&b, high, sizeof(b));
	return (vec4)(vec4_pair){a, b};
}

/* Four 16-bit samples, sign-extended. */
VEC4_INLINE vec4 vec4_load_16(const void *from)
{
	int64_t a;

	memcpy(&a, from, sizeof(a));
	vec4_half h = (vec4_half)(vec4_pair){a, 0};

	h = __builtin_shufflevector(h, h, 0, 0, 1, 1, 2, 2, 3, 3);
	return (vec4)h >> 16;
}

VEC4_INLINE vec4 vec4_zip_low(vec4 a, vec4 b)
{
	return __builtin_shufflevector(a, b, 0, 4, 1, 5);
}

VEC4_INLINE vec4 vec4_zip_high(vec4 a, vec4 b)
{
	return __builtin_shufflevector(a, b, 2, 6, 3, 7);
}

struct vec4_tile {
	vec4 row[4];
};

VEC4_INLINE struct vec4_tile vec4_transpose(struct vec4_tile t)
{
	vec4 even_low = vec4_zip_low(t.row[0], t.row[2]);
	vec4 even_high = vec4_zip_high(t.row[0], t.row[2]);
	vec4 odd_low = vec4_zip_low(t.row[1], t.row[3]);
	vec4 odd_high = vec4_zip_high(t.row[1], t.row[3]);

	return (struct vec4_tile){{vec4_zip_low(even_low, odd_low),
				   vec4_zip_high(even_low, odd_low),
				   vec4_zip_low(even_high, odd_high),
				   vec4_zip_high(even_high, odd_high)}};
}

/* The running maximum of |x| in each lane, x within 24 bits and sign. */
#if defined(__SSE2__)

typedef __m128 vec4_peak;

VEC4_INLINE vec4_peak vec4_peak_none(void)
{
	return _mm_setzero_ps();
}

VEC4_INLINE vec4_peak vec4_peak_add(vec4_peak peak, vec4 x)
{
	const __m128 magnitude = _mm_castsi128_ps(_mm_set1_epi32(0x7fffffff));
	__m128 exact = _mm_cvtepi32_ps((__m128i)x);

	return _mm_max_ps(peak, _mm_and_ps(exact, magnitude));
}

VEC4_INLINE vec4 vec4_peak_lanes(vec4_peak peak)
{
	return (vec4)_mm_cvttps_epi32(peak);
}

#elif defined(__aarch64__)

typedef int32x4_t vec4_peak;

VEC4_INLINE vec4_peak vec4_peak_none(void)
{
	return vdupq_n_s32(0);
}

VEC4_INLINE vec4_peak vec4_peak_add(vec4_peak peak, vec4 x)
{
	return vmaxq_s32(peak, vabsq_s32((int32x4_t)x));
}

VEC4_INLINE vec4 vec4_peak_lanes(vec4_peak peak)
{
	return (vec4)peak;
}

#else

typedef vec4 vec4_peak;

VEC4_INLINE vec4_peak vec4_peak_none(void)
{
	return (vec4){0};
}

VEC4_INLINE vec4_peak vec4_peak_add(vec4_peak peak, vec4 x)
{
	vec4 sign = x >> 31;
	vec4 magnitude = (x ^ sign) - sign;
	vec4 above = magnitude > peak;

	return (magnitude & above) | (peak & ~above);
}

VEC4_INLINE vec4 vec4_peak_lanes(vec4_peak peak)
{
	return peak;
}

#endif

/* The largest of all lanes. */
VEC4_INLINE uint32_t vec4_peak_max(vec4_peak peak)
{
	vec4 lanes = vec4_peak_lanes(peak);
	int32_t max = 0;

	for (int i = 0; i < 4; i++)
		max = lanes[i] > max ? lanes[i] : max;
	return (uint32_t)max;
}

/* Raises level[0..3] to the largest of the lanes of a, b, c, d. */
VEC4_INLINE void vec4_peak_merge(uint32_t level[4], vec4_peak a, vec4_peak b,
				 vec4_peak c, vec4_peak d)
{
	struct vec4_tile t = vec4_transpose(
		(struct vec4_tile){{vec4_peak_lanes(a), vec4_peak_lanes(b),
				    vec4_peak_lanes(c), vec4_peak_lanes(d)}});
	vec4_peak max = vec4_peak_add(vec4_peak_none(), vec4_load(level));

	for (int i = 0; i < 4; i++)
		max = vec4_peak_add(max, t.row[i]);
	vec4_store((int32_t *)level, vec4_peak_lanes(max));
}

#endif
