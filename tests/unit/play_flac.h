/*
 * play_flac: a FLAC file in memory through libFLAC's decoder, all that comes
 * out of it kept for the tests to look at.
 */
#ifndef TESTS_PLAY_FLAC_H
#define TESTS_PLAY_FLAC_H

/* After cmocka.h and what it needs. */
#include <FLAC/metadata.h>
#include <FLAC/stream_decoder.h>

struct played {
	const uint8_t *data;
	size_t size, at;
	unsigned errors, frames;
	uint64_t first, samples; /* number of the first; how many */
	int32_t plane[2][60000];
	FLAC__StreamMetadata *block[8];
	unsigned blocks;
};

static inline FLAC__StreamDecoderReadStatus play_read(
	const FLAC__StreamDecoder *decoder, FLAC__byte buffer[], size_t *size,
	void *user)
{
	struct played *played = user;
	size_t left = played->size - played->at;

	(void)decoder;
	*size = *size < left ? *size : left;
	memcpy(buffer, played->data + played->at, *size);
	played->at += *size;
	return *size ? FLAC__STREAM_DECODER_READ_STATUS_CONTINUE
		     : FLAC__STREAM_DECODER_READ_STATUS_END_OF_STREAM;
}

static inline FLAC__StreamDecoderWriteStatus play_write(
	const FLAC__StreamDecoder *decoder, const FLAC__Frame *frame,
	const FLAC__int32 *const planes[], void *user)
{
	struct played *played = user;
	unsigned c;

	(void)decoder;
	if (played->frames++ == 0)
		played->first = frame->header.number.sample_number;
	for (c = 0; c < frame->header.channels; c++)
		memcpy(played->plane[c] + played->samples, planes[c],
		       frame->header.blocksize * sizeof(int32_t));
	played->samples += frame->header.blocksize;
	return FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE;
}

static inline void play_metadata(const FLAC__StreamDecoder *decoder,
				 const FLAC__StreamMetadata *metadata,
				 void *user)
{
	struct played *played = user;

	(void)decoder;
	assert_true(played->blocks < 8);
	played->block[played->blocks++] = FLAC__metadata_object_clone(metadata);
}

static inline void play_error(const FLAC__StreamDecoder *decoder,
			      FLAC__StreamDecoderErrorStatus status, void *user)
{
	struct played *played = user;

	(void)decoder, (void)status;
	played->errors++;
}

static inline struct played *play(const uint8_t *data, size_t size)
{
	FLAC__StreamDecoder *decoder = FLAC__stream_decoder_new();
	struct played *played = calloc(1, sizeof(*played));

	assert_non_null(decoder);
	assert_non_null(played);
	played->data = data;
	played->size = size;
	FLAC__stream_decoder_set_md5_checking(decoder, true);
	FLAC__stream_decoder_set_metadata_respond_all(decoder);
	assert_int_equal(FLAC__stream_decoder_init_stream(
				 decoder, play_read, NULL, NULL, NULL, NULL,
				 play_write, play_metadata, play_error, played),
			 FLAC__STREAM_DECODER_INIT_STATUS_OK);
	assert_true(FLAC__stream_decoder_process_until_end_of_stream(decoder));
	assert_true(FLAC__stream_decoder_finish(decoder)); /* MD5 */
	FLAC__stream_decoder_delete(decoder);
	return played;
}

static inline void played_free(struct played *played)
{
	while (played->blocks)
		FLAC__metadata_object_delete(played->block[--played->blocks]);
	free(played);
}

#endif
