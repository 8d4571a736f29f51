/*
 * wav: reads integer PCM from a RIFF WAVE file, and nothing else.
 *
 * 8, 16, 24 and 32 bits, WAVE_FORMAT_PCM and _EXTENSIBLE (Microsoft,
 * "Multiple Channel Audio Data and WAVE Files"), RIFF and RF64. A data chunk
 * whose size is wrong, as a recorder that was killed leaves it, ends with the
 * file. One thread; may block on the file.
 */
#ifndef TAKEBOX_VIRTUAL_WAV_H
#define TAKEBOX_VIRTUAL_WAV_H

#include <stdint.h>
#include <stdio.h>

struct wav {
	FILE *file;
	unsigned channels, rate, bits;
	uint64_t frames;
};

/* 0, or a negative errno (-EBADMSG: not such a file). */
int wav_open(struct wav *wav, const char *path);

/* Up to that many frames, interleaved, left-justified in 32 bits. Returns
 * how many; fewer only at the end of the file. */
size_t wav_read(struct wav *wav, int32_t *samples, size_t frames);

void wav_close(struct wav *wav); /* also of a zeroed struct */

#endif
