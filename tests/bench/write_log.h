/*
 * write_log: every write and flush that a disk was asked for, in order, as
 * QEMU's block driver blklogwrites or the kernel's dm-log-writes keeps them
 * (the format is that of
 * Documentation/admin-guide/device-mapper/log-writes.rst).
 */
#ifndef BENCH_WRITE_LOG_H
#define BENCH_WRITE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum write_kind { WRITE_NOTHING, WRITE_DATA, WRITE_FLUSH, WRITE_DISCARD };

struct write_entry {
	enum write_kind kind;
	bool fua;
	uint64_t at, size; /* on the disk, bytes */
	off_t data;	   /* in the log */
};

struct write_log {
	int fd;
	struct write_entry *entry;
	size_t count;
};

/* Exits with a message if it is none. */
void write_log_open(struct write_log *log, const char *path);

/* The entry's data, to be freed. */
void *write_log_read(const struct write_log *log, size_t index);

/* Writes it to the disk; keep is asked for each 4 KiB of it (NULL: all). */
typedef bool (*write_keep_fn)(void *context);
void write_log_apply(const struct write_log *log, size_t index, int disk,
		     write_keep_fn keep, void *context);

#endif
