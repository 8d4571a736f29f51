/*
 * Every 0xff may be the first byte of a header. The pieces that are read
 * overlap by the longest header there is, so that none is missed between two.
 */
#include "take/flac_search.h"

#include <stdbool.h>
#include <string.h>

#include "take/flac_blocks.h"

#define LONGEST_HEADER 16
#define PIECE	       16384

static bool fits(const struct flac_streaminfo *info,
		 const struct flac_frame_header *header)
{
	return header->channels == info->channels &&
	       (header->bits == 0 || header->bits == info->bits) &&
	       (header->rate == 0 || header->rate == info->rate) &&
	       header->block <= info->max_block;
}

/* The first fitting header in data that begins before byte count of it. */
static const uint8_t *find(const uint8_t *data, size_t count, size_t size,
			   const struct flac_streaminfo *info, uint64_t least,
			   uint64_t limit, uint64_t *sample)
{
	const uint8_t *p = data, *end = data + count;
	struct flac_frame_header header;

	while ((p = memchr(p, 0xff, (size_t)(end - p))) != NULL) {
		if (flac_read_frame_header(p, size - (size_t)(p - data),
					   &header) == 0 &&
		    fits(info, &header)) {
			*sample = flac_first_sample(&header, info);
			if (*sample >= least && *sample < limit)
				return p;
		}
		p++;
	}
	return NULL;
}

int flac_search(int fd, const struct flac_streaminfo *info, uint64_t from,
		uint64_t to, uint64_t least, uint64_t limit,
		struct flac_place *place)
{
	uint8_t data[PIECE + LONGEST_HEADER] = {0};
	const uint8_t *p;
	size_t size;
	int64_t n;

	for (; from < to; from += PIECE) {
		size = to - from < sizeof(data) ? (size_t)(to - from)
						: sizeof(data);
		n = flac_read_at(fd, from, data, size);
		place->byte = from;
		if (n <= 0)
			return (int)n;
		size = (size_t)n;
		p = find(data, size < PIECE ? size : PIECE, size, info, least,
			 limit, &place->sample);
		if (p) {
			place->byte = from + (uint64_t)(p - data);
			return 1;
		}
	}
	return 0;
}
