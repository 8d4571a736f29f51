/*
 * Marks all over what is free. A mark holds the number of its place and a
 * secret of this trial; it is a block of 4 KiB. All are written and synced
 * before the first is read again, past every cache if the kernel lets us: a
 * fake card that uses its little memory over and over has then put later marks
 * over earlier ones.
 */
#include "take/qualify_capacity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define MARK_BYTES  4096u
#define MARKS	    1024u
#define PIECE_BYTES (1u << 20)	/* of a medium that is written all over */
#define SYNC_BYTES  (16u << 20) /* so that it can end soon */
#define KEEP_BYTES  (64u << 20) /* that a take can begin with: 64 tracks' */

struct marks {
	uint64_t size; /* of the file */
	uint64_t step; /* from mark to mark */
	uint64_t secret;
	uint8_t *block;
};

static void make_mark(const struct marks *marks, uint64_t at)
{
	uint64_t *words = (uint64_t *)marks->block;
	uint64_t state = at ^ marks->secret;

	for (size_t i = 0; i < MARK_BYTES / sizeof(*words); i++) {
		state = (state ^ state >> 29) * 0xbf58476d1ce4e5b9u + i;
		words[i] = state;
	}
	words[0] = at;
}

/* Is it to go on? */
static int tell(const struct marks *marks, const struct qualify_plan *plan,
		const char *what, uint64_t at)
{
	if (at / marks->step % 64 != 0 ||
	    plan->progress(plan->context, what,
			   (double)at / (double)marks->size))
		return 0;
	return -ECANCELED;
}

static int write_marks(const struct marks *marks, int file,
		       const struct qualify_plan *plan)
{
	uint64_t written = 0;
	int error = 0;

	for (uint64_t at = 0; at + MARK_BYTES <= marks->size && error == 0;
	     at += marks->step) {
		make_mark(marks, at);
		error = plan->storage->write(file, marks->block, MARK_BYTES,
					     at);
		written += MARK_BYTES;
		if (error == 0 && written % SYNC_BYTES == 0)
			error = plan->storage->sync(file);
		if (error == 0)
			error = tell(marks, plan, "marking", at);
	}
	return error < 0 ? error : plan->storage->sync(file);
}

static bool has_mark(const struct marks *marks, int file, uint64_t at,
		     uint8_t *found)
{
	if (pread(file, found, MARK_BYTES, (off_t)at) != MARK_BYTES)
		return false;
	make_mark(marks, at);
	return memcmp(found, marks->block, MARK_BYTES) == 0;
}

static int read_marks(struct qualify *result, const struct marks *marks,
		      int file, uint8_t *found, const struct qualify_plan *plan)
{
	uint64_t good = 0, all = 0;
	int error = 0;

	for (uint64_t at = 0; at + MARK_BYTES <= marks->size && error == 0;
	     at += marks->step) {
		good += has_mark(marks, file, at, found);
		all++;
		error = tell(marks, plan, "reading the marks", at);
	}
	result->capacity = good == all ? QUALIFY_REAL : QUALIFY_FAKE;
	/* What lies between marks that came back. */
	result->real_bytes = good > 0 ? marks->size / all * (good - 1) : 0;
	return error;
}

/* Room for all of the file without writing it, where there is such a thing. */
static int take_room(int file, uint64_t size, const char *filesystem)
{
	static const char *const without[] = {"vfat", "exfat", "tmpfs"};

	for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++)
		if (strcmp(filesystem, without[i]) == 0)
			return -EOPNOTSUPP;
	return fallocate(file, 0, 0, (off_t)size) < 0 ? -errno : 0;
}

static int try_marks(struct qualify *result, int dir, int file,
		     struct marks *marks, const struct qualify_plan *plan)
{
	uint8_t *found = aligned_alloc(MARK_BYTES, MARK_BYTES);
	int error = found ? write_marks(marks, file, plan) : -ENOMEM;
	int again;

	if (error == 0) {
		posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
		again = openat(dir, QUALIFY_MARKED,
			       O_RDONLY | O_DIRECT | O_CLOEXEC);
		error = read_marks(result, marks, again < 0 ? file : again,
				   found, plan);
		if (again >= 0)
			close(again);
	}
	free(found);
	return error;
}

uint64_t qualify_room(const struct qualify *result)
{
	return result->free_bytes > 2 * KEEP_BYTES
		       ? result->free_bytes - KEEP_BYTES
		       : result->free_bytes / 2;
}

/* FAT's files end at 4 GiB: of a larger medium so much is tried. */
static uint64_t marked_size(const struct qualify *result)
{
	uint64_t size = qualify_room(result);

	if (strcmp(result->filesystem, "vfat") == 0 && size > 0xfff00000u)
		size = 0xfff00000u;
	return size / PIECE_BYTES * PIECE_BYTES;
}

static int mark(struct qualify *result, int dir, int file, struct marks *marks,
		const struct qualify_plan *plan)
{
	int error = take_room(file, marks->size, result->filesystem);

	if (error == -EOPNOTSUPP && !plan->all)
		return 0;
	marks->step = error == -EOPNOTSUPP
			      ? MARK_BYTES
			      : marks->size / MARKS / MARK_BYTES * MARK_BYTES;
	if (marks->step < MARK_BYTES)
		marks->step = MARK_BYTES;
	if (error == -EOPNOTSUPP)
		error = 0;
	return error < 0 ? error : try_marks(result, dir, file, marks, plan);
}

int qualify_try_capacity(struct qualify *result, int dir,
			 const struct qualify_plan *plan)
{
	struct marks marks = {
		.size = marked_size(result),
		.secret = (uint64_t)clock_read_ns(CLOCK_REALTIME),
		.block = aligned_alloc(MARK_BYTES, MARK_BYTES),
	};
	int file, error;

	result->capacity = QUALIFY_UNTESTED;
	if (!marks.block || marks.size == 0) {
		free(marks.block);
		return marks.size ? -ENOMEM : 0;
	}
	file = plan->storage->open(dir, QUALIFY_MARKED, 1);
	error = file < 0 ? file : mark(result, dir, file, &marks, plan);
	if (file >= 0)
		close(file);
	plan->storage->remove(dir, QUALIFY_MARKED);
	free(marks.block);
	return error;
}
