/*
 * What the virtual interface plays: the counter and its inverse, sound files,
 * and the four formats in both layouts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/virtual/counter.h"
#include "drivers/virtual/signal.h"
#include "drivers/virtual/wav.h"

#define ROOM 512

/* ---- counter ------------------------------------------------------------- */

static void check_counter_at(uint64_t frame, unsigned bits)
{
	const unsigned channels[] = {0, 1, 31, 63};

	for (unsigned c = 0; c < 4; c++) {
		int32_t run[COUNTER_RUN];
		unsigned channel = 99;

		for (unsigned i = 0; i < COUNTER_RUN; i++)
			run[i] = counter_sample(frame + i, channels[c], bits);
		assert_int_equal(counter_frame(run, bits, &channel), frame);
		assert_int_equal(channel, channels[c]);
	}
}

static void four_samples_name_their_frame(void **state)
{
	static const unsigned widths[] = {16, 24};

	(void)state;
	for (unsigned w = 0; w < 2; w++) {
		const unsigned last = widths[w] + 18; /* 2^34, 2^42 frames */

		/* around every power of two, where slices carry over */
		for (unsigned bit = 0; bit < last; bit++)
			for (int64_t d = -9; d <= 9; d++)
				if ((INT64_C(1) << bit) + d >= 0)
					check_counter_at((UINT64_C(1) << bit) +
								 (uint64_t)d,
							 widths[w]);
	}
}

static void counter_fits_its_bits(void **state)
{
	(void)state;
	for (uint64_t f = 0; f < 100000; f += 7) {
		int32_t v = counter_sample(f * 1000003, 63, 16);

		assert_in_range(v + 32768, 0, 65535);
	}
}

static void a_seam_is_no_run(void **state)
{
	int32_t run[COUNTER_RUN];

	(void)state;
	for (unsigned lost = 1; lost < 200; lost++) {
		for (unsigned i = 0; i < COUNTER_RUN; i++)
			run[i] = counter_sample(1000 + i + (i > 1 ? lost : 0),
						5, 24);
		assert_int_equal(counter_frame(run, 24, NULL), -1);
	}
}

static void silence_is_no_run(void **state)
{
	const int32_t zero[COUNTER_RUN] = {0};

	(void)state;
	assert_int_equal(counter_frame(zero, 24, NULL), -1);
}

/* ---- formats and layouts --------------------------------------------------
 */

struct target {
	unsigned char bytes[64 * 4 * ROOM];
	struct signal_ring ring;
	struct signal_setup setup;
};

static struct target target;

static struct signal *make(struct signal_setup setup)
{
	struct signal *s = NULL;
	char error[256] = "";
	unsigned width = sample_bytes(setup.format);
	int err = signal_create(&s, &setup, error, sizeof(error));

	if (err < 0)
		fail_msg("signal_create: %s", error);
	memset(&target, 0x55, sizeof(target));
	target.setup = setup;
	target.ring.step = setup.interleaved ? width * setup.channels : width;
	for (unsigned c = 0; c < setup.channels; c++)
		target.ring.base[c] =
			target.bytes +
			c * width * (setup.interleaved ? 1 : ROOM);
	return s;
}

/* Sign-extended. */
static int32_t sample(unsigned channel, unsigned i)
{
	const unsigned char *p =
		target.ring.base[channel] + i * target.ring.step;
	unsigned width = sample_bytes(target.setup.format);
	uint32_t v = 0;

	for (unsigned b = 0; b < width; b++)
		v |= (uint32_t)p[b] << (8 * b);
	if (target.setup.format == SAMPLE_S24_LE)
		return (int32_t)(v << 8) >> 8;
	return (int32_t)(v << (32 - 8 * width)) >> (32 - 8 * width);
}

static void counter_in_every_format_and_layout(void **state)
{
	(void)state;
	for (unsigned f = SAMPLE_S16_LE; f <= SAMPLE_S32_LE; f++) {
		for (unsigned layout = 0; layout < 2; layout++) {
			unsigned bits = f == SAMPLE_S16_LE ? 16 : 24;
			unsigned shift = f == SAMPLE_S32_LE ? 8 : 0;
			struct signal *s = make((struct signal_setup){
				.kind = SIGNAL_COUNTER,
				.format = (enum sample_format)f,
				.interleaved = layout,
				.channels = 64,
				.rate = 48000,
				.bits = bits});

			signal_write(s, &target.ring, 65500, 3, 301);
			for (unsigned c = 0; c < 64; c++)
				for (unsigned i = 0; i < 301; i++)
					assert_int_equal(
						sample(c, 3 + i) >> shift,
						counter_sample(65500 + i, c,
							       bits));
			signal_destroy(s);
		}
	}
}

