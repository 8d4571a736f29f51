/*
 * md5_lanes against RFC 1321's own vectors, and against the MD5 that libFLAC
 * computes when it encodes the same samples.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <FLAC/stream_encoder.h>

#include "take/md5_lanes.h"

#define MOST_LANES 20
#define MOST	   3000 /* samples */

static uint32_t seed = 1;

static uint32_t chance(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * below >> 32);
}

static int32_t plane[MOST_LANES][2][MOST];

static void fill(unsigned bits)
{
	unsigned i, c, k;

	for (i = 0; i < MOST_LANES; i++)
		for (c = 0; c < 2; c++)
			for (k = 0; k < MOST; k++)
				plane[i][c][k] = (int32_t)chance(1u << bits) -
						 (1 << (bits - 1));
}

static FLAC__StreamEncoderWriteStatus swallow(
	const FLAC__StreamEncoder *encoder, const FLAC__byte bytes[],
	size_t size, uint32_t samples, uint32_t frame, void *user)
{
	(void)encoder, (void)bytes, (void)size, (void)samples, (void)frame;
	(void)user;
	return FLAC__STREAM_ENCODER_WRITE_STATUS_OK;
}

static void keep_md5(const FLAC__StreamEncoder *encoder,
		     const FLAC__StreamMetadata *metadata, void *user)
{
	(void)encoder;
	memcpy(user, metadata->data.stream_info.md5sum, 16);
}

/* What libFLAC writes into STREAMINFO for these samples. */
static void libflac_md5(const int32_t *const *planes, unsigned channels,
			unsigned bits, unsigned count, uint8_t digest[16])
{
	FLAC__StreamEncoder *encoder = FLAC__stream_encoder_new();

	assert_non_null(encoder);
	FLAC__stream_encoder_set_channels(encoder, channels);
	FLAC__stream_encoder_set_bits_per_sample(encoder, bits);
	FLAC__stream_encoder_set_sample_rate(encoder, 48000);
	FLAC__stream_encoder_set_compression_level(encoder, 0);
	assert_int_equal(FLAC__stream_encoder_init_stream(encoder, swallow,
							  NULL, NULL, keep_md5,
							  digest),
			 FLAC__STREAM_ENCODER_INIT_STATUS_OK);
	assert_true(FLAC__stream_encoder_process(encoder, planes, count));
	assert_true(FLAC__stream_encoder_finish(encoder));
	FLAC__stream_encoder_delete(encoder);
}

struct tracks {
	struct md5_state state[MOST_LANES], *states[MOST_LANES];
	struct md5_source source[MOST_LANES];
	bool silent[MOST_LANES];
	unsigned lanes, channels, bits;
	unsigned at; /* samples hashed */
};

static void tracks_init(struct tracks *t, unsigned lanes, unsigned channels,
			unsigned bits)
{
	unsigned i;

	memset(t, 0, sizeof(*t));
	t->lanes = lanes;
	t->channels = channels;
	t->bits = bits;
	for (i = 0; i < lanes; i++) {
		md5_init(&t->state[i]);
		t->states[i] = &t->state[i];
	}
	fill(bits);
}

/* The track falls silent: its plane is not given, and libFLAC gets zeros. */
static void silence_track(struct tracks *t, unsigned i)
{
	t->silent[i] = true;
	memset(plane[i], 0, sizeof(plane[i]));
}

static void hash(struct tracks *t, unsigned count)
{
	unsigned i, c;

	for (i = 0; i < t->lanes; i++)
		for (c = 0; c < 2; c++)
			t->source[i].plane[c] =
				t->silent[i] ? NULL : plane[i][c] + t->at;
	md5_update(t->states, t->source, t->lanes, t->channels, t->bits / 8,
		   count);
	t->at += count;
}

