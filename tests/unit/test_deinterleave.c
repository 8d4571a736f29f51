/*
 * deinterleave against a reference so plain that it needs no test: every
 * format, 1..64 channels, frame counts around every tile size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/deinterleave.h"

#define CHANNELS   DEINTERLEAVE_CHANNELS_MAX
#define FRAMES_MAX 700
#define GUARD	   0x55aa55aa

static const enum sample_format formats[] = {SAMPLE_S16_LE, SAMPLE_S24_LE,
					     SAMPLE_S24_3LE, SAMPLE_S32_LE};

static uint32_t random_state = 1;

static uint32_t random_bits(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

static int32_t full_scale(enum sample_format format)
{
	return format == SAMPLE_S16_LE ? 32767 : 8388607;
}

/* What the tape shall hold is chosen first; this writes it as the device
 * would, with noise in the bits that do not count. */
static void encode(enum sample_format format, int32_t value, uint8_t *to)
{
	uint32_t v = (uint32_t)value;
	uint32_t low = format == SAMPLE_S32_LE ? random_bits() & 255 : v & 255;

	switch (format) {
	case SAMPLE_S16_LE:
		to[0] = (uint8_t)v;
		to[1] = (uint8_t)(v >> 8);
		return;
	case SAMPLE_S24_LE:
		to[3] = (uint8_t)random_bits();
		/* fall through */
	case SAMPLE_S24_3LE:
		to[0] = (uint8_t)low;
		to[1] = (uint8_t)(v >> 8);
		to[2] = (uint8_t)(v >> 16);
		return;
	case SAMPLE_S32_LE:
		to[0] = (uint8_t)low;
		to[1] = (uint8_t)v;
		to[2] = (uint8_t)(v >> 8);
		to[3] = (uint8_t)(v >> 16);
		return;
	}
}

/* Mostly small, often near or at full scale. */
static int32_t random_sample(enum sample_format format)
{
	uint32_t r = random_bits();
	int32_t full = full_scale(format);

	switch (r % 16) {
	case 0:
		return full;
	case 1:
		return -full - 1;
	case 2:
		return -full;
	case 3:
		return full - 1;
	case 4:
		return 0;
	default:
		return (int32_t)(random_bits() %
				 (uint32_t)(2 * (int64_t)full + 2)) -
		       full - 1;
	}
}

static int32_t quiet_sample(enum sample_format format)
{
	return random_sample(format) / 4;
}

/* One device buffer, what shall come of it, and what came. The source ends at
 * the end of its allocation, so that the address sanitizer sees a read beyond.
 */
struct bench {
	struct deinterleave state;
	uint8_t *source;
	size_t frames;
	int32_t expected[CHANNELS][FRAMES_MAX];
	int32_t got[CHANNELS][FRAMES_MAX + 2];
	int32_t *planes[CHANNELS];
	struct peak peaks[CHANNELS];
	struct peak expected_peaks[CHANNELS];
	int64_t run_sign[CHANNELS], run_length[CHANNELS];
};

static void bench_init(struct bench *b, enum sample_format format,
		       unsigned channels, unsigned clip_run)
{
	free(b->source);
	memset(b, 0, sizeof(*b));
	b->state.format = format;
	b->state.channels = channels;
	b->state.clip_run = clip_run;
	for (unsigned c = 0; c < CHANNELS; c++)
		b->planes[c] = b->got[c];
}

static void bench_finish(struct bench *b)
{
	free(b->source);
	b->source = NULL;
}

/* offset misaligns the source. */
static void bench_fill(struct bench *b, size_t frames, size_t offset,
		       int32_t (*sample)(enum sample_format))
{
	unsigned bytes = sample_bytes(b->state.format);
	unsigned channels = b->state.channels;

	free(b->source);
	b->source = malloc(offset + frames * channels * bytes);
	assert_non_null(b->source);
	b->frames = frames;
	for (size_t f = 0; f < frames; f++) {
		for (unsigned c = 0; c < channels; c++) {
			b->expected[c][f] = sample(b->state.format);
			encode(b->state.format, b->expected[c][f],
			       b->source + offset + (f * channels + c) * bytes);
		}
	}
}