static void low_byte_of_24_in_32_is_zero(void **state)
{
	struct signal *s = make((struct signal_setup){.kind = SIGNAL_NOISE,
						      .format = SAMPLE_S32_LE,
						      .channels = 2,
						      .rate = 48000,
						      .bits = 24});

	(void)state;
	signal_write(s, &target.ring, 0, 0, 100);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(sample(1, i) & 0xff, 0);
	signal_destroy(s);
}

static void sine_has_its_frequency_and_level(void **state)
{
	const double peak = pow(10, -6.0 / 20);
	struct signal *s = make((struct signal_setup){.kind = SIGNAL_SINE,
						      .format = SAMPLE_S32_LE,
						      .channels = 2,
						      .rate = 48000,
						      .bits = 24,
						      .frequency = 1000,
						      .level = -6});

	(void)state;
	signal_write(s, &target.ring, 96000, 0, 480);
	for (unsigned i = 0; i < 480; i++) {
		double want = peak * sin(2 * M_PI * 2000 * i / 48000);

		assert_true(fabs(sample(1, i) / 2147483648.0 - want) < 1e-3);
	}
	signal_destroy(s);
}

static void noise_differs_by_channel_and_seed_only(void **state)
{
	struct signal_setup setup = {.kind = SIGNAL_NOISE,
				     .format = SAMPLE_S24_LE,
				     .channels = 2,
				     .rate = 48000,
				     .bits = 24,
				     .seed = 7};
	struct signal *s = make(setup);
	int32_t first[100];

	(void)state;
	signal_write(s, &target.ring, 1000, 0, 100);
	for (unsigned i = 0; i < 100; i++) {
		assert_true(sample(0, i) != sample(1, i));
		first[i] = sample(0, i);
	}
	signal_write(s, &target.ring, 990, 0, 110);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(sample(0, i + 10), first[i]);
	signal_destroy(s);
	setup.seed = 8;
	s = make(setup);
	signal_write(s, &target.ring, 1000, 0, 100);
	for (unsigned i = 0; i < 100; i++)
		assert_true(sample(0, i) != first[i]);
	signal_destroy(s);
}

/* ---- files --------------------------------------------------------------- */

static char path[2][64];

static void put(FILE *f, uint32_t v, unsigned bytes)
{
	while (bytes--) {
		fputc((int)(v & 0xff), f);
		v >>= 8;
	}
}

/* Frame i of channel c is base + 10 i + c. */
static void write_wav(unsigned n, unsigned channels, unsigned bits,
		      unsigned frames, int base)
{
	FILE *f;

	snprintf(path[n], sizeof(path[n]), "/tmp/test_virtual.%d.%u.wav",
		 (int)getpid(), n);
	f = fopen(path[n], "wb");
	assert_non_null(f);
	fwrite("RIFF\0\0\0\0WAVEjunk\3\0\0\0abc\0fmt ", 28, 1, f);
	put(f, 16, 4);
	put(f, 1, 2);
	put(f, channels, 2);
	put(f, 48000, 4);
	put(f, 48000 * channels * bits / 8, 4);
	put(f, channels * bits / 8, 2);
	put(f, bits, 2);
	fwrite("data", 4, 1, f);
	put(f, 0xffffffffu, 4); /* as a killed recorder leaves it */
	for (unsigned i = 0; i < frames; i++)
		for (unsigned c = 0; c < channels; c++)
			put(f, (uint32_t)(base + (int)(10 * i + c)), bits / 8);
	assert_int_equal(fclose(f), 0);
}

static int remove_files(void **state)
{
	(void)state;
	unlink(path[0]);
	unlink(path[1]);
	return 0;
}

static struct signal_setup files_setup(char **files, bool interleaved)
{
	files[0] = path[0];
	files[1] = path[1];
	return (struct signal_setup){.kind = SIGNAL_FILES,
				     .format = SAMPLE_S24_3LE,
				     .interleaved = interleaved,
				     .channels = 5,
				     .rate = 48000,
				     .bits = 24,
				     .files = files,
				     .file_count = 2,
				     .loop = true,
				     .memory = 1 << 20};
}

