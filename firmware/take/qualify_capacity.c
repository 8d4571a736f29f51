/*
 * Marks all over what is free. A mark holds the number of its place and a
 * secret of this trial; it is a block of 4 KiB. Places are counted through all
 * files of marks: each is as long as the file system lets it be, FAT32 4 GiB.
 * All marks of all files are written and synced before the first is read again,
 * past every cache if the kernel lets us: a fake card that uses its little
 * memory over and over has then put later marks over earlier ones.
 *
 * Where room is had without writing to it, marks lie far apart, and those that
 * a fake card puts over each other would miss each other. So the first stretch,
 * as long as it is from mark to mark, is marked all over: wherever the card
 * begins again, the first mark behind that place lies over one of these.
 *
 * The marks behind it are 4 MiB in all, and a card's own cache could have them
 * yet. So the stretch is of 64 MiB at least, and so much of it is written again
 * when all else is: a card that begins again has it over the later marks then.
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
#define TELL_MARKS  64u
#define PIECE_BYTES (1u << 20)	/* of a medium that is written all over */
#define SYNC_BYTES  (16u << 20) /* so that it can end soon */
#define CACHE_BYTES (64u << 20) /* that a card may have */
#define CACHE_SHARE 16		/* of a small one no more than this part */

/* That the largest take can begin with: as transport_needed_bytes has it, 161
 * MiB for 64 tracks of 24 bit at 192 kHz. The rest is the file system's, for
 * where the files of marks are. */
#define KEEP_BYTES (176u << 20)

struct marks {
	const struct qualify_plan *plan;
	int dir;	/* of their files */
	uint64_t size;	/* of all files */
	uint64_t limit; /* of a file */
	uint64_t step;	/* from mark to mark, behind */
	uint64_t dense; /* where they are one behind the other */
	uint64_t next;	/* place to be marked */
	uint64_t secret;
	uint64_t seen;		/* marks, written and read */
	bool all_over;		/* one behind the other, into no room */
	bool full;		/* no more went in */
	uint8_t *block, *found; /* a mark as it is to be, and as it is */
};

/* Each file has a mark at least. */
static uint64_t wide_step(const struct marks *marks)
{
	uint64_t step = marks->size / MARKS / MARK_BYTES * MARK_BYTES;

	if (step > marks->limit)
		step = marks->limit;
	return step > MARK_BYTES ? step : MARK_BYTES;
}

/* The first stretch. */
static uint64_t dense_bytes(const struct marks *marks)
{
	uint64_t bytes = marks->size / CACHE_SHARE / MARK_BYTES * MARK_BYTES;

	if (bytes > CACHE_BYTES)
		bytes = CACHE_BYTES;
	return bytes > marks->step ? bytes : marks->step;
}

/* The place behind this one. */
static uint64_t after(const struct marks *marks, uint64_t at)
{
	return at + (at < marks->dense ? MARK_BYTES : marks->step);
}

static void file_name(char name[32], uint64_t number)
{
	snprintf(name, 32, QUALIFY_MARKS "-%03u", (unsigned)number);
}

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
static int tell(struct marks *marks, const char *what, uint64_t at)
{
	const struct qualify_plan *plan = marks->plan;

	if (marks->seen++ % TELL_MARKS != 0 ||
	    plan->progress(plan->context, what,
			   (double)at / (double)marks->size))
		return 0;
	return -ECANCELED;
}

/* ---- writing them ---- */

/* Room for all of the file without writing it, where there is such a thing. */
static int take_room(int file, uint64_t size, const char *filesystem)
{
	static const char *const without[] = {"vfat", "exfat", "ntfs3",
					      "tmpfs"};

	for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++)
		if (strcmp(filesystem, without[i]) == 0)
			return -EOPNOTSUPP;
	return fallocate(file, 0, 0, (off_t)size) < 0 ? -errno : 0;
}

/* How long the file that the next place is in is to be. */
static uint64_t file_length(const struct marks *marks)
{
	uint64_t left = marks->size - marks->next / marks->limit * marks->limit;

	return left < marks->limit ? left : marks->limit;
}

