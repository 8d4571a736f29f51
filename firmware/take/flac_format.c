/*
 * The head of a track file, byte by byte. All numbers are big-endian, as
 * everywhere in FLAC but in tags, whose lengths are little-endian.
 *
 *        0   4  "fLaC"
 *        4   4  block header: type 0 (STREAMINFO), length 34
 *        8  34  STREAMINFO (RFC 9639 section 8.2):
 *                 8  2  shortest block      10  2  longest block (samples)
 *                12  3  shortest frame      15  3  longest frame (bytes)
 *                18  8  sample rate (20 bits), channels - 1 (3),
 *                       bits per sample - 1 (5), samples (36)
 *                26 16  MD5 of the samples
 *       42   4  block header: length 466, type 2 (APPLICATION) while the take
 *               runs, type 1 (PADDING, all of it zero) once it is finished
 *       46   4  "Tkbx"
 *       50   2  version of what follows: 1
 *       52  12  zero
 *       64  44  checkpoint slot 0
 *      108  20  zero
 *      128  44  checkpoint slot 1
 *      172 340  zero
 *      512   4  block header: type 3 (SEEKTABLE), length 4320
 *      516 4320 240 seek points of 18 bytes: sample (8), offset (8), samples
 *               of the frame (2); a placeholder is sample 2^64 - 1, 0, 0
 *     4836   4  block header: type 4 (VORBIS_COMMENT), length V
 *     4840   V  tags; the vendor string is "Takebox" and the version
 *   4840+V   4  block header: type 1 (PADDING), last, fills up to 16384
 *    16384      the first frame
 *
 * A checkpoint slot: sequence (8), samples (8), file size (8), the four words
 * of the MD5 state (16), CRC-32 of these 40 bytes (4). An empty one is zero.
 */
#include "take/flac_format.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define BLOCK_STREAMINFO  0
#define BLOCK_PADDING	  1
#define BLOCK_APPLICATION 2
#define BLOCK_SEEKTABLE	  3
#define BLOCK_TAGS	  4
#define BLOCK_LAST	  0x80

#define BLOCK_HEADER	      4
#define STREAMINFO_AT	      8
#define FLAC_STREAMINFO_BYTES 34
#define APPLICATION_AT	      (STREAMINFO_AT + FLAC_STREAMINFO_BYTES)
#define APPLICATION_BYTES     (FLAC_SECTOR_BYTES - APPLICATION_AT - BLOCK_HEADER)
#define COVER_BYTES	      (FLAC_HEAD_BYTES - APPLICATION_AT - BLOCK_HEADER)
#define SLOT_AT(i)	      (64 + 64 * (i))
#define SLOT_BYTES	      40
#define APP_VERSION	      1
#define SEEKPOINT_BYTES	      18
#define REST_BYTES	      (FLAC_HEAD_BYTES - FLAC_SECTOR_BYTES)
#define VENDOR		      "Takebox " TAKEBOX_VERSION

#define MOST_SAMPLES	 ((1ULL << 36) - 1)
#define MOST_FRAME_BYTES 0xffffffU
#define MOST_FRAMES	 0x7fffffffULL

static uint8_t *put(uint8_t *p, uint64_t value, unsigned bytes)
{
	while (bytes--)
		*p++ = (uint8_t)(value >> 8 * bytes);
	return p;
}

static uint8_t *put_le32(uint8_t *p, size_t value)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		*p++ = (uint8_t)(value >> 8 * i);
	return p;
}

static uint64_t get(const uint8_t *p, unsigned bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | *p++;
	return value;
}

static uint8_t *put_block_header(uint8_t *p, unsigned type, size_t length)
{
	return put(put(p, type, 1), length, 3);
}

/* A number that STREAMINFO has no room for is one it does not know. */
static uint64_t known(uint64_t value, uint64_t most)
{
	return value <= most ? value : 0;
}

void flac_write_streaminfo(uint8_t data[FLAC_STREAMINFO_BYTES],
			   const struct flac_streaminfo *info)
{
	uint8_t *p = put(data, info->min_block, 2);

	p = put(p, info->max_block, 2);
	p = put(p, known(info->min_frame, MOST_FRAME_BYTES), 3);
	p = put(p, known(info->max_frame, MOST_FRAME_BYTES), 3);
	p = put(p,
		(uint64_t)info->rate << 44 |
			(uint64_t)(info->channels - 1) << 41 |
			(uint64_t)(info->bits - 1) << 36 |
			known(info->samples, MOST_SAMPLES),
		8);
	memcpy(p, info->md5, sizeof(info->md5));
}