static void expect_channel(struct bench *b, unsigned c)
{
	int32_t full = full_scale(b->state.format);

	for (size_t f = 0; f < b->frames; f++) {
		int64_t s = b->expected[c][f];
		uint32_t level = (uint32_t)(s < 0 ? -s : s);
		int sign = s == full ? 1 : s == -full - 1 ? -1 : 0;

		if (level > b->expected_peaks[c].level)
			b->expected_peaks[c].level = level;
		if (sign != b->run_sign[c])
			b->run_length[c] = 0;
		b->run_sign[c] = sign;
		if (sign && ++b->run_length[c] == b->state.clip_run)
			b->expected_peaks[c].clips++;
	}
}

static void bench_check(struct bench *b, size_t at)
{
	for (unsigned c = 0; c < b->state.channels; c++) {
		assert_memory_equal(b->got[c] + at, b->expected[c],
				    b->frames * sizeof(int32_t));
		if (at > 0)
			assert_int_equal(b->got[c][at - 1], GUARD);
		assert_int_equal(b->got[c][at + b->frames], GUARD);
		assert_int_equal(b->peaks[c].level, b->expected_peaks[c].level);
		assert_int_equal(b->peaks[c].clips, b->expected_peaks[c].clips);
	}
}

static void bench_run(struct bench *b, size_t frames, size_t offset, size_t at,
		      int32_t (*sample)(enum sample_format))
{
	bench_fill(b, frames, offset, sample);
	for (unsigned c = 0; c < b->state.channels; c++) {
		for (size_t f = 0; f < at + frames + 1; f++)
			b->got[c][f] = GUARD;
		expect_channel(b, c);
	}
	deinterleave_run(&b->state, b->source + offset, b->planes, at, frames,
			 b->peaks);
	bench_check(b, at);
}

static struct bench bench;

static void every_format_channel_count_and_length_equals_the_reference(
	void **state)
{
	static const size_t more[] = {31, 32, 33, 63, 64, 65, 127, 128, 130};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		for (unsigned c = 1; c <= CHANNELS; c++) {
			bench_init(&bench, formats[i], c, 3);
			for (size_t f = 1; f <= 20; f++)
				bench_run(&bench, f, f % 4, f & 1,
					  random_sample);
			for (unsigned m = 0; m < 9; m++)
				bench_run(&bench, more[m], 0, 1, random_sample);
		}
	}
	bench_finish(&bench);
}

static void chunks_larger_than_a_block_equal_the_reference(void **state)
{
	static const unsigned channels[] = {1, 2, 3, 4, 7, 18, 63, 64};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		for (unsigned c = 0; c < 8; c++) {
			bench_init(&bench, formats[i], channels[c], 2);
			for (size_t f = 690; f < FRAMES_MAX; f++)
				bench_run(&bench, f, f % 3, 1, random_sample);
		}
	}
	bench_finish(&bench);
}

static void quiet_sound_has_exact_peaks_and_no_clips(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		for (unsigned c = 1; c <= CHANNELS; c++) {
			bench_init(&bench, formats[i], c, 1);
			bench_run(&bench, 64, 1, 0, quiet_sample);
			assert_int_equal(bench.peaks[0].clips, 0);
		}
	}
	bench_finish(&bench);
}

static void no_frames_change_nothing(void **state)
{
	(void)state;
	bench_init(&bench, SAMPLE_S16_LE, 2, 3);
	bench.state.clip[0] = (struct clip_state){1, 2};
	bench.peaks[0].level = 7;
	deinterleave_run(&bench.state, NULL, bench.planes, 0, 0, bench.peaks);
	deinterleave_run_channel(&bench.state, 0, NULL, 2, bench.got[0], 0,
				 &bench.peaks[0]);
	assert_int_equal(bench.state.clip[0].run, 2);
	assert_int_equal(bench.peaks[0].level, 7);
}