static void wav_is_read_to_its_end(void **state)
{
	int32_t samples[64];
	struct wav wav;

	(void)state;
	write_wav(0, 2, 24, 20, -100);
	assert_int_equal(wav_open(&wav, path[0]), 0);
	assert_int_equal(wav.channels, 2);
	assert_int_equal(wav.rate, 48000);
	assert_int_equal(wav.frames, 20);
	assert_int_equal(wav_read(&wav, samples, 30), 20);
	assert_int_equal(samples[0], -100 * 256);
	assert_int_equal(samples[39], (-100 + 191) * 256);
	wav_close(&wav);
}

static void what_is_no_wav_is_refused(void **state)
{
	static const char *const wrong[] = {
		"", "RIFF", "RIFF\0\0\0\0WAVEdata\4\0\0\0abcd",
		"fLaC\0\0\0\042aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	static const unsigned sizes[] = {0, 4, 24, 48};
	struct wav wav;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		FILE *f = fopen(path[0], "wb");

		assert_non_null(f);
		fwrite(wrong[i], sizes[i], 1, f);
		fclose(f);
		assert_int_equal(wav_open(&wav, path[0]), -EBADMSG);
	}
	assert_int_equal(wav_open(&wav, "/nowhere/at.all"), -ENOENT);
}

/* 2 + 1 channels on a device with 5; the shorter file ends in silence. */
static void files_fill_the_channels_in_turn(void **state)
{
	(void)state;
	write_wav(0, 2, 24, 200, 0);
	write_wav(1, 1, 16, 100, -5000);
	for (unsigned layout = 0; layout < 2; layout++) {
		char *files[2];
		struct signal *s = make(files_setup(files, layout));

		signal_write(s, &target.ring, 190, 1, 400);
		for (unsigned i = 0; i < 400; i++) {
			int at = (int)(190 + i) % 200;

			assert_int_equal(sample(0, i + 1), 10 * at);
			assert_int_equal(sample(1, i + 1), 10 * at + 1);
			assert_int_equal(sample(2, i + 1),
					 at < 100 ? (-5000 + 10 * at) * 256
						  : 0);
			assert_int_equal(sample(3, i + 1), 10 * at);
			assert_int_equal(sample(4, i + 1), 10 * at + 1);
		}
		signal_destroy(s);
	}
}

static void without_loop_silence_follows(void **state)
{
	char *files[2];
	struct signal_setup setup = files_setup(files, true);
	struct signal *s;

	(void)state;
	setup.loop = false;
	s = make(setup);
	signal_write(s, &target.ring, 150, 0, 300);
	assert_int_equal(sample(0, 49), 1990);
	for (unsigned i = 50; i < 300; i++)
		assert_int_equal(sample(0, i), 0);
	signal_destroy(s);
}

static void bad_material_is_refused_in_words(void **state)
{
	char *files[2], error[256] = "";
	struct signal_setup setup = files_setup(files, true);
	struct signal *s;

	(void)state;
	setup.rate = 44100;
	assert_int_equal(signal_create(&s, &setup, error, sizeof(error)),
			 -EINVAL);
	assert_non_null(strstr(error, "48000 Hz, not 44100 Hz"));
	setup.rate = 48000;
	setup.memory = 100;
	assert_int_equal(signal_create(&s, &setup, error, sizeof(error)),
			 -ENOMEM);
	assert_non_null(strstr(error, "memory"));
	files[1] = (char *)"/nowhere/at.all";
	assert_int_equal(signal_create(&s, &setup, error, sizeof(error)),
			 -ENOENT);
	assert_non_null(strstr(error, "/nowhere/at.all"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_samples_name_their_frame),
		cmocka_unit_test(counter_fits_its_bits),
		cmocka_unit_test(a_seam_is_no_run),
		cmocka_unit_test(silence_is_no_run),
		cmocka_unit_test(counter_in_every_format_and_layout),
		cmocka_unit_test(low_byte_of_24_in_32_is_zero),
		cmocka_unit_test(sine_has_its_frequency_and_level),
		cmocka_unit_test(noise_differs_by_channel_and_seed_only),
		cmocka_unit_test(wav_is_read_to_its_end),
		cmocka_unit_test(what_is_no_wav_is_refused),
		cmocka_unit_test(files_fill_the_channels_in_turn),
		cmocka_unit_test(without_loop_silence_follows),
		cmocka_unit_test(bad_material_is_refused_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, remove_files);
}