static void assert_as_libflac(const struct tracks *t)
{
	const int32_t *planes[2];
	uint8_t mine[16], theirs[16];
	unsigned i;

	for (i = 0; i < t->lanes; i++) {
		planes[0] = plane[i][0];
		planes[1] = plane[i][1];
		libflac_md5(planes, t->channels, t->bits, t->at, theirs);
		md5_digest(&t->state[i], mine);
		if (memcmp(mine, theirs, 16))
			print_error("lane %u of %u, %u channels, %u bits, %u "
				    "samples\n",
				    i, t->lanes, t->channels, t->bits, t->at);
		assert_memory_equal(mine, theirs, 16);
	}
}

static void assert_digest_text(const char *data, const char *expected)
{
	struct md5_state state;
	uint8_t digest[16];
	char text[33];
	unsigned i;

	md5_init(&state);
	md5_update_bytes(&state, data, strlen(data));
	md5_digest(&state, digest);
	for (i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(text, expected);
}

static void hashes_the_vectors_of_rfc_1321(void **unused)
{
	(void)unused;
	assert_digest_text("", "d41d8cd98f00b204e9800998ecf8427e");
	assert_digest_text("a", "0cc175b9c0f1b6a831c399e269772661");
	assert_digest_text("abc", "900150983cd24fb0d6963f7d28e17f72");
	assert_digest_text("message digest",
			   "f96b697d7cb7938d525a2f31aaf161d0");
	assert_digest_text("abcdefghijklmnopqrstuvwxyz",
			   "c3fcd3d76192e4007dfb496cca67e13b");
	assert_digest_text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxy"
			   "z0123456789",
			   "d174ab98d277d9f5a5611c2c9f419d9f");
	assert_digest_text(
		"1234567890123456789012345678901234567890123456789012"
		"3456789012345678901234567890",
		"57edf4a22be3c955ac49da2e2107b67a");
}

static void bytes_may_come_in_any_pieces(void **unused)
{
	uint8_t data[500], whole[16], pieces[16];
	struct md5_state state;
	unsigned i, at, part, round;

	(void)unused;
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)chance(256);
	md5_init(&state);
	md5_update_bytes(&state, data, sizeof(data));
	md5_digest(&state, whole);
	for (round = 0; round < 50; round++) {
		md5_init(&state);
		for (at = 0; at < sizeof(data); at += part) {
			part = chance(140);
			if (part > sizeof(data) - at)
				part = (unsigned)sizeof(data) - at;
			md5_update_bytes(&state, data + at, part);
		}
		md5_digest(&state, pieces);
		assert_memory_equal(pieces, whole, 16);
	}
}

static void any_number_of_tracks_hashes_as_libflac_does(void **unused)
{
	struct tracks t;
	unsigned lanes, format;

	(void)unused;
	for (lanes = 1; lanes <= MOST_LANES; lanes++) {
		for (format = 0; format < 4; format++) {
			tracks_init(&t, lanes, 1 + format % 2,
				    format < 2 ? 24 : 16);
			hash(&t, 1 + chance(MOST));
			assert_as_libflac(&t);
		}
	}
}

static void updates_may_be_split_anywhere(void **unused)
{
	struct tracks t;
	unsigned round, part;

	(void)unused;
	for (round = 0; round < 40; round++) {
		tracks_init(&t, 1 + chance(MOST_LANES), 1 + chance(2),
			    chance(2) ? 24 : 16);
		while (t.at < MOST) {
			part = chance(chance(2) ? 20 : 900);
			hash(&t, part < MOST - t.at ? part : MOST - t.at);
		}
		assert_as_libflac(&t);
	}
}

static void silent_tracks_hash_as_zeros(void **unused)
{
	struct tracks t;
	unsigned round, i;

	(void)unused;
	for (round = 0; round < 20; round++) {
		tracks_init(&t, 1 + chance(MOST_LANES), 1 + round % 2,
			    round % 4 < 2 ? 24 : 16);
		for (i = 0; i < t.lanes; i++)
			if (chance(2))
				silence_track(&t, i);
		hash(&t, 1000);
		hash(&t, 37);
		hash(&t, MOST - 1037);
		assert_as_libflac(&t);
	}
}

/* Lane i begins with i * 7 bytes of its own: the same samples then give the
 * digest of those bytes followed by the samples' bytes. */
