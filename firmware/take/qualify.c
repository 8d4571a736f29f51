/* Rounds as a take writes them; files that are new and go again. */
#include "take/qualify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/folder.h"
#include "take/qualify_capacity.h"
#include "take/syncers.h"

#define TRY_FOLDER    ".qualify"
#define TRY_FILES     "try-"
#define FILES_MAX     64
#define ROUND_BYTES   (64u * 1024) /* per file, as a second of sound */
#define CHANNEL_BYTES 3		   /* of a sample, were it noise */
#define FLAC_SHARE    0.6	   /* that it comes to in the end */
#define CHANNELS_MAX  64
#define LOOK_NS	      (NS_PER_S / 5) /* whether a take began there */

/* ---- whether takes are written there ---- */

/* Whoever writes to a take has its folder locked. */
static bool is_locked(int parent, const char *name)
{
	int dir = openat(parent, name,
			 O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	bool locked;

	if (dir < 0)
		return false;
	locked = flock(dir, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	close(dir);
	return locked;
}

static bool any_locked(int parent, const char *name, unsigned depth)
{
	int dir = openat(parent, name,
			 O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *list = dir < 0 ? NULL : fdopendir(dir);
	const struct dirent *entry;
	bool found = false;

	while (list && !found && (entry = readdir(list)))
		found = entry->d_name[0] != '.' &&
			(depth > 0 ? any_locked(dir, entry->d_name, depth - 1)
				   : is_locked(dir, entry->d_name));
	if (list)
		closedir(list);
	else if (dir >= 0)
		close(dir);
	return found;
}

static bool is_recorded_on(int takebox)
{
	return any_locked(takebox, ".", 1); /* session, take */
}

/* A take that begins while it is tried gets the room at once. */
struct watch {
	const struct qualify_plan *plan;
	int takebox;
	int64_t looked;
	bool recorded_on;
};

static bool goes_on(void *context, const char *what, double share)
{
	struct watch *watch = context;
	const struct qualify_plan *plan = watch->plan;
	int64_t now = clock_now_ns();

	if (now - watch->looked >= LOOK_NS) {
		watch->looked = now;
		watch->recorded_on = is_recorded_on(watch->takebox);
	}
	return !watch->recorded_on &&
	       (!plan->progress || plan->progress(plan->context, what, share));
}

/* ---- writing as takes do ---- */

struct files {
	int dir, file[FILES_MAX];
	unsigned count;
	uint64_t size; /* of each */
	struct syncers *syncers;
};

static void file_name(char name[32], unsigned number)
{
	snprintf(name, 32, TRY_FILES "%02u", number);
}

static int open_files(struct files *files, const struct qualify_plan *plan)
{
	for (files->count = 0; files->count < plan->files; files->count++) {
		char name[32];
		int fd;

		file_name(name, files->count);
		fd = plan->storage->open(files->dir, name, 1);
		if (fd < 0)
			return fd;
		files->file[files->count] = fd;
	}
	return plan->storage->sync_dir(files->dir);
}

static void remove_files(struct files *files, const struct qualify_plan *plan)
{
	for (unsigned i = 0; i < files->count; i++) {
		char name[32];

		file_name(name, i);
		close(files->file[i]);
		plan->storage->remove(files->dir, name);
	}
}

static int write_round(struct files *files, const struct qualify_plan *plan,
		       const void *bytes)
{
	const struct storage *storage = plan->storage;
	int error = 0;

	for (unsigned i = 0; i < files->count && error == 0; i++)
		error = storage->write(files->file[i], bytes, ROUND_BYTES,
				       files->size);
	for (unsigned i = 0; i < files->count && error == 0; i++)
		storage->start_sync(files->file[i]);
	if (error == 0)
		error = syncers_sync(files->syncers, files->file, files->count);
	files->size += ROUND_BYTES;
	return error;
}

/* The room there is for all files, and in each of them. */
static uint64_t room_for(const struct files *files,
			 const struct qualify *result,
			 const struct qualify_plan *plan)
{
	uint64_t room = qualify_room(result);
	uint64_t each = plan->max_file_bytes / ROUND_BYTES * ROUND_BYTES;

	return room / files->count < each ? room : each * files->count;
}

static int write_rounds(struct qualify *result, struct files *files,
			const struct qualify_plan *plan, const void *bytes)
{
	uint64_t round = (uint64_t)files->count * ROUND_BYTES, most, done = 0;
	int64_t began = clock_now_ns(), now = began;
	int error = 0;

	most = room_for(files, result, plan);
	if (most < round)
		return -ENOSPC;
	while (error == 0 && done + round <= most &&
	       (double)(now - began) < plan->seconds * NS_PER_S) {
		int64_t before = clock_now_ns();
		double seconds;

		error = write_round(files, plan, bytes);
		now = clock_now_ns();
		done += round;
		seconds = (double)(now - before) / NS_PER_S;
		if (seconds > result->worst_seconds)
			result->worst_seconds = seconds;
		if (error == 0 &&
		    !plan->progress(plan->context, "writing",
				    (double)(now - began) / NS_PER_S /
					    plan->seconds))
			error = -ECANCELED;
	}
	if (now > began)
		result->bytes_per_second =
			(double)done / ((double)(now - began) / NS_PER_S);
	return error;
}

/* Nothing that a card could make shorter. */
static void fill_with_noise(uint8_t *bytes, size_t size)
{
	uint64_t state = 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i < size; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (uint8_t)(state >> 56);
	}
}

static int try_writing(struct qualify *result, int dir,
		       const struct qualify_plan *plan)
{
	uint8_t *bytes = malloc(ROUND_BYTES);
	struct files files = {
		.dir = dir,
		.syncers = syncers_create(plan->storage),
	};
	int error = bytes && files.syncers ? open_files(&files, plan) : -ENOMEM;

	if (error == 0) {
		fill_with_noise(bytes, ROUND_BYTES);
		error = write_rounds(result, &files, plan, bytes);
	}
	remove_files(&files, plan);
	syncers_destroy(files.syncers);
	free(bytes);
	return error;
}

/* ---- all of it ---- */

static int describe(struct qualify *result, int dir,
		    const struct qualify_plan *plan)
{
	struct storage_space space = {0};

	qualify_id(result->id, dir, QUALIFY_ID_UDEV);
	storage_measure(dir, &space);
	memcpy(result->filesystem, space.filesystem,
	       sizeof(result->filesystem));
	return plan->storage->space(dir, &result->free_bytes);
}

static int open_or_make(int parent, const char *name)
{
	int fd;

	if (mkdirat(parent, name, 0775) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(parent, name,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static bool is_of_a_trial(const char *name)
{
	return strncmp(name, TRY_FILES, strlen(TRY_FILES)) == 0 ||
	       strncmp(name, QUALIFY_MARKS, strlen(QUALIFY_MARKS)) == 0;
}

/* How many were removed: a folder can pass over some when others go. */
static unsigned clear_once(int dir, const struct storage *storage)
{
	DIR *list = folder_list(dir);
	const struct dirent *entry;
	unsigned removed = 0;

	while (list && (entry = readdir(list)))
		removed += is_of_a_trial(entry->d_name) &&
			   storage->remove(dir, entry->d_name) == 0;
	if (list)
		closedir(list);
	return removed;
}

void qualify_clear(int dir, const struct storage *storage)
{
	while (clear_once(dir, storage) > 0)
		;
}

static int try_medium(struct qualify *result, int takebox, int dir,
		      const struct qualify_plan *plan)
{
	int error;

	qualify_clear(dir, plan->storage); /* what one that was cut off left */
	error = describe(result, dir, plan);
	if (error == 0)
		error = try_writing(result, dir, plan);
	if (error == 0)
		error = qualify_try_capacity(result, dir, plan);
	qualify_clear(dir, plan->storage);
	return error < 0 ? error : qualify_write(result, takebox);
}

/* The folder, locked; one that another trial has removed meanwhile is as good
 * as that trial's. Where there are no locks it is had without. */
static int take_folder(int takebox)
{
	int dir = open_or_make(takebox, TRY_FOLDER);
	struct stat stat;

	if (dir < 0)
		return dir == -ENOENT ? -EALREADY : dir;
	if ((flock(dir, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) &&
	    fstat(dir, &stat) == 0 && stat.st_nlink > 0)
		return dir;
	close(dir);
	return -EALREADY;
}

static int try_in_folder(struct qualify *result, int takebox,
			 const struct qualify_plan *plan)
{
	int dir = take_folder(takebox);
	int error = dir < 0 ? dir : try_medium(result, takebox, dir, plan);

	if (dir >= 0) {
		unlinkat(takebox, TRY_FOLDER, AT_REMOVEDIR);
		close(dir);
	}
	return error;
}

static uint64_t file_limit(const struct qualify_plan *plan, int dir)
{
	uint64_t limit =
		plan->max_file_bytes ? plan->max_file_bytes : UINT64_MAX;
	struct storage_space space = {0};

	storage_measure(dir, &space);
	return space.max_file_bytes && space.max_file_bytes < limit
		       ? space.max_file_bytes
		       : limit;
}

int qualify_medium(struct qualify *result, const char *folder,
		   const struct qualify_plan *plan)
{
	struct watch watch = {.plan = plan};
	struct qualify_plan own = *plan;
	int medium = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error;

	*result = (struct qualify){0};
	own.files = own.files < FILES_MAX ? own.files : FILES_MAX;
	own.progress = goes_on;
	own.context = &watch;
	if (medium < 0)
		return -errno;
	watch.takebox = open_or_make(medium, "Takebox");
	close(medium);
	if (watch.takebox < 0)
		return watch.takebox;
	own.max_file_bytes = file_limit(plan, watch.takebox);
	error = is_recorded_on(watch.takebox)
			? -EBUSY
			: try_in_folder(result, watch.takebox, &own);
	close(watch.takebox);
	return watch.recorded_on ? -EBUSY : error;
}

/* ---- the verdict ---- */

unsigned qualify_channels(const struct qualify *result, unsigned rate)
{
	double one = (double)rate * CHANNEL_BYTES;
	double channels = result->bytes_per_second / 2 / one;

	return channels < CHANNELS_MAX ? (unsigned)channels : CHANNELS_MAX;
}

double qualify_seconds_left(const struct qualify *result, unsigned channels,
			    unsigned rate)
{
	uint64_t bytes = result->capacity == QUALIFY_FAKE ? result->real_bytes
							  : result->free_bytes;

	return (double)bytes /
	       ((double)channels * rate * CHANNEL_BYTES * FLAC_SHARE);
}

double qualify_worst(const struct qualify *result)
{
	return result->worst_seconds > result->worst_in_takes
		       ? result->worst_seconds
		       : result->worst_in_takes;
}
