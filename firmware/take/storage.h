/*
 * storage: the few things a take does to a medium, behind a seam.
 *
 * storage_posix is the real one. Tests put another behind the take that fails,
 * shortens or forgets the Nth call. Every function returns 0 (or what it says)
 * or a negative errno; none retries a failed sync, because the kernel marks
 * pages clean after one (RELIABILITY.md).
 *
 * A table is chosen at run time and is const. Thread: the writer's.
 */
#ifndef TAKEBOX_STORAGE_H
#define TAKEBOX_STORAGE_H

#include <stddef.h>
#include <stdint.h>

struct storage {
	/* A new folder below dir, opened; -EEXIST if there is one. */
	int (*make_dir)(int dir, const char *name);

	/* A file below dir for reading and writing; create: it must be new. */
	int (*open)(int dir, const char *name, int create);

	/* All of it, or an error. */
	int (*write)(int file, const void *data, size_t size, uint64_t offset);

	int (*truncate)(int file, uint64_t size);

	/* Starts writing back, without waiting: a hint, never a promise. */
	void (*start_sync)(int file);

	/* Returns when data and size are on the medium. */
	int (*sync)(int file);

	/* The same for the names in a folder. */
	int (*sync_dir)(int dir);

	/* What is read of the first size bytes (0: of all) is the medium's from
	 * now on, but for what is still to be written there. After a sync that
	 * failed the kernel takes what it could not write for written, and
	 * would give it to whoever comes next. */
	void (*forget)(int file, uint64_t size);

	/* A file, or a folder with nothing in it. */
	int (*remove)(int dir, const char *name);

	/* How many bytes the file system that dir is on has left for us. */
	int (*space)(int dir, uint64_t *free_bytes);
};

extern const struct storage storage_posix;

/* Gives a file or folder another name, in the place of what may have that one,
 * and syncs it: on FAT32 the new name knows where it begins only behind that.
 * To be durable both folders must be synced afterwards. Not for what is not
 * finished yet: it is no one step there. */
int storage_rename(int from_dir, const char *from, int to_dir,
		   const char *name);

/* What kind of file system a folder is on and what fits there. */
struct storage_space {
	char filesystem[16]; /* "ext4", "exfat", "vfat", ... */
	uint64_t free_bytes;
	uint64_t max_file_bytes; /* 0: no limit that matters */
};

int storage_measure(int dir, struct storage_space *space);

#endif
