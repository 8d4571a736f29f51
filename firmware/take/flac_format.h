/*
 * flac_format: the bytes of a FLAC file that Takebox writes and reads itself
 * (RFC 9639): everything before the first frame, and the frame header.
 * libFLAC makes and decodes the frames; nothing here does.
 *
 * The head of a track file, FLAC_HEAD_BYTES long, so that tags, markers and the
 * seek table can be edited in place for ever:
 *
 *   fLaC  STREAMINFO  APPLICATION "Tkbx" (checkpoint; PADDING once finished)
 *   SEEKTABLE  VORBIS_COMMENT  PADDING
 *
 * All that changes while a take runs (STREAMINFO and the checkpoint) lies in
 * the first 512 bytes, a sector, and is written in one piece.
 *
 * Pure functions on memory; any thread. Sizes are bytes. Errors are negative
 * errno: -EINVAL malformed, -ENOSPC does not fit, -EAGAIN more bytes needed.
 */
#ifndef TAKEBOX_FLAC_FORMAT_H
#define TAKEBOX_FLAC_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "take/md5_lanes.h"

#define FLAC_HEAD_BYTES	  16384
#define FLAC_SECTOR_BYTES 512
#define FLAC_SEEK_POINTS  240

struct flac_streaminfo {
	unsigned min_block, max_block; /* samples; equal for Takebox's files */
	unsigned min_frame, max_frame; /* bytes; 0: unknown */
	unsigned rate, channels, bits;
	uint64_t samples; /* per channel; 0: unknown */
	uint8_t md5[16];  /* zero: unknown */
};

/* Where an interrupted file can be gone on with. Two slots, the older one kept,
 * so that all tracks of a take share at least one. */
struct flac_checkpoint {
	uint64_t sequence; /* 0: slot empty; the higher one is newer */
	uint64_t samples;  /* per channel, durable; a multiple of the block */
	uint64_t size;	   /* of the file up to there, head included */
	uint32_t md5[4];   /* MD5 state words at that point (block multiples of
			      at least 64 samples leave no tail) */
};

struct flac_seekpoint {
	uint64_t sample;
	uint64_t offset;  /* from the first frame's first byte */
	uint32_t samples; /* in the frame */
};

struct flac_tag {
	const char *name;  /* "TITLE" */
	const char *value; /* UTF-8 */
};

struct flac_head {
	struct flac_streaminfo info;
	struct flac_checkpoint checkpoint[2];
	bool finished; /* no APPLICATION block: PADDING stands in its place */
	/* It goes on up to the first frame: what is behind the sector is being
	 * written anew, and nobody is to read it. Not if finished. */
	bool covered;
};

/* STREAMINFO's contents, of any FLAC file. -EINVAL if they make no sense. What
 * it has no room for (frames of 16 MiB, 2^36 samples) is written as unknown. */
#define FLAC_STREAMINFO_BYTES 34
void flac_write_streaminfo(uint8_t data[FLAC_STREAMINFO_BYTES],
			   const struct flac_streaminfo *info);
int flac_read_streaminfo(const uint8_t data[FLAC_STREAMINFO_BYTES],
			 struct flac_streaminfo *info);

/* The first FLAC_SECTOR_BYTES of the file. */
void flac_write_sector(uint8_t sector[FLAC_SECTOR_BYTES],
		       const struct flac_head *head);

/* The tags' block, in every head. */
#define FLAC_TAGS_AT (FLAC_SECTOR_BYTES + 4 + 18 * FLAC_SEEK_POINTS)

/* The rest, FLAC_HEAD_BYTES - FLAC_SECTOR_BYTES, seek table and tags in it.
 * -ENOSPC if they do not fit, -EINVAL if a tag's name is not one (nothing is
 * written then). Points are in order of their samples; those beyond count are
 * written as placeholders. */
int flac_write_rest(uint8_t *rest, const struct flac_seekpoint *points,
		    unsigned count, const struct flac_tag *tags,
		    unsigned tag_count);

/* Reads what flac_write_sector wrote; -EINVAL if it is not Takebox's (a foreign
 * FLAC file, or damage: the checkpoint slots carry a CRC-32 each, a slot whose
 * CRC is wrong comes back empty, and STREAMINFO alone is then trusted). */
int flac_read_sector(const uint8_t sector[FLAC_SECTOR_BYTES],
		     struct flac_head *head);

/* A frame header at data (RFC 9639 section 9.1). */
struct flac_frame_header {
	uint64_t number; /* of the frame; of its first sample if variable */
	bool variable;	/* blocks may differ in size (not in Takebox's files) */
	unsigned block; /* samples */
	unsigned rate;	/* 0: as STREAMINFO */
	unsigned channels;
	unsigned bits; /* 0: as STREAMINFO */
	unsigned size; /* of the header, its CRC-8 included */
};

int flac_read_frame_header(const uint8_t *data, size_t size,
			   struct flac_frame_header *header);

/* The first sample of the frame. Where blocks differ in size the number counts
 * samples, in old files (FLAC before 1.2) too, whose frames do not say so. */
uint64_t flac_first_sample(const struct flac_frame_header *header,
			   const struct flac_streaminfo *info);

/*
 * libFLAC's encoder always counts frames from 0. Writes the whole frame at
 * data[0..size) to out with its number raised by offset, CRC-8 and CRC-16 made
 * anew. out holds size + 6 bytes at least and does not overlap data. Returns
 * the new size, or -EINVAL if data is not one whole frame of a stream of fixed
 * block size, or if the number would need more than 31 bits.
 */
int flac_renumber_frame(const uint8_t *data, size_t size, uint64_t offset,
			uint8_t *out);

uint8_t flac_crc8(const uint8_t *data, size_t size);
uint16_t flac_crc16(uint16_t crc, const uint8_t *data, size_t size);

/* CRC-32 of ISO 3309 (zip, Ethernet), for Takebox's own records. Start with
 * crc 0. */
uint32_t crc32_update(uint32_t crc, const void *data, size_t size);

/*
 * Thins a growing list of candidate seek points so that any number of frames
 * ends as at most FLAC_SEEK_POINTS evenly spread ones; fixed memory.
 */
struct flac_seek_list {
	struct flac_seekpoint point[FLAC_SEEK_POINTS];
	unsigned count;
	uint64_t spacing; /* samples between points; grows by doubling */
};

/* spacing: samples, the first one to try (a second, say). */
void flac_seek_init(struct flac_seek_list *list, uint64_t spacing);
void flac_seek_offer(struct flac_seek_list *list,
		     const struct flac_seekpoint *point);

#endif