int flac_read_streaminfo(const uint8_t data[FLAC_STREAMINFO_BYTES],
			 struct flac_streaminfo *info)
{
	uint64_t packed = get(data + 10, 8);

	info->min_block = (unsigned)get(data, 2);
	info->max_block = (unsigned)get(data + 2, 2);
	info->min_frame = (unsigned)get(data + 4, 3);
	info->max_frame = (unsigned)get(data + 7, 3);
	info->rate = (unsigned)(packed >> 44);
	info->channels = (unsigned)(packed >> 41 & 7) + 1;
	info->bits = (unsigned)(packed >> 36 & 31) + 1;
	info->samples = packed & MOST_SAMPLES;
	memcpy(info->md5, data + 18, sizeof(info->md5));
	if (info->min_block < 16 || info->max_block < info->min_block ||
	    info->rate == 0 || info->bits < 4)
		return -EINVAL;
	return 0;
}

static void put_checkpoint(uint8_t *slot, const struct flac_checkpoint *point)
{
	uint8_t *p = slot;
	unsigned i;

	if (point->sequence == 0)
		return;
	p = put(p, point->sequence, 8);
	p = put(p, point->samples, 8);
	p = put(p, point->size, 8);
	for (i = 0; i < 4; i++)
		p = put(p, point->md5[i], 4);
	put(p, crc32_update(0, slot, SLOT_BYTES), 4);
}

static void get_checkpoint(const uint8_t *slot, struct flac_checkpoint *point)
{
	unsigned i;

	memset(point, 0, sizeof(*point));
	if (get(slot + SLOT_BYTES, 4) != crc32_update(0, slot, SLOT_BYTES))
		return;
	point->sequence = get(slot, 8);
	point->samples = get(slot + 8, 8);
	point->size = get(slot + 16, 8);
	for (i = 0; i < 4; i++)
		point->md5[i] = (uint32_t)get(slot + 24 + 4 * i, 4);
}

void flac_write_sector(uint8_t sector[FLAC_SECTOR_BYTES],
		       const struct flac_head *head)
{
	uint8_t *p = sector + APPLICATION_AT;
	unsigned i;

	memset(sector, 0, FLAC_SECTOR_BYTES);
	memcpy(sector, "fLaC", 4);
	put_block_header(sector + 4, BLOCK_STREAMINFO, FLAC_STREAMINFO_BYTES);
	flac_write_streaminfo(sector + STREAMINFO_AT, &head->info);
	if (head->finished) {
		put_block_header(p, BLOCK_PADDING, APPLICATION_BYTES);
		return;
	}
	if (head->covered)
		p = put_block_header(p, BLOCK_APPLICATION | BLOCK_LAST,
				     COVER_BYTES);
	else
		p = put_block_header(p, BLOCK_APPLICATION, APPLICATION_BYTES);
	memcpy(p, "Tkbx", 4);
	put(p + 4, APP_VERSION, 2);
	for (i = 0; i < 2; i++)
		put_checkpoint(sector + SLOT_AT(i), &head->checkpoint[i]);
}

int flac_read_sector(const uint8_t sector[FLAC_SECTOR_BYTES],
		     struct flac_head *head)
{
	const uint8_t *p = sector + APPLICATION_AT;
	unsigned i;

	memset(head, 0, sizeof(*head));
	if (memcmp(sector, "fLaC", 4) || sector[4] != BLOCK_STREAMINFO ||
	    get(sector + 5, 3) != FLAC_STREAMINFO_BYTES)
		return -EINVAL;
	head->covered = p[0] == (BLOCK_APPLICATION | BLOCK_LAST) &&
			get(p + 1, 3) == COVER_BYTES;
	if (!head->covered && get(p + 1, 3) != APPLICATION_BYTES)
		return -EINVAL;
	if (flac_read_streaminfo(sector + STREAMINFO_AT, &head->info))
		return -EINVAL;
	if (p[0] == BLOCK_PADDING) {
		head->finished = true;
		return 0;
	}
	if ((p[0] != BLOCK_APPLICATION && !head->covered) ||
	    memcmp(p + 4, "Tkbx", 4))
		return -EINVAL;
	if (get(p + 8, 2) != APP_VERSION)
		return 0;
	for (i = 0; i < 2; i++)
		get_checkpoint(sector + SLOT_AT(i), &head->checkpoint[i]);
	return 0;
}

/* RFC 9639 section 8.6: printable ASCII without '=' and '~'. */
static bool is_tag_name(const char *name)
{
	const char *p;

	for (p = name; *p; p++)
		if (*p < 0x20 || *p > 0x7d || *p == '=')
			return false;
	return p > name;
}

static size_t tag_bytes(const struct flac_tag *tag)
{
	return strlen(tag->name) + 1 + strlen(tag->value);
}

