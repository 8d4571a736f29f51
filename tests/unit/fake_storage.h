/*
 * fake_storage: storage_posix in a temporary folder, watched, and broken on
 * demand. One at a time: the writer's thread uses it, the test's thread sets
 * it up before and looks at it afterwards.
 *
 * It counts calls, and from the Nth on it can
 *   FREEZE   do nothing more and return errors: what a killed process leaves
 *            behind. The Nth call itself can be left undone, done by half (a
 *            write), or done without anybody learning of it.
 *   LIMIT    say that it has no more than room bytes left, and be full once
 *            they are gone.
 *   FILL     be full: writes that make a file grow return -ENOSPC, until
 *            something is cut off or removed.
 *   FAIL     return -EIO for the Nth call alone.
 *   SHORTEN  do half of the Nth write and return -EIO for it alone.
 *   UNSYNCED do all, but return -EIO for each sync and sync none.
 * fake_storage_lose does what Linux does when a sync has failed: what it could
 * not write it still gives to readers, but takes for written, until it is
 * forgotten. fake_storage_cut_power takes back any part, nothing, or all of
 * what no sync covers; what a file then has and never got is an older file's.
 *
 * It also watches the rule that a first sector never claims what was not
 * synced before it was written.
 */
#ifndef TESTS_FAKE_STORAGE_H
#define TESTS_FAKE_STORAGE_H

/* After cmocka.h and what it needs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "take/flac_format.h"
#include "take/storage.h"

#define FAKE_FILES_MAX 256
#define FAKE_CALLS_MAX 8192

enum fake_fault {
	FAKE_NONE,
	FAKE_FREEZE,
	FAKE_FILL,
	FAKE_LIMIT,
	FAKE_FAIL,
	FAKE_SHORTEN,
	FAKE_UNSYNCED
};
enum fake_cut { FAKE_SCRAMBLED, FAKE_DROPPED, FAKE_KEPT };
enum fake_how { FAKE_UNDONE, FAKE_HALF, FAKE_DONE };

struct fake_file {
	char name[128];
	bool named;	    /* its name is synced */
	char *synced;	    /* its bytes as the last sync left them */
	size_t synced_size; /* SIZE_MAX: never synced */
	uint64_t changed;   /* first byte behind the sector changed since */
	bool head_changed;  /* behind the sector, since */
	bool head_lost;	    /* in memory alone, though it counts as synced */
	uint64_t lost, lost_end; /* likewise, bytes behind the head */
	uint64_t claimed;	 /* bytes, by the first sector as it is now */
	uint64_t claimable;	 /* the most that may stand on the medium */
};

struct fake_storage {
	char path[64];
	int dir;
	pthread_mutex_t mutex;
	pthread_cond_t released;
	bool held; /* calls wait */
	unsigned calls;
	enum fake_fault fault;
	enum fake_how how;
	unsigned at;   /* number of the call, from 1 */
	uint64_t room; /* bytes, once full */
	bool keep;     /* what was synced, for a power cut */
	enum fake_cut cut;
	const char *stale; /* what free space is full of; NULL: zeros */
	size_t stale_size;
	struct fake_file file[FAKE_FILES_MAX];
	unsigned files;
	unsigned claims;	    /* first sectors that were looked at */
	bool wrote[FAKE_CALLS_MAX]; /* by call: it was a write */
	char broken[256];	    /* the first broken rule */
	FILE *story;		    /* of all calls, NULL: none */
};

static struct fake_storage fake = {.dir = -1};

static inline void fake_storage_open(void)
{
	/* In memory, where there is room: thousands of takes are made. */
	fake = (struct fake_storage){.path = "/dev/shm/take-XXXXXX"};
	if (access("/dev/shm", W_OK) < 0)
		strcpy(fake.path, "/tmp/take-XXXXXX");
	pthread_mutex_init(&fake.mutex, NULL);
	pthread_cond_init(&fake.released, NULL);
	assert_non_null(mkdtemp(fake.path));
	fake.dir = open(fake.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fake.dir >= 0);
}

/* Counting and faults from the start; the files stay. */
static inline void fake_storage_reset(enum fake_fault fault, unsigned at,
				      enum fake_how how)
{
	fake.calls = 0;
	fake.fault = fault;
	fake.at = at;
	fake.how = how;
	fake.room = 0;
}

