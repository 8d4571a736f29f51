/*
 * flac_format's frames: headers of every kind, and frames with new numbers that
 * decode to the same samples; what is damaged is refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "take/flac_format.h"
#include "make_flac.h"
#include "play_flac.h"

static const struct make mono = {.channels = 1,
				 .bits = 24,
				 .rate = 48000,
				 .block = 1152,
				 .samples = 20000,
				 .seed = 1};
static const struct make stereo = {.channels = 2,
				   .bits = 16,
				   .rate = 44100,
				   .block = 4096,
				   .samples = 30000,
				   .seed = 2};

/* --- frame headers --- */

struct header_case {
	uint8_t data[16];
	unsigned size; /* without CRC-8, which the test adds */
	struct flac_frame_header is;
};

static const struct header_case header_cases[] = {
	{{0xff, 0xf8, 0xc9, 0x0c, 0x00}, 5, {0, false, 4096, 44100, 1, 24, 6}},
	{{0xff, 0xf8, 0xca, 0x18, 0x7f},
	 5,
	 {127, false, 4096, 48000, 2, 16, 6}},
	{{0xff, 0xf8, 0x10, 0x70, 0xc2, 0x80},
	 6,
	 {0x80, false, 192, 0, 8, 0, 7}},
	{{0xff, 0xf8, 0x5b, 0x82, 0xdf, 0xbf},
	 6,
	 {0x7ff, false, 4608, 96000, 2, 8, 7}},
	{{0xff, 0xf8, 0x63, 0x9e, 0xe0, 0xa0, 0x80, 0x0f},
	 8,
	 {0x800, false, 16, 192000, 2, 32, 9}},
	{{0xff, 0xf8, 0x7c, 0xaa, 0xef, 0xbf, 0xbf, 0xff, 0xfe, 48},
	 10,
	 {0xffff, false, 65535, 48000, 2, 20, 11}},
	{{0xff, 0xf8, 0xfd, 0x04, 0xf0, 0x90, 0x80, 0x80, 0xac, 0x44},
	 10,
	 {0x10000, false, 32768, 44100, 1, 12, 11}},
	{{0xff, 0xf8, 0x8e, 0x08, 0xf8, 0x88, 0x80, 0x80, 0x80, 0x25, 0x80},
	 11,
	 {0x200000, false, 256, 96000, 1, 16, 12}},
	{{0xff, 0xf8, 0xc9, 0x0c, 0xfc, 0x84, 0x80, 0x80, 0x80, 0x80},
	 10,
	 {0x4000000, false, 4096, 44100, 1, 24, 11}},
	{{0xff, 0xf8, 0xc9, 0x0c, 0xfd, 0xbf, 0xbf, 0xbf, 0xbf, 0xbf},
	 10,
	 {0x7fffffff, false, 4096, 44100, 1, 24, 11}},
	{{0xff, 0xf9, 0xc9, 0x0c, 0xfe, 0xbf, 0xbf, 0xbf, 0xbf, 0xbf, 0xbf},
	 11,
	 {0xfffffffffULL, true, 4096, 44100, 1, 24, 12}},
};

static void frame_headers_of_every_kind_are_read(void **unused)
{
	struct flac_frame_header header;
	uint8_t data[16];
	unsigned i, size;

	(void)unused;
	for (i = 0; i < sizeof(header_cases) / sizeof(header_cases[0]); i++) {
		const struct header_case *c = &header_cases[i];

		memcpy(data, c->data, sizeof(data));
		data[c->size] = flac_crc8(data, c->size);
		for (size = 0; size < c->is.size; size++)
			assert_int_equal(
				flac_read_frame_header(data, size, &header),
				-EAGAIN);
		assert_int_equal(flac_read_frame_header(data, size, &header),
				 0);
		assert_int_equal(header.number, c->is.number);
		assert_int_equal(header.variable, c->is.variable);
		assert_int_equal(header.block, c->is.block);
		assert_int_equal(header.rate, c->is.rate);
		assert_int_equal(header.channels, c->is.channels);
		assert_int_equal(header.bits, c->is.bits);
		assert_int_equal(header.size, c->is.size);
	}
}

static void frame_headers_that_the_rfc_forbids_are_refused(void **unused)
{
	static const struct {
		uint8_t data[12];
		unsigned size;
	} bad[] = {
		{{0xff, 0xf0, 0xc9, 0x0c, 0x00}, 5}, /* no sync code */
		{{0xff, 0xfa, 0xc9, 0x0c, 0x00}, 5}, /* reserved bit */
		{{0xff, 0xf8, 0x09, 0x0c, 0x00}, 5}, /* block size 0 */
		{{0xff, 0xf8, 0xcf, 0x0c, 0x00}, 5}, /* sample rate 15 */
		{{0xff, 0xf8, 0xc9, 0xbc, 0x00}, 5}, /* channels 11 */
		{{0xff, 0xf8, 0xc9, 0x06, 0x00}, 5}, /* bit depth 3 */
		{{0xff, 0xf8, 0xc9, 0x0d, 0x00}, 5}, /* reserved bit */
		{{0xff, 0xf8, 0xc9, 0x0c, 0x80}, 5}, /* number: no first byte */
		{{0xff, 0xf8, 0xc9, 0x0c, 0xff}, 5}, /* number: eight bytes */
		{{0xff, 0xf8, 0xc9, 0x0c, 0xc2, 0}, 6},	   /* number cut off */
		{{0xff, 0xf8, 0xc9, 0x0c, 0xc0, 0x80}, 6}, /* number overlong */
		{{0xff, 0xf8, 0xc9, 0x0c, 0xfe, 0x82, 0x80, 0x80, 0x80, 0x80,
		  0x80},
		 11}, /* a frame number of more than 31 bits */
		{{0xff, 0xf8, 0x79, 0x0c, 0x00, 0xff, 0xff}, 7}, /* 65536 */
		{{0xff, 0xf8, 0xcd, 0x0c, 0x00, 0, 0}, 7},	 /* 0 Hz */
	};
	struct flac_frame_header header;
	uint8_t data[13];
	unsigned i;

	(void)unused;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(data, bad[i].data, bad[i].size);
		data[bad[i].size] = flac_crc8(data, bad[i].size);
		if (flac_read_frame_header(data, bad[i].size + 1, &header) !=
		    -EINVAL)
			fail_msg("case %u was taken", i);
	}
}

