/* Reading a log of writes, and doing them again. */
#include "tests/bench/write_log.h"

#include <endian.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC	     0x6a736677736872ULL
#define SECTOR	     512
#define GRAIN	     4096
#define FLAG_FLUSH   1
#define FLAG_FUA     2
#define FLAG_DISCARD 4

static void read_at(int fd, void *data, size_t size, off_t at)
{
	char *next = data;

	while (size > 0) {
		ssize_t got = pread(fd, next, size, at);

		if (got <= 0)
			err(2, "the log ends too early");
		next += got;
		at += got;
		size -= (size_t)got;
	}
}

static enum write_kind kind_of(uint64_t flags, uint64_t size)
{
	if (flags & FLAG_DISCARD)
		return WRITE_DISCARD;
	if (size > 0)
		return WRITE_DATA;
	return flags & FLAG_FLUSH ? WRITE_FLUSH : WRITE_NOTHING;
}

static struct write_entry entry_of(const uint64_t raw[4], off_t data)
{
	uint64_t flags = le64toh(raw[2]);
	uint64_t size = le64toh(raw[1]) * SECTOR;

	return (struct write_entry){
		.kind = kind_of(flags, size),
		.fua = (flags & FLAG_FUA) != 0,
		.at = le64toh(raw[0]) * SECTOR,
		.size = size,
		.data = data,
	};
}

static void check_head(int fd, const char *path)
{
	uint64_t super[4];

	read_at(fd, super, sizeof(super), 0);
	if (le64toh(super[0]) != MAGIC)
		errx(2, "%s: no log of writes", path);
	if ((le64toh(super[3]) & 0xffffffff) != SECTOR)
		errx(2, "%s: a log of other sectors", path);
}

static void append(struct write_log *log, struct write_entry entry)
{
	/* Twice the room at 1, 2, 4, ... */
	if ((log->count & (log->count - 1)) == 0)
		log->entry = realloc(log->entry, (2 * log->count + 1) *
							 sizeof(*log->entry));
	if (!log->entry)
		err(2, "a log of writes");
	log->entry[log->count++] = entry;
}

/* How many there are its head does not know of a machine that died. */
void write_log_open(struct write_log *log, const char *path)
{
	off_t at = SECTOR;
	uint64_t raw[4];

	log->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (log->fd < 0)
		err(2, "%s", path);
	check_head(log->fd, path);
	log->entry = NULL;
	log->count = 0;
	while (pread(log->fd, raw, sizeof(raw), at) == sizeof(raw) &&
	       (raw[1] != 0 || raw[2] != 0)) {
		at += SECTOR;
		append(log, entry_of(raw, at));
		if (log->entry[log->count - 1].kind == WRITE_DATA)
			at += (off_t)log->entry[log->count - 1].size;
	}
}

void *write_log_read(const struct write_log *log, size_t index)
{
	const struct write_entry *entry = &log->entry[index];
	void *data;

	/* The disk may be open with O_DIRECT. */
	if (posix_memalign(&data, GRAIN, entry->size + GRAIN))
		err(2, "a write of %llu bytes",
		    (unsigned long long)entry->size);
	read_at(log->fd, data, entry->size, entry->data);
	return data;
}

static void write_at(int disk, const void *data, size_t size, uint64_t at)
{
	ssize_t done = pwrite(disk, data, size, (off_t)at);

	if (done != (ssize_t)size)
		err(2, "the disk does not take %zu bytes at %llu", size,
		    (unsigned long long)at);
}

/* What a discard leaves is whatever it was: the worst there can be. */
void write_log_apply(const struct write_log *log, size_t index, int disk,
		     write_keep_fn keep, void *context)
{
	const struct write_entry *entry = &log->entry[index];
	void *data;

	if (entry->kind != WRITE_DATA)
		return;
	data = write_log_read(log, index);
	if (!keep || entry->fua) {
		write_at(disk, data, entry->size, entry->at);
		free(data);
		return;
	}
	for (uint64_t at = 0; at < entry->size;) {
		uint64_t part = GRAIN - (entry->at + at) % GRAIN;

		if (part > entry->size - at)
			part = entry->size - at;
		if (keep(context))
			write_at(disk, (char *)data + at, part, entry->at + at);
		at += part;
	}
	free(data);
}
