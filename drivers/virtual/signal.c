/*
 * Generated signals are made in tiles of one channel, 32 bits wide and short
 * enough to stay in the first cache while all channels of an interleaved
 * frame are filled, and then stored in the device's format. Files are kept in
 * the device's own layout and copied.
 */
#include "drivers/virtual/signal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/virtual/counter.h"
#include "drivers/virtual/wav.h"

#define TILE	   64
#define PIECE	   256 /* frames of files, while they are loaded */
#define TABLE_BITS 14
#define PI	   3.14159265358979323846

struct signal {
	struct signal_setup setup;
	uint32_t step[SIGNAL_CHANNELS]; /* sine: phase per frame */
	int32_t *table;			/* sine: one turn */
	int32_t scale;			/* noise */
	int32_t mask;			/* of the significant bits */
	unsigned char *material;	/* files, in the device's layout */
	struct signal_ring layout;	/* of the material */
	uint64_t length;		/* of the material, in frames */
};

unsigned sample_bytes(enum sample_format format)
{
	static const unsigned bytes[] = {
		[SAMPLE_S16_LE] = 2,
		[SAMPLE_S24_LE] = 4,
		[SAMPLE_S24_3LE] = 3,
		[SAMPLE_S32_LE] = 4,
	};

	return bytes[format];
}

/* Samples are left-justified in 32 bits; p is the first one's place. */
static void store(enum sample_format format, unsigned char *p, size_t step,
		  const int32_t *v, unsigned n)
{
	switch (format) {
	case SAMPLE_S16_LE:
		for (unsigned i = 0; i < n; i++, p += step)
			*(int16_t *)(void *)p = (int16_t)(v[i] >> 16);
		break;
	case SAMPLE_S24_LE:
		for (unsigned i = 0; i < n; i++, p += step)
			*(int32_t *)(void *)p = v[i] >> 8;
		break;
	case SAMPLE_S24_3LE:
		for (unsigned i = 0; i < n; i++, p += step) {
			p[0] = (unsigned char)(v[i] >> 8);
			p[1] = (unsigned char)(v[i] >> 16);
			p[2] = (unsigned char)(v[i] >> 24);
		}
		break;
	case SAMPLE_S32_LE:
		for (unsigned i = 0; i < n; i++, p += step)
			*(int32_t *)(void *)p = v[i];
		break;
	}
}

static void make_sine(const struct signal *s, unsigned channel, int64_t frame,
		      int32_t *out, unsigned n)
{
	const uint32_t step = s->step[channel];
	uint32_t phase = (uint32_t)frame * step;

	for (unsigned i = 0; i < n; i++, phase += step)
		out[i] = s->table[phase >> (32 - TABLE_BITS)];
}

/* A mix of the frame's number instead of a generator's state: any frame can
 * be made at any time. The constants are those of MurmurHash3's finaliser. */
static void make_noise(const struct signal *s, unsigned channel, int64_t frame,
		       int32_t *out, unsigned n)
{
	const uint32_t key = (s->setup.seed + channel) * 0x9e3779b9u;
	const uint32_t from = (key ^ key >> 15) + (uint32_t)frame * 0x85ebca6bu;

	for (unsigned i = 0; i < n; i++) {
		uint32_t h = from + i * 0x85ebca6bu;

		h = (h ^ h >> 15) * 0xc2b2ae35u;
		h ^= h >> 16;
		out[i] = (int32_t)((int64_t)(int32_t)h * s->scale >> 31) &
			 s->mask;
	}
}

static void make_counter(const struct signal *s, unsigned channel,
			 int64_t frame, int32_t *out, unsigned n)
{
	const unsigned bits = s->setup.bits;

	for (unsigned i = 0; i < n; i++)
		out[i] = (int32_t)((uint32_t)counter_sample((uint64_t)frame + i,
							    channel, bits)
				   << (32 - bits));
}

/* The channels of the counter differ only in the six highest bits of every
 * fourth frame: make it once and copy. */
static void copy_counter(const int32_t *first, unsigned channel, int64_t frame,
			 int32_t *out, unsigned n)
{
	memcpy(out, first, n * sizeof(*out));
	for (unsigned i = 3 - (unsigned)(frame & 3); i < n; i += 4)
		out[i] |= (int32_t)((uint32_t)channel << 26);
}