/* The first file shows how long each may be. */
static int take_room_at_most(struct marks *marks, int file,
			     const char *filesystem)
{
	int error = take_room(file, file_length(marks), filesystem);

	while (error == -EFBIG && marks->next == 0 &&
	       file_length(marks) >= 2 * PIECE_BYTES) {
		marks->limit =
			file_length(marks) / 2 / PIECE_BYTES * PIECE_BYTES;
		marks->step = wide_step(marks);
		marks->dense = dense_bytes(marks);
		error = take_room(file, marks->limit, filesystem);
	}
	return error;
}

/* The file that the next place is in. */
static int begin_file(struct marks *marks, const char *filesystem)
{
	char name[32];
	int file, error;

	file_name(name, marks->next / marks->limit);
	file = marks->plan->storage->open(marks->dir, name, 1);
	if (file < 0 || marks->all_over)
		return file;
	error = take_room_at_most(marks, file, filesystem);
	if (error == 0)
		return file;
	close(file);
	return error;
}

/* Where the first file takes no more, each of them ends. */
static int write_mark(struct marks *marks, int file)
{
	uint64_t at = marks->next;
	int error;

	make_mark(marks, at);
	error = marks->plan->storage->write(file, marks->block, MARK_BYTES,
					    at % marks->limit);
	if (error == 0)
		marks->next = after(marks, at);
	else if (error == -EFBIG && at > 0 && at < marks->limit)
		marks->limit = at;
	else if ((error == -EFBIG || error == -ENOSPC) && at > 0)
		marks->full = true;
	else
		return error;
	return 0;
}

static bool is_in_file(const struct marks *marks, uint64_t at, uint64_t number)
{
	return at < marks->size && at / marks->limit == number;
}

/* To the file's end, or to this one if it is nearer. */
static int fill_file(struct marks *marks, int file, uint64_t end,
		     const char *what)
{
	const struct storage *storage = marks->plan->storage;
	uint64_t number = marks->next / marks->limit, written = 0;
	int error = 0;

	while (error == 0 && !marks->full && marks->next < end &&
	       is_in_file(marks, marks->next, number)) {
		uint64_t at = marks->next;

		error = write_mark(marks, file);
		written += MARK_BYTES;
		if (error == 0 && written % SYNC_BYTES == 0)
			error = storage->sync(file);
		if (error == 0)
			error = tell(marks, what, at);
	}
	return error < 0 ? error : storage->sync(file);
}

static int write_marks(struct marks *marks, const char *filesystem)
{
	int error = 0;

	while (error == 0 && !marks->full && marks->next < marks->size) {
		int file = begin_file(marks, filesystem);

		if (file >= 0) {
			error = fill_file(marks, file, marks->size, "marking");
			close(file);
		} else if (file == -ENOSPC && marks->next > 0) {
			marks->full = true;
		} else {
			error = file;
		}
	}
	if (marks->full)
		marks->size = marks->next;
	return error;
}

/* The same into the same places. Where others have filled the medium since,
 * what could be written again is enough. */
static int write_again(const struct marks *marks)
{
	struct marks again = *marks;
	uint64_t end = marks->dense < CACHE_BYTES ? marks->dense : CACHE_BYTES;
	char name[32];
	int file, error;

	again.next = 0;
	again.full = false;
	file_name(name, 0);
	file = marks->plan->storage->open(marks->dir, name, 0);
	if (file < 0)
		return file;
	error = fill_file(&again, file, end, "marking again");
	close(file);
	return error;
}

/* ---- reading them again ---- */

