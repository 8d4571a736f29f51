/*
 * libFLAC is given a head of our own making (STREAMINFO without samples and
 * MD5, nothing else) and behind it the file from the first frame on. So its
 * reading of metadata, which differs between versions, plays no part, a total
 * that is too small does not stop it, and it can begin anywhere.
 *
 * libFLAC itself is lenient: after damage it looks for the next frame and goes
 * on. But it reports the damage before it hands over anything else, and after
 * the first report nothing is taken. Of missing frames it says nothing at all
 * and makes up silent ones, numbers and all; so what counts is the number that
 * stands in the file.
 */
#include "take/flac_strict.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <FLAC/stream_decoder.h>

#include "take/flac_blocks.h"

#define HEAD_BYTES     (8 + FLAC_STREAMINFO_BYTES)
#define LONGEST_HEADER 16

struct decode {
	struct flac_strict *strict;
	FLAC__StreamDecoder *decoder;
	uint8_t head[HEAD_BYTES];
	uint64_t first; /* byte of the first frame */
	uint64_t at;	/* handed to libFLAC so far, head included */
	unsigned block; /* samples of the frame just taken; 0: none */
	int error;
};

static void make_head(struct decode *decode)
{
	struct flac_streaminfo info = decode->strict->info;

	info.samples = 0;
	memset(info.md5, 0, sizeof(info.md5));
	memcpy(decode->head, "fLaC\x80\0\0\x22", 8);
	flac_write_streaminfo(decode->head + 8, &info);
}

/* What libFLAC's file has at decode->at: up to size bytes, or negative errno.
 */
static int64_t read_some(const struct decode *decode, void *buffer, size_t size)
{
	const struct flac_strict *strict = decode->strict;
	uint64_t byte, left;

	if (decode->at < HEAD_BYTES) {
		left = HEAD_BYTES - decode->at;
		size = left < size ? (size_t)left : size;
		memcpy(buffer, decode->head + decode->at, size);
		return (int64_t)size;
	}
	byte = decode->first + decode->at - HEAD_BYTES;
	left = byte < strict->size ? strict->size - byte : 0;
	return flac_read_at(strict->fd, byte, buffer,
			    left < size ? (size_t)left : size);
}

static FLAC__StreamDecoderReadStatus read_bytes(
	const FLAC__StreamDecoder *decoder, FLAC__byte buffer[], size_t *size,
	void *user)
{
	struct decode *decode = user;
	int64_t n = read_some(decode, buffer, *size);

	(void)decoder;
	*size = n > 0 ? (size_t)n : 0;
	decode->at += *size;
	if (n < 0) {
		decode->error = (int)n;
		return FLAC__STREAM_DECODER_READ_STATUS_ABORT;
	}
	return n ? FLAC__STREAM_DECODER_READ_STATUS_CONTINUE
		 : FLAC__STREAM_DECODER_READ_STATUS_END_OF_STREAM;
}

static FLAC__StreamDecoderTellStatus tell(const FLAC__StreamDecoder *decoder,
					  FLAC__uint64 *at, void *user)
{
	const struct decode *decode = user;

	(void)decoder;
	*at = decode->at;
	return FLAC__STREAM_DECODER_TELL_STATUS_OK;
}

static const char another_number[] =
	"a frame has another number than the next one should";

/* The number in the file, where the next frame must begin. */
static bool has_next_number(struct decode *decode)
{
	const struct flac_strict *strict = decode->strict;
	uint64_t left = strict->size - strict->byte;
	struct flac_frame_header header;
	uint8_t data[LONGEST_HEADER];
	int64_t n = flac_read_at(strict->fd, strict->byte, data,
				 left < sizeof(data) ? left : sizeof(data));

	if (n < 0)
		decode->error = (int)n;
	return n > 0 && !flac_read_frame_header(data, (size_t)n, &header) &&
	       flac_first_sample(&header, &strict->info) == strict->sample;
}

