/*
 * flac_blocks: walks the metadata blocks of any FLAC file (RFC 9639 section 8)
 * to where the frames begin. Reads block headers and STREAMINFO and steps over
 * everything else. Negative errno; -EINVAL: not FLAC, or STREAMINFO is broken.
 */
#ifndef TAKEBOX_FLAC_BLOCKS_H
#define TAKEBOX_FLAC_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "take/flac_format.h"

struct flac_blocks {
	struct flac_head head;
	bool takebox; /* the head is one that flac_write_sector wrote */
	/* The chain of blocks breaks off (first_frame is 0 then), or leads to
	 * something that is no frame. Takebox's own first_frame is known all
	 * the same; it may lie behind the end of a file cut in its head. */
	bool damaged;
	uint64_t first_frame;
	uint64_t tags; /* byte of VORBIS_COMMENT's contents; 0: there is none */
	uint32_t tags_size;
};

int flac_read_blocks(int fd, struct flac_blocks *blocks);

/* Opens a regular file for reading; a descriptor, or negative errno (-EINVAL if
 * it is something else). */
int flac_open(const char *path);

/* Reads up to size bytes from byte at on; fewer only at the file's end, or
 * before what cannot be read. Returns how many, or negative errno. */
int64_t flac_read_at(int fd, uint64_t at, void *data, size_t size);

#endif