static void a_flipped_bit_in_a_header_is_noticed(void **unused)
{
	struct flac_frame_header header;
	uint8_t data[16];
	unsigned i, bit;

	(void)unused;
	for (i = 0; i < sizeof(header_cases) / sizeof(header_cases[0]); i++) {
		const struct header_case *c = &header_cases[i];

		for (bit = 0; bit < c->is.size * 8; bit++) {
			memcpy(data, c->data, sizeof(data));
			data[c->size] = flac_crc8(data, c->size);
			data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_true(flac_read_frame_header(data, c->is.size,
							   &header) < 0);
		}
	}
}

/* --- renumbering --- */

static const uint64_t offsets[] = {0,	     1,		0x70,	   0x80,
				   0x7f0,    0x800,	0xfff0,	   0x10000,
				   0x1ffff0, 0x200000,	0x3fffff0, 0x4000000,
				   12345,    987654321, 0x7fffff00};

static void renumbered_frames_have_the_number_and_the_checksums(void **unused)
{
	struct flac_frame_header header;
	struct made made;
	uint8_t *out;
	unsigned i, k;
	int size;

	(void)unused;
	make_frames(&made, &stereo);
	out = malloc(made.size);
	for (i = 0; i < made.frames; i++) {
		for (k = 0; k < sizeof(offsets) / sizeof(offsets[0]); k++) {
			const uint8_t *frame = made.data + made.frame[i].at;

			size = flac_renumber_frame(frame, made.frame[i].size,
						   offsets[k], out);
			assert_true(size > 0);
			assert_int_equal(flac_read_frame_header(
						 out, (size_t)size, &header),
					 0);
			assert_int_equal(header.number, i + offsets[k]);
			assert_int_equal(header.block, made.frame[i].samples);
			assert_int_equal(flac_crc16(0, out, (size_t)size), 0);
			if (offsets[k] == 0)
				assert_memory_equal(out, frame, (size_t)size);
		}
	}
	free(out);
	unmake(&made);
}

/* A file of frames that count from offset on: what libFLAC makes of it. */
static void assert_plays_from(const struct made *made, uint64_t offset)
{
	uint8_t *file = malloc(made->size + 6 * made->frames);
	size_t at = FLAC_HEAD_BYTES;
	struct played *played;
	unsigned i;
	int size;

	memcpy(file, made->data, at);
	for (i = 0; i < made->frames; i++) {
		size = flac_renumber_frame(made->data + made->frame[i].at,
					   made->frame[i].size, offset,
					   file + at);
		assert_true(size > 0);
		at += (size_t)size;
	}
	played = play(file, at);
	assert_int_equal(played->errors, 0);
	assert_int_equal(played->first, offset * made->info.max_block);
	assert_int_equal(played->samples, made->info.samples);
	for (i = 0; i < made->info.channels; i++)
		assert_memory_equal(played->plane[i], made->plane[i],
				    played->samples * sizeof(int32_t));
	played_free(played);
	free(file);
}

static void renumbered_frames_decode_to_the_same_samples(void **unused)
{
	struct made made;
	unsigned k;

	(void)unused;
	make_frames(&made, &stereo);
	make_head(&made, true, made.info.samples);
	for (k = 0; k < sizeof(offsets) / sizeof(offsets[0]); k++)
		assert_plays_from(&made, offsets[k]);
	unmake(&made);
}

static void what_is_not_one_whole_frame_is_not_renumbered(void **unused)
{
	struct made made;
	const struct made_frame *f;
	uint8_t *out, *data;
	unsigned bit;
	size_t cut;

	(void)unused;
	make_frames(&made, &mono);
	f = &made.frame[2];
	data = made.data + f->at;
	out = malloc(made.size + 6);
	for (cut = 0; cut < f->size; cut++)
		assert_int_equal(flac_renumber_frame(data, cut, 5, out),
				 -EINVAL);
	assert_int_equal(flac_renumber_frame(data, f->size + 1, 5, out),
			 -EINVAL);
	for (bit = 0; bit < f->size * 8; bit += 1 + bit / 100) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(flac_renumber_frame(data, f->size, 5, out),
				 -EINVAL);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(flac_renumber_frame(data, f->size, 0x7fffffff, out),
			 -EINVAL);
	assert_int_equal(flac_renumber_frame(data, f->size, UINT64_MAX, out),
			 -EINVAL);
	assert_true(flac_renumber_frame(data, f->size, 0x7ffffffd, out) > 0);
	free(out);
	unmake(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frame_headers_of_every_kind_are_read),
		cmocka_unit_test(
			frame_headers_that_the_rfc_forbids_are_refused),
		cmocka_unit_test(a_flipped_bit_in_a_header_is_noticed),
		cmocka_unit_test(
			renumbered_frames_have_the_number_and_the_checksums),
		cmocka_unit_test(renumbered_frames_decode_to_the_same_samples),
		cmocka_unit_test(what_is_not_one_whole_frame_is_not_renumbered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