static uint8_t *put_bytes(uint8_t *p, const void *data, size_t size)
{
	memcpy(p, data, size);
	return p + size;
}

static uint8_t *put_tag(uint8_t *p, const struct flac_tag *tag)
{
	p = put_le32(p, tag_bytes(tag));
	p = put_bytes(p, tag->name, strlen(tag->name));
	*p++ = '=';
	return put_bytes(p, tag->value, strlen(tag->value));
}

static uint8_t *put_seektable(uint8_t *p, const struct flac_seekpoint *points,
			      unsigned count)
{
	unsigned i;

	p = put_block_header(p, BLOCK_SEEKTABLE,
			     FLAC_SEEK_POINTS * SEEKPOINT_BYTES);
	for (i = 0; i < count; i++) {
		p = put(p, points[i].sample, 8);
		p = put(p, points[i].offset, 8);
		p = put(p, points[i].samples, 2);
	}
	for (; i < FLAC_SEEK_POINTS; i++) {
		p = put(p, UINT64_MAX, 8);
		p = put(p, 0, 8);
		p = put(p, 0, 2);
	}
	return p;
}

int flac_write_rest(uint8_t *rest, const struct flac_seekpoint *points,
		    unsigned count, const struct flac_tag *tags,
		    unsigned tag_count)
{
	const size_t room = REST_BYTES - 3 * BLOCK_HEADER -
			    FLAC_SEEK_POINTS * SEEKPOINT_BYTES;
	size_t length = 4 + strlen(VENDOR) + 4;
	uint8_t *p = rest, *end = rest + REST_BYTES;
	unsigned i;

	for (i = 0; i < tag_count; i++) {
		if (!is_tag_name(tags[i].name))
			return -EINVAL;
		length += 4 + tag_bytes(&tags[i]);
		if (length > room)
			return -ENOSPC;
	}
	if (count > FLAC_SEEK_POINTS)
		return -ENOSPC;
	p = put_seektable(p, points, count);
	p = put_block_header(p, BLOCK_TAGS, length);
	p = put_le32(p, strlen(VENDOR));
	p = put_bytes(p, VENDOR, strlen(VENDOR));
	p = put_le32(p, tag_count);
	for (i = 0; i < tag_count; i++)
		p = put_tag(p, &tags[i]);
	length = (size_t)(end - p) - BLOCK_HEADER;
	p = put_block_header(p, BLOCK_PADDING | BLOCK_LAST, length);
	memset(p, 0, length);
	return 0;
}

/* The number of a frame or sample, coded as UTF-8 codes characters but up to
 * 36 bits. Returns its bytes. */
static int read_number(const uint8_t *data, size_t size, uint64_t *number)
{
	/* The smallest number that needs as many bytes. */
	static const uint64_t least[8] = {
		0, 0, 0x80, 0x800, 0x10000, 0x200000, 0x4000000, 0x80000000};
	unsigned bytes = 0, i;

	if (size < 1)
		return -EAGAIN;
	while (bytes < 8 && data[0] & 0x80 >> bytes)
		bytes++;
	if (bytes == 0) {
		*number = data[0];
		return 1;
	}
	if (bytes == 1 || bytes == 8)
		return -EINVAL;
	if (size < bytes)
		return -EAGAIN;
	*number = data[0] & (0x7fU >> bytes);
	for (i = 1; i < bytes; i++) {
		if ((data[i] & 0xc0) != 0x80)
			return -EINVAL;
		*number = *number << 6 | (data[i] & 0x3f);
	}
	return *number < least[bytes] ? -EINVAL : (int)bytes;
}

static uint8_t *put_number(uint8_t *p, uint64_t number)
{
	unsigned bytes = 2;

	if (number < 0x80)
		return put(p, number, 1);
	while (bytes < 7 && number >> (5 * bytes + 1))
		bytes++;
	*p++ = (uint8_t)(0xff00U >> bytes | number >> 6 * (bytes - 1));
	while (--bytes)
		*p++ = (uint8_t)(0x80 | (number >> 6 * (bytes - 1) & 0x3f));
	return p;
}

/* The first four bytes: what the codes say at once; how many bytes follow the
 * number for block and rate goes to *block_bytes and *rate_bytes. */
