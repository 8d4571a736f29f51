/*
 * qualify_case: a folder on a card that is slow, refuses, or says that it has
 * more than it has, and a trial of it.
 */
#ifndef TESTS_QUALIFY_CASE_H
#define TESTS_QUALIFY_CASE_H

/* After cmocka.h and what it needs. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "take/qualify.h"

#define MIB	  (1u << 20)
#define FDS_MAX	  128
#define FILES_MAX 32
#define CACHE_MAX 2048

/* A fake: what is written behind its end lies over all that it has at that
 * place, before and behind, as it comes back. */
static struct {
	uint64_t room, real; /* that it says, and that it has; 0: as much */
	uint64_t full;	     /* where no more marks go in; 0: never */
	bool forgets;	/* what is behind its end, and says that it is there */
	unsigned cache; /* marks, the last ones, that it has yet */
	uint64_t kept[CACHE_MAX]; /* their places; a ring */
	unsigned marks;		  /* that it got */
	uint64_t end;		  /* of what it got */
	uint64_t file_bytes;	  /* where a file ends; 0: never */
	unsigned too_long;	  /* refused for that */
	unsigned files;		  /* of marks */
	int number[FDS_MAX];	  /* of the file behind an fd; -1: of none */
	int held[FILES_MAX];	  /* an fd of each of them */
	unsigned slow_sync, fail_write, writes;
	_Atomic unsigned syncs; /* several at a time */
} card;

static char folder[64];

static inline int card_open(int dir, const char *name, int create)
{
	int file = storage_posix.open(dir, name, create);
	int number = -1;

	if (file < 0)
		return file;
	assert_in_range(file, 0, FDS_MAX - 1);
	if (sscanf(name, "marks-%d", &number) == 1) {
		assert_in_range(number, 0, FILES_MAX - 1);
		if (card.held[number] > 0)
			close(card.held[number]);
		card.held[number] = dup(file);
		if ((unsigned)number >= card.files)
			card.files = (unsigned)number + 1;
	}
	card.number[file] = number;
	return file;
}

/* At a place counted through all files. */
static inline int write_at(const void *data, size_t size, uint64_t place)
{
	uint64_t each = card.file_bytes ? card.file_bytes : UINT64_MAX;

	return storage_posix.write(card.held[place / each], data, size,
				   place % each);
}

/* Like all that it gets; what goes for it is lost if it is behind the end. */
static inline void keep(uint64_t place, size_t size)
{
	static const char nothing[4096];
	uint64_t *kept = &card.kept[card.marks % card.cache];

	assert_int_equal(size, sizeof(nothing));
	if (card.marks++ >= card.cache && *kept >= card.real)
		assert_int_equal(write_at(nothing, size, *kept), 0);
	*kept = place;
}

static inline int write_mark(int file, const void *data, size_t size,
			     uint64_t offset)
{
	uint64_t before = card.file_bytes * (unsigned)card.number[file];
	uint64_t place = before + offset;
	int error = 0;

	if (card.full && place >= card.full)
		return -ENOSPC;
	if (card.end < place + size)
		card.end = place + size;
	if (card.cache)
		keep(place, size);
	else if (card.forgets && place >= card.real)
		return 0;
	if (!card.real || card.forgets)
		return storage_posix.write(file, data, size, offset);
	for (uint64_t p = place % card.real; p < card.end; p += card.real)
		error = error ? error : write_at(data, size, p);
	return error;
}

static inline int card_write(int file, const void *data, size_t size,
			     uint64_t offset)
{
	if (++card.writes == card.fail_write)
		return -EIO;
	if (card.file_bytes && offset + size > card.file_bytes) {
		card.too_long++;
		return -EFBIG;
	}
	return card.number[file] < 0
		       ? storage_posix.write(file, data, size, offset)
		       : write_mark(file, data, size, offset);
}

static inline int card_sync(int file)
{
	if (++card.syncs == card.slow_sync)
		usleep(300000);
	return storage_posix.sync(file);
}

static inline int card_space(int dir, uint64_t *bytes)
{
	(void)dir;
	*bytes = card.room;
	return 0;
}

static struct storage storage;

static inline int set_up_in(const char *where)
{
	storage = storage_posix;
	storage.open = card_open;
	storage.write = card_write;
	storage.sync = card_sync;
	storage.space = card_space;
	memset(&card, 0, sizeof(card));
	card.room = 96 * MIB;
	snprintf(folder, sizeof(folder), "%s/qualify-XXXXXX", where);
	return mkdtemp(folder) ? 0 : -1;
}

static inline int set_up(void **unused)
{
	(void)unused;
	return set_up_in("/tmp");
}

static inline int tear_down(void **unused)
{
	char command[128];

	(void)unused;
	for (unsigned i = 0; i < FILES_MAX; i++)
		if (card.held[i] > 0)
			close(card.held[i]);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static inline int try_files(struct qualify *result, uint64_t max_file_bytes)
{
	struct qualify_plan plan = {
		.storage = &storage,
		.files = 4,
		.seconds = 0.5,
		.all = true,
		.max_file_bytes = max_file_bytes,
	};

	return qualify_medium(result, folder, &plan);
}

static inline int try_it(struct qualify *result)
{
	return try_files(result, 0);
}

/* Names below path, sorted, in one string. */
static inline void list(const char *path, char *out, size_t size)
{
	struct dirent **entry;
	int count = scandir(path, &entry, NULL, alphasort);

	out[0] = '\0';
	for (int i = 0; i < count; i++) {
		strncat(out, entry[i]->d_name, size - strlen(out) - 2);
		strcat(out, " ");
		free(entry[i]);
	}
	free(entry);
}

/* In Takebox, or in a folder there. */
static inline void assert_names(const char *below, const char *names)
{
	char path[128], found[256];

	snprintf(path, sizeof(path), "%s/Takebox/%s", folder, below);
	list(path, found, sizeof(found));
	assert_string_equal(found, names);
}

#endif