static void report(const FLAC__StreamDecoder *decoder,
		   FLAC__StreamDecoderErrorStatus status, void *user)
{
	struct decode *decode = user;
	const char *fault;

	(void)decoder;
	if (status == FLAC__STREAM_DECODER_ERROR_STATUS_LOST_SYNC)
		fault = "no frame begins where the next one should";
	else if (status == FLAC__STREAM_DECODER_ERROR_STATUS_BAD_HEADER)
		fault = "a frame's header is damaged";
	else if (status == FLAC__STREAM_DECODER_ERROR_STATUS_FRAME_CRC_MISMATCH)
		fault = "a frame's CRC is wrong";
	else if (!has_next_number(decode)) /* libFLAC 1.5 has a word for it */
		fault = another_number;
	else
		fault = "a frame cannot be decoded";
	if (!decode->strict->fault)
		decode->strict->fault = fault;
}

/* The rules that libFLAC does not keep. NULL if the frame keeps them all. */
static const char *broken_rule(struct decode *decode,
			       const FLAC__FrameHeader *frame)
{
	const struct flac_strict *strict = decode->strict;
	const struct flac_streaminfo *info = &strict->info;

	if (frame->number.sample_number != strict->sample ||
	    !has_next_number(decode))
		return another_number;
	if (frame->channels != info->channels ||
	    frame->bits_per_sample != info->bits ||
	    frame->sample_rate != info->rate)
		return "a frame has another format than the file";
	if (frame->blocksize > info->max_block)
		return "a frame has more samples than the file's frames have";
	if (frame->blocksize > strict->end - strict->sample)
		return "a frame goes on behind the end of the take";
	/* Only the last one may be short. (Where the end is not known nothing
	 * can follow it: numbers count whole blocks.) */
	if (info->min_block == info->max_block &&
	    frame->blocksize < info->max_block && strict->end != UINT64_MAX &&
	    strict->sample + frame->blocksize != strict->end)
		return "a frame has fewer samples than the file's frames have";
	return NULL;
}

static FLAC__StreamDecoderWriteStatus take_frame(
	const FLAC__StreamDecoder *decoder, const FLAC__Frame *frame,
	const FLAC__int32 *const planes[], void *user)
{
	struct decode *decode = user;
	struct flac_strict *strict = decode->strict;

	(void)decoder;
	if (!strict->fault)
		strict->fault = broken_rule(decode, &frame->header);
	if (strict->fault)
		return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
	decode->block = frame->header.blocksize;
	if (strict->take &&
	    strict->take(strict->user, planes, decode->block, strict->sample)) {
		decode->error = -ECANCELED;
		return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
	}
	return FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE;
}

/* One more frame. False if there is none, or there is to be none. */
static bool next_frame(struct decode *decode)
{
	struct flac_strict *strict = decode->strict;
	FLAC__uint64 at;

	decode->block = 0;
	if (!FLAC__stream_decoder_process_single(decode->decoder) ||
	    strict->fault || decode->error || decode->block == 0 ||
	    !FLAC__stream_decoder_get_decode_position(decode->decoder, &at))
		return false;
	strict->sample += decode->block;
	strict->byte = decode->first + at - HEAD_BYTES;
	strict->frames++;
	return strict->sample < strict->end;
}

int flac_strict_decode(struct flac_strict *strict)
{
	struct decode decode = {.strict = strict, .first = strict->byte};
	FLAC__StreamDecoder *decoder = FLAC__stream_decoder_new();
	FLAC__StreamDecoderInitStatus begun;

	if (!decoder)
		return -ENOMEM;
	decode.decoder = decoder;
	strict->frames = 0;
	strict->fault = NULL;
	make_head(&decode);
	begun = FLAC__stream_decoder_init_stream(decoder, read_bytes, NULL,
						 tell, NULL, NULL, take_frame,
						 NULL, report, &decode);
	if (begun == FLAC__STREAM_DECODER_INIT_STATUS_OK &&
	    FLAC__stream_decoder_process_until_end_of_metadata(decoder))
		while (next_frame(&decode))
			;
	if (begun == FLAC__STREAM_DECODER_INIT_STATUS_MEMORY_ALLOCATION_ERROR ||
	    FLAC__stream_decoder_get_state(decoder) ==
		    FLAC__STREAM_DECODER_MEMORY_ALLOCATION_ERROR)
		decode.error = -ENOMEM;
	FLAC__stream_decoder_delete(decoder);
	return decode.error;
}