static void the_most_negative_sample_is_its_own_level(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		for (unsigned c = 1; c <= 5; c++) {
			size_t frames = 16;
			unsigned bytes = sample_bytes(formats[i]);
			uint8_t source[16 * 5 * 4] = {0};

			bench_init(&bench, formats[i], c, 3);
			encode(formats[i], -full_scale(formats[i]) - 1,
			       source + (9 * c + c - 1) * bytes);
			deinterleave_run(&bench.state, source, bench.planes, 0,
					 frames, bench.peaks);
			assert_int_equal(bench.peaks[c - 1].level,
					 1U << (sample_bits(formats[i]) - 1));
		}
	}
}

/* Feeds one channel of 16-bit samples in pieces and gives the clips counted. */
static uint32_t clips_of(const int16_t *samples, size_t count, size_t piece,
			 unsigned clip_run)
{
	struct deinterleave state = {
		.format = SAMPLE_S16_LE, .channels = 1, .clip_run = clip_run};
	int32_t plane[64], *planes[1] = {plane};
	struct peak peak = {0, 0};

	for (size_t f = 0; f < count; f += piece) {
		size_t n = count - f < piece ? count - f : piece;

		deinterleave_run(&state, samples + f, planes, f, n, &peak);
	}
	return peak.clips;
}

static void a_run_is_one_clip_however_long(void **state)
{
	static const int16_t two[] = {32767, 32767, 5, 32767, 32767, 0};
	static const int16_t three[] = {0, 32767, 32767, 32767, 0, 0};
	static const int16_t five[] = {32767, 32767, 32767, 32767, 32767};

	(void)state;
	for (size_t piece = 1; piece <= 6; piece++) {
		assert_int_equal(clips_of(two, 6, piece, 3), 0);
		assert_int_equal(clips_of(three, 6, piece, 3), 1);
		assert_int_equal(clips_of(five, 5, piece, 3), 1);
	}
}

static void a_run_has_one_sign(void **state)
{
	static const int16_t both[] = {32767, 32767, -32768, -32768, 32767, 3};
	static const int16_t then[] = {32767,  32767,  32767, -32768,
				       -32768, -32768, 0};
	static const int16_t near[] = {-32767, -32767, -32767, 32766, 32766};

	(void)state;
	for (size_t piece = 1; piece <= 7; piece++) {
		assert_int_equal(clips_of(both, 6, piece, 3), 0);
		assert_int_equal(clips_of(then, 7, piece, 3), 2);
		assert_int_equal(clips_of(near, 5, piece, 3), 0);
	}
}

static void a_quiet_chunk_ends_the_run(void **state)
{
	static const int16_t broken[] = {0, 0, 32767, 32767, 0, 0,
					 0, 0, 32767, 32767, 0, 0};
	static const int16_t whole[] = {0, 0, 32767, 32767, 32767, 0, 0, 0};

	(void)state;
	assert_int_equal(clips_of(broken, 12, 4, 3), 0);
	assert_int_equal(clips_of(whole, 8, 4, 3), 1);
}

static void one_channel_apart_equals_the_reference(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		unsigned bytes = sample_bytes(formats[i]);

		for (unsigned c = 1; c <= 3; c++) {
			for (size_t f = 1; f <= 70; f++) {
				bench_init(&bench, formats[i], c, 3);
				bench_fill(&bench, f, 1, random_sample);
				for (unsigned k = 0; k < c; k++) {
					expect_channel(&bench, k);
					bench.got[k][f] = GUARD;
					deinterleave_run_channel(
						&bench.state, k,
						bench.source + 1 + k * bytes,
						(size_t)c * bytes, bench.got[k],
						f, &bench.peaks[k]);
				}
				bench_check(&bench, 0);
			}
		}
	}
	bench_finish(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_format_channel_count_and_length_equals_the_reference),
		cmocka_unit_test(
			chunks_larger_than_a_block_equal_the_reference),
		cmocka_unit_test(quiet_sound_has_exact_peaks_and_no_clips),
		cmocka_unit_test(no_frames_change_nothing),
		cmocka_unit_test(the_most_negative_sample_is_its_own_level),
		cmocka_unit_test(a_run_is_one_clip_however_long),
		cmocka_unit_test(a_run_has_one_sign),
		cmocka_unit_test(a_quiet_chunk_ends_the_run),
		cmocka_unit_test(one_channel_apart_equals_the_reference),
	};

	return cmocka_run_group_tests_name("deinterleave", tests, NULL, NULL);
}
