/*
 * bare_flac: the limit. libFLAC alone encodes the same samples from memory,
 * each channel a mono stream, and throws the frames away.
 *
 *     bare_flac [-l LEVEL] [-p LPC_ORDER] [-m] [-r RATE] FILE CHANNELS SECONDS
 *
 * FILE holds interleaved S32_LE, of which the top 24 bits are taken, again and
 * again until there are SECONDS. -m: with libFLAC's MD5. One line of key=value:
 * user CPU seconds of the encoding alone, samples, and bytes that came out.
 */
#include <FLAC/stream_encoder.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BLOCK	     4096
#define CHANNELS_MAX 64

#if HAVE_SET_DO_MD5
FLAC__bool FLAC__stream_encoder_set_do_md5(FLAC__StreamEncoder *encoder,
					   FLAC__bool value);
#endif

struct setup {
	unsigned level, order, rate, channels, seconds;
	bool md5;
};

struct sound {
	int32_t *plane[CHANNELS_MAX];
	size_t frames;
};

static FLAC__StreamEncoderWriteStatus count_bytes(const FLAC__StreamEncoder *e,
						  const FLAC__byte buffer[],
						  size_t bytes,
						  uint32_t samples,
						  uint32_t frame, void *sum)
{
	(void)e;
	(void)buffer;
	(void)samples;
	(void)frame;
	*(uint64_t *)sum += bytes;
	return FLAC__STREAM_ENCODER_WRITE_STATUS_OK;
}

/* Reads FILE onto planes, whole blocks of it. */
static int load(struct sound *sound, const char *path, unsigned channels)
{
	FILE *file = fopen(path, "rb");
	int32_t frame[CHANNELS_MAX];
	long size;

	if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0)
		return -1;
	rewind(file);
	sound->frames = (size_t)size / 4 / channels / BLOCK * BLOCK;
	for (unsigned c = 0; c < channels; c++) {
		sound->plane[c] = malloc(sound->frames * sizeof(int32_t));
		if (!sound->plane[c])
			return -1;
	}
	for (size_t f = 0; f < sound->frames; f++) {
		if (fread(frame, 4, channels, file) != channels)
			return -1;
		for (unsigned c = 0; c < channels; c++)
			sound->plane[c][f] = frame[c] >> 8;
	}
	fclose(file);
	return sound->frames > 0 ? 0 : -1;
}

static FLAC__StreamEncoder *open_encoder(const struct setup *setup,
					 uint64_t *bytes)
{
	FLAC__StreamEncoder *e = FLAC__stream_encoder_new();

	FLAC__stream_encoder_set_channels(e, 1);
	FLAC__stream_encoder_set_bits_per_sample(e, 24);
	FLAC__stream_encoder_set_sample_rate(e, setup->rate);
	FLAC__stream_encoder_set_compression_level(e, setup->level);
	FLAC__stream_encoder_set_blocksize(e, BLOCK);
	FLAC__stream_encoder_set_streamable_subset(e, false);
	if (setup->order > 0)
		FLAC__stream_encoder_set_max_lpc_order(e, setup->order);
#if HAVE_SET_DO_MD5
	FLAC__stream_encoder_set_do_md5(e, setup->md5);
#endif
	if (FLAC__stream_encoder_init_stream(e, count_bytes, NULL, NULL, NULL,
					     bytes) !=
	    FLAC__STREAM_ENCODER_INIT_STATUS_OK)
		return NULL;
	return e;
}

/* Bytes, or 0 for an error. */
static uint64_t encode_all(const struct setup *setup, const struct sound *sound)
{
	FLAC__StreamEncoder *encoder[CHANNELS_MAX];
	uint64_t bytes = 0, frames = (uint64_t)setup->seconds * setup->rate;

	for (unsigned c = 0; c < setup->channels; c++) {
		encoder[c] = open_encoder(setup, &bytes);
		if (!encoder[c])
			return 0;
	}
	for (uint64_t f = 0; f < frames; f += BLOCK) {
		unsigned n =
			frames - f < BLOCK ? (unsigned)(frames - f) : BLOCK;

		for (unsigned c = 0; c < setup->channels; c++) {
			const int32_t *from =
				sound->plane[c] + f % sound->frames;

			if (!FLAC__stream_encoder_process(encoder[c], &from, n))
				return 0;
		}
	}
	for (unsigned c = 0; c < setup->channels; c++) {
		FLAC__stream_encoder_finish(encoder[c]);
		FLAC__stream_encoder_delete(encoder[c]);
	}
	return bytes;
}

static double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	struct setup setup = {.level = 5, .rate = 48000};
	struct sound sound = {0};
	int option;

	while ((option = getopt(argc, argv, "l:p:r:m")) != -1) {
		if (option == 'l')
			setup.level = (unsigned)atoi(optarg);
		else if (option == 'p')
			setup.order = (unsigned)atoi(optarg);
		else if (option == 'r')
			setup.rate = (unsigned)atoi(optarg);
		else if (option == 'm')
			setup.md5 = true;
		else
			return 2;
	}
	if (argc - optind != 3)
		return 2;
	setup.channels = (unsigned)atoi(argv[optind + 1]);
	setup.seconds = (unsigned)atoi(argv[optind + 2]);
	if (setup.channels < 1 || setup.channels > CHANNELS_MAX ||
	    load(&sound, argv[optind], setup.channels) < 0) {
		fprintf(stderr, "bare_flac: cannot read %s\n", argv[optind]);
		return 1;
	}

	double start = cpu_seconds();
	uint64_t bytes = encode_all(&setup, &sound);

	printf("user=%.4f samples=%llu bytes=%llu\n", cpu_seconds() - start,
	       (unsigned long long)setup.channels * setup.seconds * setup.rate,
	       (unsigned long long)bytes);
	return bytes > 0 ? 0 : 1;
}