static int read_codes(const uint8_t *data, struct flac_frame_header *header,
		      unsigned *block_bytes, unsigned *rate_bytes)
{
	static const unsigned rates[12] = {0,	  88200, 176400, 192000,
					   8000,  16000, 22050,	 24000,
					   32000, 44100, 48000,	 96000};
	static const unsigned depths[8] = {0, 8, 12, 0, 16, 20, 24, 32};
	unsigned block = data[2] >> 4, rate = data[2] & 15;
	unsigned channels = data[3] >> 4, depth = data[3] >> 1 & 7;

	if (data[0] != 0xff || (data[1] & 0xfe) != 0xf8 || block == 0 ||
	    rate == 15 || channels > 10 || depth == 3 || data[3] & 1)
		return -EINVAL;
	header->variable = data[1] & 1;
	header->channels = channels < 8 ? channels + 1 : 2;
	header->bits = depths[depth];
	header->rate = rate < 12 ? rates[rate] : 0;
	*rate_bytes = rate < 12 ? 0 : rate == 12 ? 1 : 2;
	*block_bytes = block == 6 ? 1 : block == 7 ? 2 : 0;
	if (block == 1)
		header->block = 192;
	else if (block < 6)
		header->block = 144U << block;
	else
		header->block = 1U << block;
	return 0;
}

int flac_read_frame_header(const uint8_t *data, size_t size,
			   struct flac_frame_header *header)
{
	unsigned block_bytes, rate_bytes, rate;
	const uint8_t *p;
	int number_bytes;

	memset(header, 0, sizeof(*header));
	if (size < 4)
		return -EAGAIN;
	if (read_codes(data, header, &block_bytes, &rate_bytes))
		return -EINVAL;
	number_bytes = read_number(data + 4, size - 4, &header->number);
	if (number_bytes < 0)
		return number_bytes;
	if (!header->variable && header->number > MOST_FRAMES)
		return -EINVAL;
	header->size =
		4 + (unsigned)number_bytes + block_bytes + rate_bytes + 1;
	if (size < header->size)
		return -EAGAIN;
	p = data + 4 + number_bytes;
	if (block_bytes)
		header->block = (unsigned)get(p, block_bytes) + 1;
	rate = (unsigned)get(p + block_bytes, rate_bytes);
	if (rate_bytes == 1)
		header->rate = rate * 1000;
	else if (rate_bytes == 2)
		header->rate = (data[2] & 15) == 13 ? rate : rate * 10;
	if (header->block > 65535 || (rate_bytes && header->rate == 0) ||
	    flac_crc8(data, header->size))
		return -EINVAL;
	return 0;
}

uint64_t flac_first_sample(const struct flac_frame_header *header,
			   const struct flac_streaminfo *info)
{
	if (header->variable || info->min_block < info->max_block)
		return header->number;
	return header->number * info->max_block;
}

int flac_renumber_frame(const uint8_t *data, size_t size, uint64_t offset,
			uint8_t *out)
{
	struct flac_frame_header header;
	const uint8_t *rest;
	uint8_t old[8], *p;
	size_t tail;

	if (size > INT_MAX - 6 || flac_read_frame_header(data, size, &header) ||
	    header.variable || size < header.size + 3 ||
	    flac_crc16(0, data, size) || offset > MOST_FRAMES - header.number)
		return -EINVAL;
	rest = data + 4 + (put_number(old, header.number) - old);
	tail = (size_t)(data + header.size - 1 - rest);
	p = put_bytes(out, data, 4);
	p = put_number(p, header.number + offset);
	p = put_bytes(p, rest, tail);
	*p = flac_crc8(out, (size_t)(p - out));
	p = put_bytes(p + 1, data + header.size, size - header.size - 2);
	p = put(p, flac_crc16(0, out, (size_t)(p - out)), 2);
	return (int)(p - out);
}

void flac_seek_init(struct flac_seek_list *list, uint64_t spacing)
{
	memset(list, 0xff, sizeof(*list));
	list->count = 0;
	list->spacing = spacing ? spacing : 1;
}

/* Doubles the spacing and keeps the first point of each wider step. */
static void thin(struct flac_seek_list *list)
{
	unsigned i, kept = 0;

	list->spacing *= 2;
	for (i = 0; i < list->count; i++)
		if (kept == 0 ||
		    list->point[i].sample / list->spacing !=
			    list->point[kept - 1].sample / list->spacing)
			list->point[kept++] = list->point[i];
	list->count = kept;
}

/* Whether point begins a step of its own, behind all the others. */
static bool is_next(const struct flac_seek_list *list,
		    const struct flac_seekpoint *point)
{
	return list->count == 0 ||
	       point->sample / list->spacing >
		       list->point[list->count - 1].sample / list->spacing;
}

void flac_seek_offer(struct flac_seek_list *list,
		     const struct flac_seekpoint *point)
{
	while (is_next(list, point)) {
		if (list->count < FLAC_SEEK_POINTS) {
			list->point[list->count++] = *point;
			return;
		}
		thin(list);
	}
}