static int open_again(const struct marks *marks, uint64_t number)
{
	char name[32];
	int file;

	file_name(name, number);
	file = openat(marks->dir, name, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (file < 0)
		file = openat(marks->dir, name, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
	return file;
}

/* What came back. */
struct harvest {
	uint64_t good; /* bytes, each mark with what is behind it */
	bool lost;     /* a mark is not there */
	uint64_t turn; /* between two that lie over each other, at least */
};

static bool has_mark(const struct marks *marks, uint64_t at)
{
	make_mark(marks, at);
	return memcmp(marks->found, marks->block, MARK_BYTES) == 0;
}

static void read_mark(struct harvest *harvest, const struct marks *marks,
		      int file, uint64_t at)
{
	uint64_t other, turn;

	memset(marks->found, 0, MARK_BYTES);
	if (pread(file, marks->found, MARK_BYTES, (off_t)(at % marks->limit)) ==
		    MARK_BYTES &&
	    has_mark(marks, at)) {
		harvest->good += after(marks, at) - at;
		return;
	}
	harvest->lost = true;
	memcpy(&other, marks->found, sizeof(other));
	turn = other > at ? other - at : at - other;
	if (turn > 0 && turn < harvest->turn && has_mark(marks, other))
		harvest->turn = turn;
}

/* All marks of the file that *at is in; moves it on. */
static int read_file(struct harvest *harvest, struct marks *marks, uint64_t *at)
{
	uint64_t number = *at / marks->limit;
	int file = open_again(marks, number);
	int error = file < 0 ? file : 0;

	while (error == 0 && is_in_file(marks, *at, number)) {
		read_mark(harvest, marks, file, *at);
		error = tell(marks, "reading the marks", *at);
		*at = after(marks, *at);
	}
	if (file >= 0)
		close(file);
	return error;
}

/* A fake has no more than lies between a mark and the one over it. */
static void judge(struct qualify *result, const struct marks *marks,
		  const struct harvest *harvest)
{
	uint64_t real =
		harvest->good > marks->step ? harvest->good - marks->step : 0;

	result->tried_bytes = marks->size;
	result->real_bytes = real < harvest->turn ? real : harvest->turn;
	if (harvest->lost)
		result->capacity = QUALIFY_FAKE;
	else
		result->capacity = marks->full ? QUALIFY_PARTLY : QUALIFY_REAL;
}

static int read_marks(struct qualify *result, struct marks *marks)
{
	struct harvest harvest = {.turn = UINT64_MAX};
	uint64_t at = 0;
	int error = 0;

	while (error == 0 && at < marks->size)
		error = read_file(&harvest, marks, &at);
	if (error == 0)
		judge(result, marks, &harvest);
	return error;
}

/* ---- both ---- */

uint64_t qualify_room(const struct qualify *result)
{
	return result->free_bytes > 2 * KEEP_BYTES
		       ? result->free_bytes - KEEP_BYTES
		       : result->free_bytes / 2;
}

static int try_marks(struct qualify *result, struct marks *marks)
{
	int error;

	marks->step = wide_step(marks);
	marks->dense = dense_bytes(marks);
	error = write_marks(marks, result->filesystem);
	if (error == 0)
		error = write_again(marks);
	if (error == -EOPNOTSUPP && marks->plan->all) {
		qualify_clear(marks->dir, marks->plan->storage);
		marks->all_over = true;
		marks->step = marks->dense = MARK_BYTES;
		marks->next = marks->seen = 0;
		error = write_marks(marks, result->filesystem);
	} else if (error == -EOPNOTSUPP) {
		return 0;
	}
	return error < 0 ? error : read_marks(result, marks);
}

int qualify_try_capacity(struct qualify *result, int dir,
			 const struct qualify_plan *plan)
{
	struct marks marks = {
		.plan = plan,
		.dir = dir,
		.size = qualify_room(result) / PIECE_BYTES * PIECE_BYTES,
		.limit = plan->max_file_bytes / PIECE_BYTES * PIECE_BYTES,
		.secret = (uint64_t)clock_read_ns(CLOCK_REALTIME),
		.block = aligned_alloc(MARK_BYTES, MARK_BYTES),
		.found = aligned_alloc(MARK_BYTES, MARK_BYTES),
	};
	int error = marks.block && marks.found ? 0 : -ENOMEM;

	result->capacity = QUALIFY_UNTESTED;
	if (error == 0 && marks.size > 0)
		error = try_marks(result, &marks);
	free(marks.block);
	free(marks.found);
	return error;
}