static void write_tile(const struct signal *s, const struct signal_ring *ring,
		       int64_t frame, uint64_t offset, unsigned n)
{
	const struct signal_setup *setup = &s->setup;
	int32_t first[TILE], tile[TILE];

	if (setup->kind == SIGNAL_COUNTER)
		make_counter(s, 0, frame, first, n);
	for (unsigned c = 0; c < setup->channels; c++) {
		if (setup->kind == SIGNAL_SINE)
			make_sine(s, c, frame, tile, n);
		else if (setup->kind == SIGNAL_NOISE)
			make_noise(s, c, frame, tile, n);
		else
			copy_counter(first, c, frame, tile, n);
		store(setup->format, ring->base[c] + offset * ring->step,
		      ring->step, tile, n);
	}
}

/* from NULL: silence. */
static void copy_frames(const struct signal *s, const struct signal_ring *to,
			uint64_t offset, const struct signal_ring *from,
			uint64_t at, uint64_t frames)
{
	const bool together = s->setup.interleaved;
	const unsigned count = together ? 1 : s->setup.channels;

	for (unsigned c = 0; c < count; c++) {
		unsigned char *p = to->base[c] + offset * to->step;

		if (from)
			memcpy(p, from->base[c] + at * from->step,
			       frames * to->step);
		else
			memset(p, 0, frames * to->step);
	}
}

static void write_material(const struct signal *s,
			   const struct signal_ring *ring, int64_t frame,
			   uint64_t offset, uint64_t frames)
{
	while (frames) {
		uint64_t at = (uint64_t)frame % s->length, n = s->length - at;

		if (n > frames)
			n = frames;
		if (!s->setup.loop && (uint64_t)frame >= s->length)
			copy_frames(s, ring, offset, NULL, 0, n);
		else
			copy_frames(s, ring, offset, &s->layout, at, n);
		frame += (int64_t)n;
		offset += n;
		frames -= n;
	}
}

void signal_write(const struct signal *s, const struct signal_ring *ring,
		  int64_t frame, uint64_t offset, uint64_t frames)
{
	if (s->setup.kind == SIGNAL_FILES) {
		write_material(s, ring, frame, offset, frames);
		return;
	}
	if (s->setup.kind == SIGNAL_SILENCE) {
		copy_frames(s, ring, offset, NULL, 0, frames);
		return;
	}
	while (frames) {
		unsigned n = frames < TILE ? (unsigned)frames : TILE;

		write_tile(s, ring, frame, offset, n);
		frame += n;
		offset += n;
		frames -= n;
	}
}

/* ---- set-up -------------------------------------------------------------- */

static int prepare_sine(struct signal *s)
{
	const unsigned size = 1u << TABLE_BITS;
	const double peak = pow(10, s->setup.level / 20) * INT32_MAX;

	s->table = malloc(size * sizeof(*s->table));
	if (!s->table)
		return -ENOMEM;
	for (unsigned i = 0; i < size; i++)
		s->table[i] =
			(int32_t)lrint(peak * sin(2 * PI * i / size)) & s->mask;
	for (unsigned c = 0; c < s->setup.channels; c++)
		s->step[c] = (uint32_t)llrint(
			fmod(s->setup.frequency * (c + 1) / s->setup.rate, 1) *
			4294967296.0);
	return 0;
}

static void close_files(struct wav *wav, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		wav_close(&wav[i]);
	free(wav);
}

/* Opens all of them; the material's length, and how many channels they have
 * together. */
static int open_files(struct signal *s, struct wav *wav, unsigned *channels,
		      char *error, size_t size)
{
	*channels = 0;
	for (unsigned i = 0; i < s->setup.file_count; i++) {
		const char *path = s->setup.files[i];
		int err = wav_open(&wav[i], path);

		if (err < 0) {
			snprintf(error, size, "%s: %s", path,
				 err == -EBADMSG ? "not an integer WAV file"
						 : strerror(-err));
			return err;
		}
		*channels += wav[i].channels;
		if (wav[i].frames > s->length)
			s->length = wav[i].frames;
		if (wav[i].rate != s->setup.rate) {
			snprintf(error, size, "%s has %u Hz, not %u Hz", path,
				 wav[i].rate, s->setup.rate);
			return -EINVAL;
		}
	}
	if (s->length)
		return 0;
	snprintf(error, size, "no sound in the files");
	return -EINVAL;
}

