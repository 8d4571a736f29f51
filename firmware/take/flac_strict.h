/*
 * flac_strict: decodes frame after frame from one byte of a file on, as long as
 * each is the one that must come next: it begins where the one before it
 * ended, carries the next number, has the format of STREAMINFO, and decodes
 * with its CRCs right. The first one that does not ends it for good.
 *
 * Any one thread at a time.
 */
#ifndef TAKEBOX_FLAC_STRICT_H
#define TAKEBOX_FLAC_STRICT_H

#include <stdint.h>

#include "take/flac_format.h"

struct flac_strict {
	/* Set by the caller. */
	int fd;
	uint64_t size; /* bytes of the file that may be read */
	struct flac_streaminfo info;
	uint64_t end; /* no sample from here on; UINT64_MAX: not known */
	/* Takes each frame's samples, the first of them at position. Not 0:
	 * stop. */
	int (*take)(void *user, const int32_t *const *planes, unsigned count,
		    uint64_t position);
	void *user;

	/* Set to the first frame's by the caller; moved on over each frame. */
	uint64_t byte, sample;

	uint64_t frames;   /* so many */
	const char *fault; /* what ended it, in words; NULL: the end of the
			      file, or the end */
};

/* 0, -ENOMEM, what reading gave, or -ECANCELED if take said so. */
int flac_strict_decode(struct flac_strict *strict);

#endif
