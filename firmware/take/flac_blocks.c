/*
 * The chain of metadata blocks is nothing but lengths: a flipped bit in one of
 * them leads anywhere. Takebox's own heads are known to end at FLAC_HEAD_BYTES
 * unless another program has edited them, so where the chain of such a head
 * leads elsewhere there must be a frame; if there is none, the first sector
 * alone says what is needed.
 */
#include "take/flac_blocks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "take/flac_check.h"

#define ID3_HEADER	10
#define TYPE_STREAMINFO 0
#define TYPE_TAGS	4
#define TYPE_INVALID	127

int flac_open(const char *path)
{
	/* O_NONBLOCK: a fifo without a writer must not hold us up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	int error;

	if (fd < 0)
		return -errno;
	error = fstat(fd, &st) ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (!error)
		return fd;
	close(fd);
	return error;
}

int64_t flac_read_at(int fd, uint64_t at, void *data, size_t size)
{
	size_t done = 0;
	ssize_t n;

	while (done < size) {
		n = pread(fd, (uint8_t *)data + done, size - done,
			  (off_t)(at + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && done == 0)
			return -errno;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return (int64_t)done;
}

/* All of size bytes, or -EINVAL. */
static int read_whole(int fd, uint64_t at, void *data, size_t size)
{
	int64_t n = flac_read_at(fd, at, data, size);

	if (n < 0)
		return (int)n;
	return (size_t)n == size ? 0 : -EINVAL;
}

static uint32_t be24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

/* Some programs put an ID3v2 tag before everything; its size is four times
 * seven bits. */
static int skip_id3(int fd, uint64_t *at)
{
	uint8_t data[ID3_HEADER];
	int error = read_whole(fd, 0, data, sizeof(data));

	*at = 0;
	if (error == 0 && memcmp(data, "ID3", 3) == 0)
		*at = ID3_HEADER + ((data[6] & 0x7fU) << 21 |
				    (data[7] & 0x7fU) << 14 |
				    (data[8] & 0x7fU) << 7 | (data[9] & 0x7fU));
	return error;
}

/* Follows the chain from the block at byte at; *end is where it leads. */
static int walk(int fd, uint64_t at, struct flac_blocks *blocks, uint64_t *end)
{
	uint8_t header[4];
	bool first = true;
	unsigned type;
	int error;

	do {
		error = read_whole(fd, at, header, sizeof(header));
		if (error)
			return error;
		type = header[0] & 0x7f;
		if (type == TYPE_INVALID || (type == TYPE_STREAMINFO) != first)
			return -EINVAL;
		first = false;
		at += sizeof(header);
		if (type == TYPE_TAGS && !blocks->tags) {
			blocks->tags = at;
			blocks->tags_size = be24(header + 1);
		}
		at += be24(header + 1);
	} while (!(header[0] & 0x80));
	*end = at;
	return 0;
}

/* 0 if a frame's header stands there, or the file ends just there; -EINVAL if
 * not. */
static int expect_frame(int fd, uint64_t at)
{
	struct flac_frame_header header;
	uint8_t data[16] = {0};
	int64_t n = flac_read_at(fd, at, data, sizeof(data));

	if (n == 0)
		return read_whole(fd, at - 1, data, 1);
	if (n < 0)
		return (int)n;
	return flac_read_frame_header(data, sizeof(data), &header);
}

/* Where the frames begin; a broken chain is no error. */
static int find_frames(int fd, uint64_t chain, struct flac_blocks *blocks)
{
	uint64_t end = 0;
	int error = walk(fd, chain, blocks, &end);

	blocks->first_frame = end;
	if (blocks->takebox && end == FLAC_HEAD_BYTES)
		return 0;
	if (!error)
		error = expect_frame(fd, end);
	if (error && error != -EINVAL)
		return error;
	blocks->damaged = error != 0;
	if (error && blocks->takebox)
		blocks->first_frame = FLAC_HEAD_BYTES;
	return 0;
}

/* They are where they are in every head of ours, if they are whole. */
static int find_covered_tags(int fd, struct flac_blocks *blocks)
{
	uint8_t header[4];
	int error = read_whole(fd, FLAC_TAGS_AT, header, sizeof(header));
	unsigned room = FLAC_HEAD_BYTES - FLAC_TAGS_AT - sizeof(header);

	if (error < 0)
		return error == -EINVAL ? 0 : error;
	if (header[0] == TYPE_TAGS && be24(header + 1) <= room) {
		blocks->tags = FLAC_TAGS_AT + sizeof(header);
		blocks->tags_size = be24(header + 1);
	}
	return 0;
}

int flac_read_blocks(int fd, struct flac_blocks *blocks)
{
	uint8_t sector[FLAC_SECTOR_BYTES] = {0},
		begin[8 + FLAC_STREAMINFO_BYTES];
	int64_t n = flac_read_at(fd, 0, sector, sizeof(sector));
	uint64_t at;
	int error;

	memset(blocks, 0, sizeof(*blocks));
	if (n < 0)
		return (int)n;
	blocks->takebox = flac_read_sector(sector, &blocks->head) == 0;
	error = skip_id3(fd, &at);
	if (!error)
		error = read_whole(fd, at, begin, sizeof(begin));
	if (error)
		return error;
	if (memcmp(begin, "fLaC", 4) || (begin[4] & 0x7f) != TYPE_STREAMINFO ||
	    be24(begin + 5) != FLAC_STREAMINFO_BYTES ||
	    flac_read_streaminfo(begin + 8, &blocks->head.info))
		return -EINVAL;
	error = find_frames(fd, at + 4, blocks);
	if (!error && blocks->takebox && blocks->head.covered)
		error = find_covered_tags(fd, blocks);
	return error;
}

/* Cuts the next string, its length before it, off the front of data. */
static int next_string(const uint8_t **data, size_t *left,
		       const uint8_t **string, size_t *size)
{
	const uint8_t *p = *data;

	if (*left < 4)
		return -EINVAL;
	*size = p[0] | p[1] << 8 | p[2] << 16 | (size_t)p[3] << 24;
	if (*size > *left - 4)
		return -EINVAL;
	*string = p + 4;
	*data = p + 4 + *size;
	*left -= 4 + *size;
	return 0;
}

typedef void tag_function(void *user, const char *name, const char *value);

/* text has room for the longest tag there can be, and its terminator. */
static int parse_tags(const uint8_t *data, size_t left, char *text,
		      tag_function *tag, void *user)
{
	const uint8_t *string;
	char *equals;
	size_t size;

	if (next_string(&data, &left, &string, &size) || left < 4)
		return -EINVAL; /* the vendor, then how many tags */
	data += 4;
	left -= 4;
	while (left) {
		if (next_string(&data, &left, &string, &size))
			return -EINVAL;
		memcpy(text, string, size);
		text[size] = 0;
		equals = memchr(text, '=', size);
		if (!equals)
			return -EINVAL;
		*equals = 0;
		tag(user, text, equals + 1);
	}
	return 0;
}

static int read_tags(int fd, tag_function *tag, void *user)
{
	struct flac_blocks blocks;
	uint8_t *data;
	char *text;
	int error = flac_read_blocks(fd, &blocks);

	if (error || !blocks.tags)
		return error;
	data = malloc(blocks.tags_size + 1);
	text = malloc(blocks.tags_size + 1);
	error = data && text ? 0 : -ENOMEM;
	if (!error)
		error = read_whole(fd, blocks.tags, data, blocks.tags_size);
	if (!error)
		error = parse_tags(data, blocks.tags_size, text, tag, user);
	free(data);
	free(text);
	return error;
}

int flac_read_tags(const char *path, tag_function *tag, void *user)
{
	int fd = flac_open(path), error;

	if (fd < 0)
		return fd;
	error = read_tags(fd, tag, user);
	close(fd);
	return error;
}
