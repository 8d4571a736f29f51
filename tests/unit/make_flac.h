/*
 * make_flac: FLAC files in memory for the tests, encoded by libFLAC, with
 * Takebox's head before them and a list of where each frame lies. Failures
 * abort the test.
 */
#ifndef TESTS_MAKE_FLAC_H
#define TESTS_MAKE_FLAC_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <FLAC/stream_encoder.h>

#include "take/flac_format.h"

#define MADE_MOST_FRAMES   400
#define MADE_MOST_CHANNELS 8

struct made_frame {
	size_t at, size; /* bytes of made.data */
	unsigned samples;
};

struct made {
	uint8_t *data; /* FLAC_HEAD_BYTES for the head, then the frames */
	size_t size, room;
	struct made_frame frame[MADE_MOST_FRAMES];
	unsigned frames;
	int32_t *plane[MADE_MOST_CHANNELS]; /* what was encoded */
	struct flac_streaminfo info;	    /* as it is once all is there */
};

struct make {
	unsigned channels, bits, rate, block;
	unsigned samples;
	uint32_t seed;
};

static inline uint32_t made_chance(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)*seed * below >> 32);
}

/* A wave that wanders, with some noise, so that frames differ in size. */
static inline int32_t *make_plane(const struct make *make, uint32_t *seed)
{
	int32_t *plane = malloc(make->samples * sizeof(*plane));
	int32_t top = (1 << (make->bits - 1)) - 1, value = 0, slope = 0;
	unsigned i, noise = 1;

	assert(plane);
	for (i = 0; i < make->samples; i++) {
		if (i % 700 == 0)
			noise = 1 + made_chance(seed, (uint32_t)top / 16 + 1);
		slope += (int32_t)made_chance(seed, noise) - (int32_t)noise / 2;
		slope -= slope / 8 + value / 64;
		value += slope;
		if (value > top || value < -top)
			value = slope = 0;
		plane[i] = value;
	}
	return plane;
}

static inline FLAC__StreamEncoderWriteStatus made_write(
	const FLAC__StreamEncoder *encoder, const FLAC__byte bytes[],
	size_t size, uint32_t samples, uint32_t number, void *user)
{
	struct made *made = user;

	(void)encoder, (void)number;
	if (samples == 0) /* libFLAC's own head */
		return FLAC__STREAM_ENCODER_WRITE_STATUS_OK;
	while (made->size + size > made->room) {
		made->room *= 2;
		made->data = realloc(made->data, made->room);
		assert(made->data);
	}
	assert(made->frames < MADE_MOST_FRAMES);
	made->frame[made->frames++] =
		(struct made_frame){made->size, size, samples};
	memcpy(made->data + made->size, bytes, size);
	made->size += size;
	return FLAC__STREAM_ENCODER_WRITE_STATUS_OK;
}

static inline void made_info(const FLAC__StreamEncoder *encoder,
			     const FLAC__StreamMetadata *metadata, void *user)
{
	const FLAC__StreamMetadata_StreamInfo *from =
		&metadata->data.stream_info;
	struct made *made = user;

	(void)encoder;
	made->info = (struct flac_streaminfo){
		.min_block = from->min_blocksize,
		.max_block = from->max_blocksize,
		.min_frame = from->min_framesize,
		.max_frame = from->max_framesize,
		.rate = from->sample_rate,
		.channels = from->channels,
		.bits = from->bits_per_sample,
		.samples = from->total_samples,
	};
	memcpy(made->info.md5, from->md5sum, 16);
}

static inline void make_frames(struct made *made, const struct make *make)
{
	FLAC__StreamEncoder *encoder = FLAC__stream_encoder_new();
	uint32_t seed = make->seed;
	unsigned c;
	int status;

	assert(encoder);
	memset(made, 0, sizeof(*made));
	made->size = FLAC_HEAD_BYTES;
	made->room = 4 * FLAC_HEAD_BYTES;
	made->data = calloc(1, made->room);
	for (c = 0; c < make->channels; c++)
		made->plane[c] = make_plane(make, &seed);
	FLAC__stream_encoder_set_channels(encoder, make->channels);
	FLAC__stream_encoder_set_bits_per_sample(encoder, make->bits);
	FLAC__stream_encoder_set_sample_rate(encoder, make->rate);
	FLAC__stream_encoder_set_compression_level(encoder, 3);
	FLAC__stream_encoder_set_blocksize(encoder, make->block);
	FLAC__stream_encoder_set_streamable_subset(encoder, false);
	status = FLAC__stream_encoder_init_stream(encoder, made_write, NULL,
						  NULL, made_info, made);
	assert(status == FLAC__STREAM_ENCODER_INIT_STATUS_OK);
	status = FLAC__stream_encoder_process(
		encoder, (const int32_t *const *)made->plane, make->samples);
	assert(status);
	status = FLAC__stream_encoder_finish(encoder);
	assert(status);
	(void)status;
	FLAC__stream_encoder_delete(encoder);
}

static inline void unmake(struct made *made)
{
	unsigned c;

	for (c = 0; c < MADE_MOST_CHANNELS; c++)
		free(made->plane[c]);
	free(made->data);
	memset(made, 0, sizeof(*made));
}

static const struct flac_tag made_tags[] = {{"TITLE", "Kick"},
					    {"ALBUM", "G\303\244ste"}};

/* A head that claims samples; the whole take's, with MD5, if finished. */
static inline void make_head(struct made *made, bool finished, uint64_t samples)
{
	struct flac_seekpoint point = {0, 0, made->info.min_block};
	struct flac_head head = {.info = made->info, .finished = finished};
	int error;

	head.info.samples = samples;
	if (!finished)
		memset(head.info.md5, 0, 16);
	flac_write_sector(made->data, &head);
	error = flac_write_rest(made->data + FLAC_SECTOR_BYTES, &point, 1,
				made_tags, 2);
	assert(!error);
	(void)error;
}

/* Whole frames up to the byte at. */
static inline uint64_t made_samples_before(const struct made *made, size_t at)
{
	uint64_t samples = 0;
	unsigned i;

	for (i = 0; i < made->frames; i++)
		if (made->frame[i].at + made->frame[i].size <= at)
			samples += made->frame[i].samples;
	return samples;
}

#endif