/* Every byte is written, so that no page is faulted in while playing. */
static int make_room(struct signal *s, char *error, size_t size)
{
	const struct signal_setup *setup = &s->setup;
	const unsigned bytes = sample_bytes(setup->format);
	const uint64_t all = s->length * bytes * setup->channels;

	if (all <= setup->memory)
		s->material = malloc(all);
	if (!s->material) {
		snprintf(error, size, "the files would take %llu MiB of memory",
			 (unsigned long long)(all >> 20));
		return -ENOMEM;
	}
	memset(s->material, 0, all);
	s->layout.step = setup->interleaved ? bytes * setup->channels : bytes;
	for (unsigned c = 0; c < setup->channels; c++)
		s->layout.base[c] =
			s->material +
			bytes * c * (setup->interleaved ? 1 : s->length);
	return 0;
}

/* The next frames of a file, to place `at` of the device's channels from
 * `first` on. block: as many samples as the file has channels, times PIECE. */
static void load_piece(struct signal *s, struct wav *wav, unsigned first,
		       uint64_t at, int32_t *block)
{
	const uint64_t left = s->length - at;
	const size_t n = wav_read(wav, block, left < PIECE ? left : PIECE);
	int32_t piece[PIECE];

	for (unsigned c = 0; c < wav->channels; c++) {
		if (first + c >= s->setup.channels)
			break;
		for (size_t i = 0; i < n; i++)
			piece[i] = block[i * wav->channels + c] & s->mask;
		store(s->setup.format,
		      s->layout.base[first + c] + at * s->layout.step,
		      s->layout.step, piece, (unsigned)n);
	}
}

/* All files a piece at a time: interleaved channels share their cache lines,
 * and file after file would go through all of them again for each channel. */
static int load_files(struct signal *s, struct wav *wav)
{
	unsigned most = 1;
	int32_t *block;

	for (unsigned i = 0; i < s->setup.file_count; i++)
		most = wav[i].channels > most ? wav[i].channels : most;
	block = malloc(PIECE * most * sizeof(*block));
	if (!block)
		return -ENOMEM;
	for (uint64_t at = 0; at < s->length; at += PIECE) {
		unsigned first = 0;

		for (unsigned i = 0; i < s->setup.file_count; i++) {
			load_piece(s, &wav[i], first, at, block);
			first += wav[i].channels;
		}
	}
	free(block);
	return 0;
}

static void repeat_channels(struct signal *s, unsigned channels)
{
	const unsigned bytes = sample_bytes(s->setup.format);
	const size_t step = s->layout.step;

	for (unsigned c = channels; c < s->setup.channels; c++)
		for (uint64_t i = 0; i < s->length; i++)
			memcpy(s->layout.base[c] + i * step,
			       s->layout.base[c % channels] + i * step, bytes);
}

static int load_material(struct signal *s, char *error, size_t size)
{
	struct wav *wav = calloc(s->setup.file_count + 1, sizeof(*wav));
	unsigned channels = 0;
	int err = wav ? open_files(s, wav, &channels, error, size) : -ENOMEM;

	if (err == 0)
		err = make_room(s, error, size);
	if (err == 0)
		err = load_files(s, wav);
	if (err == 0)
		repeat_channels(s, channels);
	if (wav)
		close_files(wav, s->setup.file_count);
	s->setup.files = NULL;
	return err;
}

int signal_create(struct signal **signal, const struct signal_setup *setup,
		  char *error, size_t error_size)
{
	struct signal *s = calloc(1, sizeof(*s));
	int err = 0;

	if (!s)
		return -ENOMEM;
	s->setup = *setup;
	s->mask = (int32_t)(UINT32_MAX << (32 - setup->bits));
	s->scale = (int32_t)lrint(pow(10, setup->level / 20) * INT32_MAX);
	if (setup->kind == SIGNAL_SINE)
		err = prepare_sine(s);
	else if (setup->kind == SIGNAL_FILES)
		err = load_material(s, error, error_size);
	if (err < 0) {
		signal_destroy(s);
		return err;
	}
	*signal = s;
	return 0;
}

void signal_destroy(struct signal *s)
{
	if (!s)
		return;
	free(s->table);
	free(s->material);
	free(s);
}
