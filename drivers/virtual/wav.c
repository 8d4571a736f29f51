/*
 * Chunks are walked until `data` is found; the format chunk must have come
 * before it. Everything is bounded by the file's real size.
 */
#include "drivers/virtual/wav.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define FORMAT_PCM	  1
#define FORMAT_EXTENSIBLE 0xfffe
#define BLOCK		  4096

static uint32_t le(const unsigned char *p, unsigned bytes)
{
	uint32_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

static bool get(struct wav *wav, void *to, size_t size)
{
	return fread(to, 1, size, wav->file) == size;
}

static int read_format(struct wav *wav, uint32_t size)
{
	unsigned char f[40] = {0};
	unsigned tag, container;

	if (size < 16 || !get(wav, f, size < sizeof(f) ? size : sizeof(f)))
		return -EBADMSG;
	if (size > sizeof(f) && fseeko(wav->file, size - sizeof(f), SEEK_CUR))
		return -errno;
	tag = le(f, 2);
	if (tag == FORMAT_EXTENSIBLE && size >= sizeof(f))
		tag = le(f + 24, 2);
	wav->channels = le(f + 2, 2);
	wav->rate = le(f + 4, 4);
	container = le(f + 14, 2);
	wav->bits = container;
	if (tag != FORMAT_PCM || wav->channels == 0 || wav->rate == 0 ||
	    container % 8 || container < 8 || container > 32 ||
	    le(f + 12, 2) != wav->channels * container / 8)
		return -EBADMSG;
	return 0;
}

/* Stands at the first sample when it returns 0. */
static int find_data(struct wav *wav, uint64_t file_size)
{
	unsigned char head[12];
	int err;

	if (!get(wav, head, 12) || memcmp(head + 8, "WAVE", 4) ||
	    (memcmp(head, "RIFF", 4) && memcmp(head, "RF64", 4)))
		return -EBADMSG;
	while (get(wav, head, 8)) {
		uint64_t size = le(head + 4, 4), left;
		off_t at = ftello(wav->file);

		if (memcmp(head, "fmt ", 4) == 0) {
			err = read_format(wav, (uint32_t)size);
			if (err < 0)
				return err;
		} else if (memcmp(head, "data", 4) == 0) {
			if (wav->channels == 0)
				return -EBADMSG;
			left = file_size - (uint64_t)at;
			if (size == 0 || size > left)
				size = left;
			wav->frames = size / (wav->channels * wav->bits / 8);
			return 0;
		}
		if (fseeko(wav->file, at + (off_t)(size + size % 2), SEEK_SET))
			return -errno;
	}
	return -EBADMSG;
}

int wav_open(struct wav *wav, const char *path)
{
	off_t size;
	int err;

	*wav = (struct wav){.file = fopen(path, "rbe")};
	if (!wav->file)
		return -errno;
	if (fseeko(wav->file, 0, SEEK_END) || (size = ftello(wav->file)) < 0 ||
	    fseeko(wav->file, 0, SEEK_SET))
		err = -errno;
	else
		err = find_data(wav, (uint64_t)size);
	if (err < 0)
		wav_close(wav);
	return err;
}

size_t wav_read(struct wav *wav, int32_t *samples, size_t frames)
{
	const unsigned bytes = wav->bits / 8;
	unsigned char block[BLOCK];
	size_t left, done = 0;

	if (frames > wav->frames)
		frames = (size_t)wav->frames;
	wav->frames -= frames;
	left = frames * wav->channels;
	while (left) {
		size_t n = sizeof(block) / bytes < left ? sizeof(block) / bytes
							: left;

		n = fread(block, bytes, n, wav->file);
		if (n == 0)
			break;
		for (size_t i = 0; i < n; i++) {
			uint32_t v = le(block + i * bytes, bytes)
				     << (32 - wav->bits);

			if (bytes == 1) /* the only unsigned one */
				v ^= 0x80000000u;
			samples[done++] = (int32_t)v;
		}
		left -= n;
	}
	return done / wav->channels;
}

void wav_close(struct wav *wav)
{
	if (wav->file)
		fclose(wav->file);
	wav->file = NULL;
}