static inline void fake_forget(struct fake_file *file)
{
	free(file->synced);
	*file = fake.file[--fake.files];
}

static inline void fake_storage_empty(void)
{
	int copy = openat(fake.dir, ".", O_RDONLY | O_DIRECTORY);
	DIR *list = fdopendir(copy);
	struct dirent *entry;

	while ((entry = readdir(list)))
		if (entry->d_name[0] != '.')
			unlinkat(fake.dir, entry->d_name, 0);
	closedir(list);
	while (fake.files)
		fake_forget(&fake.file[0]);
	fake.broken[0] = '\0';
	fake.claims = 0;
}

static inline void fake_storage_close(void)
{
	fake_storage_empty();
	close(fake.dir);
	rmdir(fake.path);
	pthread_cond_destroy(&fake.released);
	pthread_mutex_destroy(&fake.mutex);
}

/* The medium stalls: calls wait, from the next one on, until it goes on. */
static inline void fake_storage_hold(bool held)
{
	pthread_mutex_lock(&fake.mutex);
	fake.held = held;
	pthread_cond_broadcast(&fake.released);
	pthread_mutex_unlock(&fake.mutex);
}

/* For plan.dir, which the take owns. */
static inline int fake_storage_dir(void)
{
	return dup(fake.dir);
}

/* ---- which file is it ---- */

static inline struct fake_file *fake_find(const char *name)
{
	for (unsigned i = 0; i < fake.files; i++)
		if (strcmp(fake.file[i].name, name) == 0)
			return &fake.file[i];
	assert_true(fake.files < FAKE_FILES_MAX);
	fake.file[fake.files] = (struct fake_file){.synced_size = SIZE_MAX,
						   .changed = UINT64_MAX};
	snprintf(fake.file[fake.files].name, sizeof(fake.file[0].name), "%s",
		 name);
	return &fake.file[fake.files++];
}

static inline struct fake_file *fake_find_fd(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	assert_true(length > 0);
	path[length] = '\0';
	return fake_find(strrchr(path, '/') + 1);
}

static inline uint64_t fake_file_size(int fd)
{
	struct stat stat;

	assert_int_equal(fstat(fd, &stat), 0);
	return (uint64_t)stat.st_size;
}

/* ---- the Nth call ---- */

/* Counts the call and tells its story. Negative errno: it is not to be done. */
static inline int fake_call(const char *verb, const char *name, size_t size,
			    uint64_t offset)
{
	while (fake.held)
		pthread_cond_wait(&fake.released, &fake.mutex);
	assert_true(++fake.calls < FAKE_CALLS_MAX);
	fake.wrote[fake.calls] = strcmp(verb, "write") == 0;
	if (fake.story)
		fprintf(fake.story, "%s %s %zu@%llu\n", verb, name, size,
			(unsigned long long)offset);
	if (fake.fault == FAKE_FREEZE &&
	    (fake.calls > fake.at ||
	     (fake.calls == fake.at && fake.how != FAKE_DONE)))
		return -EIO;
	return (fake.fault == FAKE_FAIL || fake.fault == FAKE_SHORTEN) &&
			       fake.calls == fake.at
		       ? -EIO
		       : 0;
}

/* What the caller learns of a call that was done. */
static inline int fake_result(int result)
{
	return fake.fault == FAKE_FREEZE && fake.calls >= fake.at && result >= 0
		       ? -EIO
		       : result;
}

static inline bool fake_is_full(void)
{
	return (fake.fault == FAKE_FILL && fake.calls >= fake.at) ||
	       fake.fault == FAKE_LIMIT;
}

/* ---- the rule ---- */

static inline void fake_broken(const char *name, const char *rule)
{
	if (!fake.broken[0])
		snprintf(fake.broken, sizeof(fake.broken), "call %u: %s: %s",
			 fake.calls, name, rule);
}