static void lanes_with_unequal_tails_are_right_too(void **unused)
{
	static uint8_t bytes[MOST * 3];
	struct md5_state alone;
	uint8_t mine[16], expected[16];
	struct tracks t;
	unsigned i, k, size = 0;

	(void)unused;
	tracks_init(&t, MOST_LANES, 1, 24);
	memset(bytes, 0xa5, sizeof(bytes));
	for (i = 0; i < t.lanes; i++)
		md5_update_bytes(&t.state[i], bytes, i * 7);
	hash(&t, 2000);
	for (i = 0; i < t.lanes; i++) {
		md5_init(&alone);
		memset(bytes, 0xa5, i * 7);
		md5_update_bytes(&alone, bytes, i * 7);
		for (size = 0, k = 0; k < 2000; k++) {
			bytes[size++] = (uint8_t)plane[i][0][k];
			bytes[size++] = (uint8_t)(plane[i][0][k] >> 8);
			bytes[size++] = (uint8_t)(plane[i][0][k] >> 16);
		}
		md5_update_bytes(&alone, bytes, size);
		md5_digest(&alone, expected);
		md5_digest(&t.state[i], mine);
		assert_memory_equal(mine, expected, 16);
	}
}

static void a_tail_that_no_sample_can_empty_is_right_too(void **unused)
{
	struct md5_state odd[2], *states[2] = {&odd[0], &odd[1]}, alone;
	struct md5_source sources[2];
	uint8_t mine[16], expected[16], bytes[4];
	unsigned k;

	(void)unused;
	fill(16);
	for (k = 0; k < 2; k++) {
		md5_init(&odd[k]);
		md5_update_bytes(&odd[k], "x", 1);
		sources[k].plane[0] = plane[k][0];
	}
	md5_update(states, sources, 2, 1, 2, 500);
	md5_init(&alone);
	md5_update_bytes(&alone, "x", 1);
	for (k = 0; k < 500; k++) {
		bytes[0] = (uint8_t)plane[1][0][k];
		bytes[1] = (uint8_t)(plane[1][0][k] >> 8);
		md5_update_bytes(&alone, bytes, 2);
	}
	md5_digest(&alone, expected);
	md5_digest(&odd[1], mine);
	assert_memory_equal(mine, expected, 16);
}

static void a_digest_may_be_taken_on_the_way(void **unused)
{
	struct tracks t;
	uint8_t digest[16];

	(void)unused;
	tracks_init(&t, 5, 1, 24);
	hash(&t, 777);
	md5_digest(&t.state[2], digest);
	hash(&t, 1000);
	assert_as_libflac(&t);
}

/* What a checkpoint keeps of a state: at a multiple of 64 samples the words
 * and the count of bytes are all of it. */
static void a_state_goes_on_from_its_words_at_a_block_boundary(void **unused)
{
	struct tracks t;
	struct md5_state kept;
	unsigned i;

	(void)unused;
	tracks_init(&t, 3, 2, 24);
	hash(&t, 1024);
	for (i = 0; i < t.lanes; i++) {
		memset(&kept, 0xff, sizeof(kept));
		memcpy(kept.word, t.state[i].word, sizeof(kept.word));
		kept.bytes = 1024 * 2 * 3;
		t.state[i] = kept;
	}
	hash(&t, 900);
	assert_as_libflac(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_the_vectors_of_rfc_1321),
		cmocka_unit_test(bytes_may_come_in_any_pieces),
		cmocka_unit_test(any_number_of_tracks_hashes_as_libflac_does),
		cmocka_unit_test(updates_may_be_split_anywhere),
		cmocka_unit_test(silent_tracks_hash_as_zeros),
		cmocka_unit_test(lanes_with_unequal_tails_are_right_too),
		cmocka_unit_test(a_tail_that_no_sample_can_empty_is_right_too),
		cmocka_unit_test(a_digest_may_be_taken_on_the_way),
		cmocka_unit_test(
			a_state_goes_on_from_its_words_at_a_block_boundary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
