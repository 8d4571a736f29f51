/*
 * flac_search: finds the next place where a frame of a stream may begin: a
 * header that fits STREAMINFO, its CRC-8 right, its number in a range. Whether
 * a whole frame follows is for flac_strict to see.
 */
#ifndef TAKEBOX_FLAC_SEARCH_H
#define TAKEBOX_FLAC_SEARCH_H

#include <stdint.h>

#include "take/flac_format.h"

struct flac_place {
	uint64_t byte;	 /* in the file */
	uint64_t sample; /* the frame's first */
};

/* Searches fd from byte from to byte to for a frame that begins at sample least
 * or later, but before limit. 1 found, 0 there is none; negative errno, and
 * place->byte is up to where it could be read, but for less than 16 KiB. */
int flac_search(int fd, const struct flac_streaminfo *info, uint64_t from,
		uint64_t to, uint64_t least, uint64_t limit,
		struct flac_place *place);

#endif