static inline void fake_look_at_claim(struct fake_file *file,
				      const void *sector, uint64_t size_now)
{
	size_t synced = file->synced_size == SIZE_MAX ? 0 : file->synced_size;
	struct flac_head head;
	uint64_t claimed = 0;

	if (flac_read_sector(sector, &head) < 0) {
		fake_broken(file->name, "a sector that is none");
		return;
	}
	fake.claims++;
	for (int i = 0; i < 2; i++)
		if (head.checkpoint[i].size > claimed)
			claimed = head.checkpoint[i].size;
	if (head.finished && head.info.samples > 0)
		claimed = size_now;
	if (head.info.samples > 0 && claimed == 0)
		fake_broken(file->name, "samples without a checkpoint");
	if (head.finished && file->head_changed)
		fake_broken(file->name, "finished before its tags");
	if (claimed > synced || claimed > file->changed)
		fake_broken(file->name, "claims more than was synced");
	file->claimed = claimed;
	if (claimed > file->claimable)
		file->claimable = claimed;
}

static inline bool is_flac(const struct fake_file *file)
{
	size_t dot = strlen(file->name);

	return dot > 5 && strcmp(file->name + dot - 5, ".flac") == 0;
}

static inline void fake_note_write(struct fake_file *file, int fd,
				   const void *data, size_t size,
				   uint64_t offset)
{
	if (is_flac(file) && offset == 0 && size >= FLAC_SECTOR_BYTES)
		fake_look_at_claim(file, data, fake_file_size(fd));
	if ((offset >= FLAC_HEAD_BYTES || !is_flac(file)) &&
	    offset < file->changed)
		file->changed = offset;
	if (is_flac(file) && offset == 0)
		file->head_lost = false; /* its page is written anew */
	if (offset < FLAC_HEAD_BYTES && offset + size > FLAC_SECTOR_BYTES)
		file->head_changed = true;
}

/* ---- the functions ---- */

static inline int fake_make_dir(int dir, const char *name)
{
	return storage_posix.make_dir(dir, name);
}

static inline int fake_open(int dir, const char *name, int create)
{
	int result;

	pthread_mutex_lock(&fake.mutex);
	result = fake_call(create ? "create" : "open", name, 0, 0);
	if (result == 0 && create && fake_is_full() && fake.room < 4096)
		result = -ENOSPC;
	if (result == 0) {
		result = storage_posix.open(dir, name, create);
		if (result >= 0 && create)
			fake_find(name);
		if (fake_result(result) < 0 && result >= 0) {
			close(result);
			result = -EIO;
		}
	}
	pthread_mutex_unlock(&fake.mutex);
	return result;
}

static inline int fake_fill(int fd, const void *data, size_t size,
			    uint64_t offset)
{
	uint64_t now = fake_file_size(fd);
	uint64_t end = offset + size;
	uint64_t growth = end > now ? end - now : 0;

	if (!fake_is_full() || growth <= fake.room) {
		if (fake_is_full())
			fake.room -= growth;
		return storage_posix.write(fd, data, size, offset);
	}
	if (size > growth - fake.room)
		storage_posix.write(fd, data, size - (growth - fake.room),
				    offset);
	fake.room = 0;
	return -ENOSPC;
}

static inline int fake_write(int fd, const void *data, size_t size,
			     uint64_t offset)
{
	struct fake_file *file;
	int result;

	pthread_mutex_lock(&fake.mutex);
	file = fake_find_fd(fd);
	result = fake_call("write", file->name, size, offset);
	if (result == 0) {
		fake_note_write(file, fd, data, size, offset);
		result = fake_result(fake_fill(fd, data, size, offset));
	} else if (fake.calls == fake.at &&
		   (fake.fault == FAKE_SHORTEN ||
		    (fake.fault == FAKE_FREEZE && fake.how == FAKE_HALF))) {
		fake_note_write(file, fd, data, size, offset);
		storage_posix.write(fd, data, size / 2, offset);
	}
	pthread_mutex_unlock(&fake.mutex);
	return result;
}

static inline int fake_truncate(int fd, uint64_t size)
{
	struct fake_file *file;
	int result;

	pthread_mutex_lock(&fake.mutex);
	file = fake_find_fd(fd);
	result = fake_call("truncate", file->name, 0, size);
	if (result == 0) {
		uint64_t now = fake_file_size(fd);

		if (fake_is_full() && size < now)
			fake.room += now - size;
		if (size < file->changed)
			file->changed = size;
		if (size < file->lost_end)
			file->lost_end = size;
		if (size < file->claimable)
			fake_broken(file->name, "claims what is cut off");
		if (size > now)
			fake_broken(file->name, "grew without data");
		result = fake_result(storage_posix.truncate(fd, size));
	}
	pthread_mutex_unlock(&fake.mutex);
	return result;
}

