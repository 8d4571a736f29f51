/* libFLAC's stream encoder behind four functions. */
#include "take/encoder.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <FLAC/stream_encoder.h>

#if HAVE_SET_DO_MD5
/* Exported by libFLAC, but in none of its headers (xiph/flac #547). The
 * makefile looks whether it is there. */
FLAC__bool FLAC__stream_encoder_set_do_md5(FLAC__StreamEncoder *encoder,
					   FLAC__bool value);
#endif

struct encoder {
	FLAC__StreamEncoder *flac; /* NULL: nothing fed since the last end */
	struct encoder_setup setup;
};

static FLAC__StreamEncoderWriteStatus on_write(const FLAC__StreamEncoder *flac,
					       const FLAC__byte buffer[],
					       size_t bytes, uint32_t samples,
					       uint32_t current_frame,
					       void *context)
{
	struct encoder *encoder = context;

	(void)flac;
	/* With no samples it is the header, which the track writes itself. */
	if (samples > 0)
		encoder->setup.frame_fn(encoder->setup.context, buffer, bytes,
					current_frame, samples);
	return FLAC__STREAM_ENCODER_WRITE_STATUS_OK;
}

static int start(struct encoder *encoder)
{
	const struct encoder_setup *setup = &encoder->setup;
	FLAC__StreamEncoder *flac = encoder->flac;

	FLAC__stream_encoder_set_channels(flac, setup->channels);
	FLAC__stream_encoder_set_bits_per_sample(flac, setup->bits);
	FLAC__stream_encoder_set_sample_rate(flac, setup->rate);
	FLAC__stream_encoder_set_compression_level(flac, setup->level);
	FLAC__stream_encoder_set_blocksize(flac, ENCODER_BLOCK);
	/* Rates such as 88,200 Hz have no code in a frame header of the subset
	 * beyond those the format lists; all that ALSA devices have do. */
	FLAC__stream_encoder_set_streamable_subset(flac, false);
#if HAVE_SET_DO_MD5
	FLAC__stream_encoder_set_do_md5(flac, false);
#endif
	return FLAC__stream_encoder_init_stream(flac, on_write, NULL, NULL,
						NULL, encoder) ==
			       FLAC__STREAM_ENCODER_INIT_STATUS_OK
		       ? 0
		       : -EINVAL;
}

static void drop(struct encoder *encoder)
{
	if (encoder->flac)
		FLAC__stream_encoder_delete(encoder->flac);
	encoder->flac = NULL;
}

static int begin(struct encoder *encoder)
{
	int error;

	encoder->flac = FLAC__stream_encoder_new();
	error = encoder->flac ? start(encoder) : -ENOMEM;
	if (error < 0)
		drop(encoder);
	return error;
}

int encoder_create(struct encoder **out, const struct encoder_setup *setup)
{
	struct encoder *encoder = calloc(1, sizeof(*encoder));
	int error;

	*out = NULL;
	if (!encoder)
		return -ENOMEM;
	encoder->setup = *setup;
	error = begin(encoder);
	if (error < 0) {
		encoder_destroy(encoder);
		return error;
	}
	*out = encoder;
	return 0;
}

void encoder_destroy(struct encoder *encoder)
{
	if (!encoder)
		return;
	drop(encoder);
	free(encoder);
}

int encoder_feed(struct encoder *encoder, const int32_t *const *planes,
		 unsigned count)
{
	int error = encoder->flac ? 0 : begin(encoder);

	if (error < 0)
		return error;
	return FLAC__stream_encoder_process(encoder->flac, planes, count)
		       ? 0
		       : -EIO;
}

int encoder_finish(struct encoder *encoder)
{
	bool done =
		!encoder->flac || FLAC__stream_encoder_finish(encoder->flac);

	/* To begin again with the same one costs libFLAC 1.5.0 32 KiB that are
	 * never freed. */
	drop(encoder);
	return done ? 0 : -ENOMEM;
}

void encoder_set_level(struct encoder *encoder, unsigned level)
{
	encoder->setup.level = level;
}

unsigned encoder_level(const struct encoder *encoder)
{
	return encoder->setup.level;
}