static inline void fake_start_sync(int fd)
{
	pthread_mutex_lock(&fake.mutex);
	fake_call("start", fake_find_fd(fd)->name, 0, 0);
	pthread_mutex_unlock(&fake.mutex);
}

/* Data, the file's size bytes as readers have them, as the medium has them. */
static inline void fake_take_lost(const struct fake_file *file, char *data,
				  size_t size)
{
	size_t head = size < FLAC_HEAD_BYTES ? size : FLAC_HEAD_BYTES;

	if (file->lost < file->lost_end)
		memset(data + file->lost, 0, file->lost_end - file->lost);
	if (!file->head_lost)
		return;
	memset(data, 0, head);
	if (file->synced && file->synced_size >= head)
		memcpy(data, file->synced, head);
}

static inline void fake_keep(struct fake_file *file, int fd)
{
	uint64_t size = fake_file_size(fd);
	char *synced;

	file->changed = UINT64_MAX;
	file->head_changed = false;
	file->claimable = file->claimed;
	file->synced_size = (size_t)size;
	if (!fake.keep)
		return;
	synced = malloc((size_t)size + 1);
	assert_non_null(synced);
	assert_int_equal(pread(fd, synced, (size_t)size, 0), size);
	fake_take_lost(file, synced, (size_t)size);
	free(file->synced);
	file->synced = synced;
}

static inline void fake_drop_lost(struct fake_file *file, size_t size)
{
	int fd = openat(fake.dir, file->name, O_RDWR);
	size_t now = (size_t)fake_file_size(fd);
	char *data = malloc(now + 1);

	assert_non_null(data);
	assert_int_equal(pread(fd, data, now, 0), now);
	fake_take_lost(file, data, now);
	if (size == 0 || size > now)
		size = now;
	assert_int_equal(pwrite(fd, data, size, 0), size);
	free(data);
	close(fd);
	file->head_lost = false;
	if (size >= file->lost_end)
		file->lost = file->lost_end = 0;
}

/* Where it is lost there is what was there before, or nothing. */
static inline void fake_forget_cached(int fd, uint64_t size)
{
	struct fake_file *file;

	pthread_mutex_lock(&fake.mutex);
	file = fake_find_fd(fd);
	if (file->head_lost || file->lost < file->lost_end)
		fake_drop_lost(file, (size_t)size);
	pthread_mutex_unlock(&fake.mutex);
}

static inline int fake_sync(int fd)
{
	struct fake_file *file;
	int result;

	pthread_mutex_lock(&fake.mutex);
	file = fake_find_fd(fd);
	result = fake_call("sync", file->name, 0, 0);
	if (result == 0 && fake.fault == FAKE_UNSYNCED && fake.calls >= fake.at)
		result = -EIO;
	if (result == 0) {
		fake_keep(file, fd);
		result = fake_result(0);
	}
	pthread_mutex_unlock(&fake.mutex);
	return result;
}

static inline int fake_sync_dir(int dir)
{
	int result;

	(void)dir;
	pthread_mutex_lock(&fake.mutex);
	result = fake_call("syncdir", ".", 0, 0);
	if (result == 0) {
		for (unsigned i = 0; i < fake.files; i++)
			fake.file[i].named = true;
		result = fake_result(0);
	}
	pthread_mutex_unlock(&fake.mutex);
	return result;
}

static inline int fake_remove(int dir, const char *name)
{
	struct stat stat;
	int result;

	pthread_mutex_lock(&fake.mutex);
	result = fake_call("remove", name, 0, 0);
	if (result == 0 && fstatat(dir, name, &stat, 0) < 0)
		result = -ENOENT;
	if (result == 0) {
		fake_forget(fake_find(name));
		if (fake_is_full())
			fake.room += (uint64_t)stat.st_size;
		result = fake_result(storage_posix.remove(dir, name));
	}
	pthread_mutex_unlock(&fake.mutex);
	return result;
}

/* A medium that fills up without warning is one that others write to, too. */
static inline int fake_space(int dir, uint64_t *free_bytes)
{
	(void)dir;
	pthread_mutex_lock(&fake.mutex);
	*free_bytes = fake.fault == FAKE_LIMIT ? fake.room : UINT64_MAX;
	pthread_mutex_unlock(&fake.mutex);
	return 0;
}

static const struct storage fake_storage = {
	.make_dir = fake_make_dir,
	.open = fake_open,
	.write = fake_write,
	.truncate = fake_truncate,
	.start_sync = fake_start_sync,
	.sync = fake_sync,
	.sync_dir = fake_sync_dir,
	.forget = fake_forget_cached,
	.remove = fake_remove,
	.space = fake_space,
};

/* ---- a sync has failed ---- */

/* Of all files: what no sync covers is what readers have, and nobody else. */
static inline void fake_storage_lose(void)
{
	assert_true(fake.keep);
	for (unsigned i = 0; i < fake.files; i++) {
		struct fake_file *file = &fake.file[i];
		int fd = openat(fake.dir, file->name, O_RDONLY);

		if (fd < 0)
			continue;
		file->head_lost = is_flac(file);
		file->lost = file->changed;
		file->lost_end = fake_file_size(fd);
		close(fd);
	}
}

/* ---- power ---- */

static inline uint32_t fake_chance(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)*seed * below >> 32);
}

/* A length that the file may have: that of the last sync, or now, or between
 * them if it grew. */
static inline size_t fake_any_size(size_t old, size_t now, uint32_t *seed)
{
	if (fake.cut != FAKE_SCRAMBLED)
		return fake.cut == FAKE_KEPT ? now : old;
	if (now > old)
		return old + fake_chance(seed, (uint32_t)(now - old) + 1);
	return fake_chance(seed, 2) ? old : now;
}

/* A sector that the file got and that was never written: of an older file, from
 * the same place in it or any other. */
static inline void fake_free_space(char *sector, size_t size, size_t at,
				   uint32_t *seed)
{
	size_t from = at;

	memset(sector, 0, size);
	if (fake.stale_size <= size)
		return;
	if (fake_chance(seed, 2) || at + size > fake.stale_size)
		from = fake_chance(seed,
				   (uint32_t)((fake.stale_size - size) / 512)) *
		       512;
	memcpy(sector, fake.stale + from, size);
}

/* Is a sector that no sync covers kept? */
static inline bool fake_keeps(uint32_t *seed)
{
	return fake.cut == FAKE_KEPT ||
	       (fake.cut == FAKE_SCRAMBLED && fake_chance(seed, 2));
}

/* Of each sector that no sync covers either the old or the new content. */
static inline void fake_scramble(struct fake_file *file, uint32_t *seed)
{
	int fd = openat(fake.dir, file->name, O_RDWR);
	size_t now, old = file->synced_size, size;
	char *data;

	if (fd < 0)
		return;
	now = (size_t)fake_file_size(fd);
	size = old > now ? old : now;
	data = calloc(1, size + 1);
	assert_non_null(data);
	assert_int_equal(pread(fd, data, now, 0), now);
	for (size_t at = 0; at < size; at += 512) {
		size_t left = at < old ? old - at : 0;

		if (fake_keeps(seed))
			continue;
		fake_free_space(data + at, size - at < 512 ? size - at : 512,
				at, seed);
		if (left > 0)
			memcpy(data + at, file->synced + at,
			       left < 512 ? left : 512);
	}
	size = fake_any_size(old, now, seed);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, data, size, 0), size);
	free(data);
	close(fd);
}

/* Puts the power back, too: what there is now is synced. */
static inline void fake_storage_cut_power(uint32_t *seed)
{
	assert_true(fake.keep);
	for (unsigned i = 0; i < fake.files; i++) {
		struct fake_file *file = &fake.file[i];

		if (file->synced_size == SIZE_MAX) {
			file->synced_size = 0;
			if (!file->named && !fake_keeps(seed))
				unlinkat(fake.dir, file->name, 0);
		}
		fake_scramble(file, seed);
	}
	for (unsigned i = fake.files; i-- > 0;) {
		int fd = openat(fake.dir, fake.file[i].name, O_RDONLY);

		if (fd < 0) {
			fake_forget(&fake.file[i]);
			continue;
		}
		fake_keep(&fake.file[i], fd);
		close(fd);
	}
}

#endif
