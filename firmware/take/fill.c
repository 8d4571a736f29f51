/* Take by take, file by file; names last. */
#include "take/fill.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "take/delete.h"
#include "take/extent.h"
#include "take/fill_proof.h"
#include "take/heal.h"
#include "take/names.h"
#include "take/replace.h"
#include "take/storage.h"

#define PIECE_BYTES (1u << 20)
#define SPARE_BYTES (64u << 10) /* for the folder and its names */

struct job {
	const atomic_bool *stop;
	fill_fn fn;
	void *context;
	uint8_t *piece, *again;
	uint64_t leave; /* on the medium, by takes that are new there */
	int failed;
};

static bool stopped(const struct job *job)
{
	return job->stop && atomic_load(job->stop);
}

static int open_or_make(int parent, const char *name)
{
	if (mkdirat(parent, name, 0775) < 0 && errno != EEXIST)
		return -errno;
	return folder_open(parent, name);
}

static int sync_folder(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = dir < 0 || fsync(dir) < 0 ? -errno : 0;

	if (dir >= 0)
		close(dir);
	return error;
}

/* Its name is on the medium when it is there: one that is there already is not
 * looked after again. */
static int make_safe_folder(const char *path)
{
	char above[PATH_MAX + 4];
	int error;

	if (mkdir(path, 0775) < 0)
		return errno == EEXIST ? 0 : -errno;
	snprintf(above, sizeof(above), "%s/..", path);
	error = sync_folder(above);
	if (error < 0)
		rmdir(path);
	return error;
}

/* ---- copying ---- */

static int copy_bytes(const struct job *job, int from, int to)
{
	uint64_t at = 0;

	for (;;) {
		ssize_t got = pread(from, job->piece, PIECE_BYTES, (off_t)at);
		int error;

		if (got <= 0)
			return got < 0 ? -errno : 0;
		if (stopped(job))
			return -ECANCELED;
		error = storage_posix.write(to, job->piece, (size_t)got, at);
		if (error < 0)
			return error;
		at += (uint64_t)got;
	}
}

/* Read from the medium, not from memory. */
static int compare_bytes(const struct job *job, int from, int to)
{
	off_t at = 0;

	posix_fadvise(to, 0, 0, POSIX_FADV_DONTNEED);
	for (;;) {
		ssize_t got = pread(from, job->piece, PIECE_BYTES, at);
		ssize_t back = pread(to, job->again, PIECE_BYTES, at);

		if (got < 0 || back < 0)
			return -errno;
		if (got != back ||
		    memcmp(job->piece, job->again, (size_t)got) != 0)
			return -EBADMSG;
		if (got == 0)
			return 0;
		if (stopped(job))
			return -ECANCELED;
		at += got;
	}
}

static int copy_file(const struct job *job, int from_dir, int to_dir,
		     const char *name)
{
	int from = openat(from_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int to, error;

	if (from < 0)
		return -errno;
	unlinkat(to_dir, name, 0); /* of a copy that was cut off */
	to = openat(to_dir, name,
		    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0664);
	error = to < 0 ? -errno : copy_bytes(job, from, to);
	if (error == 0 && fdatasync(to) < 0)
		error = -errno;
	if (error == 0)
		error = compare_bytes(job, from, to);
	if (to >= 0)
		close(to);
	close(from);
	return error;
}

struct copying {
	const struct job *job;
	int from, to;
	uint64_t bytes, largest;
};

static int for_each_file(int dir,
			 int (*fn)(struct copying *copying, const char *name,
				   const struct stat *stat),
			 struct copying *copying)
{
	DIR *list = folder_list(dir);
	const struct dirent *entry;
	struct stat stat;
	int error = list ? 0 : -errno;

	while (error == 0 && (entry = readdir(list)))
		if (fstatat(dir, entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
			error = -errno;
		else if (S_ISREG(stat.st_mode))
			error = fn(copying, entry->d_name, &stat);
	if (list)
		closedir(list);
	return error;
}

static int add_size(struct copying *copying, const char *name,
		    const struct stat *stat)
{
	uint64_t size = (uint64_t)stat->st_size;

	(void)name;
	copying->bytes += size;
	if (size > copying->largest)
		copying->largest = size;
	return 0;
}

static int copy_one(struct copying *copying, const char *name,
		    const struct stat *stat)
{
	(void)stat;
	return copy_file(copying->job, copying->from, copying->to, name);
}

static int remove_one(struct copying *copying, const char *name,
		      const struct stat *stat)
{
	(void)stat;
	unlinkat(copying->to, name, 0);
	return 0;
}

static int copy_files(const struct job *job, int from, int to, uint64_t leave)
{
	struct copying copying = {.job = job, .from = from, .to = to};
	uint64_t room = 0;
	int error;

	for_each_file(to, remove_one, &copying); /* one that was cut off */
	error = for_each_file(from, add_size, &copying);
	if (error == 0)
		error = storage_posix.space(to, &room);
	if (error == 0 && room < copying.bytes + SPARE_BYTES)
		error = -ENOSPC;
	else if (error == 0 && room < copying.bytes + SPARE_BYTES + leave)
		error = -EDQUOT;
	if (error == 0)
		error = for_each_file(from, copy_one, &copying);
	if (error == 0 && fsync(to) < 0)
		error = -errno;
	return error;
}

/* The copy is whole and on the medium: what it replaces goes. */
static int swap(int session, const char *name, const char *filling,
		bool replaces)
{
	int error;

	if (replaces)
		return replace_take(session, name);
	error = names_keep_number(session, names_take_number(name));
	if (error == 0)
		error = storage_rename(session, filling, session, name);
	if (error < 0)
		return error;
	return fsync(session) < 0 ? -errno : 0;
}

/* All that the take had when that was begun, whoever has been at its files
 * since. */
static int expect_all(const struct extent *had, int to, const char *name)
{
	struct extent copy;
	int error = extent_measure(&copy, to, name);

	if (error == 0 &&
	    (!copy.whole || copy.has_files != had->has_files ||
	     !extent_is_same(&copy, had) || !extent_covers(&copy, had)))
		error = -ENODATA;
	extent_finish(&copy);
	return error;
}

/* Gigabytes would be written before the medium says so. */
static int check_files(int from, int session)
{
	struct copying copying = {.from = from};
	struct storage_space space;
	int error = storage_measure(session, &space);

	if (error < 0 || !space.max_file_bytes)
		return error;
	error = for_each_file(from, add_size, &copying);
	if (error == 0 && copying.largest > space.max_file_bytes)
		error = -EFBIG;
	return error;
}

/* Half a copy would only be in the next take's way. */
static int copy_whole(const struct job *job, int from, int to, const char *name,
		      uint64_t leave)
{
	struct copying copying = {.job = job, .to = to};
	struct extent had;
	int error = extent_measure(&had, from, name);

	if (error == 0)
		error = copy_files(job, from, to, leave);
	if (error == 0)
		error = expect_all(&had, to, name);
	if (error < 0)
		for_each_file(to, remove_one, &copying);
	extent_finish(&had);
	return error;
}

/* -EBUSY: somebody else is at it, too. -EDQUOT: it would take what is to be
 * left free. -EFBIG: no file can be that large there. */
static int copy_take(const struct job *job, int from, int session,
		     const char *name, bool replaces)
{
	char filling[NAME_MAX + 1];
	int error = replace_copy_name(filling, name), to;

	if (error == 0)
		error = check_files(from, session);
	if (error < 0)
		return error;
	to = open_or_make(session, filling);
	if (to < 0)
		return to;
	if (flock(to, LOCK_EX | LOCK_NB) < 0) {
		close(to);
		return -EBUSY;
	}
	error = copy_whole(job, from, to, name, replaces ? 0 : job->leave);
	if (error == 0)
		error = swap(session, name, filling, replaces);
	else
		unlinkat(session, filling, AT_REMOVEDIR);
	close(to); /* and the lock with it */
	return error;
}

/* ---- one take, all takes ---- */

/* Of a take that is there; -EBUSY: somebody writes it, or is to make its ledger
 * anew. */
static int measure_old(struct extent *extent, int dir, const char *name)
{
	int error;

	if (flock(dir, LOCK_EX | LOCK_NB) < 0)
		return -EBUSY;
	error = extent_measure(extent, dir, name);
	return error == -ENOENT ? -EBUSY : error;
}

/* A ledger outlives the files that it tells of. */
static bool has_all_of(const struct extent *old, const struct extent *new)
{
	return old->whole && extent_covers(old, new) &&
	       !(old->has_lost && new->has_files);
}

/* What is there has not to be made worse by any means: where each has
 * something that the other has not, both stay, and one that has lost files
 * replaces nothing. */
static enum fill_result judge(const struct extent *new,
			      const struct extent *old)
{
	if (!extent_is_same(new, old))
		return FILL_OTHER;
	if (has_all_of(old, new))
		return FILL_THERE;
	if (!extent_covers(new, old))
		return old->whole ? FILL_OTHER : FILL_BUSY;
	return new->has_files ? FILL_COPIED : FILL_FAILED;
}

static enum fill_result compare(const struct job *job, int from, int old,
				const char *name, int *error)
{
	struct extent new, there = {.frames = 0};
	enum fill_result result = FILL_FAILED;

	*error = extent_measure(&new, from, name);
	if (*error == 0)
		*error = measure_old(&there, old, name);
	if (*error == 0)
		result = judge(&new, &there);
	if (*error == 0 && result == FILL_FAILED)
		*error = -ENODATA;
	if (result == FILL_COPIED && there.whole && there.has_lost)
		*error = fill_prove_rest(from, old, &there.info, job->stop);
	if (*error < 0)
		result = FILL_FAILED;
	if (*error == -EBADMSG) {
		*error = 0;
		result = FILL_OTHER;
	}
	extent_finish(&new);
	extent_finish(&there);
	return *error == -EBUSY ? FILL_BUSY : result;
}

/* What is of others in a take that never began goes on in the copy, as ever. */
static void replace(struct fill_take *take, const struct job *job, int from,
		    int session, int old)
{
	take->result = FILL_COPIED;
	if (heal_look(old, take->take) != HEAL_EMPTY)
		take->result =
			compare(job, from, old, take->take, &take->error);
	close(old); /* and the lock with it */
	if (take->result == FILL_COPIED)
		take->error = copy_take(job, from, session, take->take, true);
}

/* Errors that say how it stands are no failures. */
static void settle(struct fill_take *take)
{
	switch (take->error) {
	case -EBUSY:
		take->result = FILL_BUSY;
		break;
	case -EDQUOT:
		take->result = FILL_LEFT;
		break;
	case -EFBIG:
		take->result = FILL_LARGE;
		break;
	case -ENOTEMPTY:
		take->result = FILL_OTHER;
		break;
	default:
		return;
	}
	take->error = 0;
}

/* Another recording can have got its name since. */
static bool was_deleted(int from, int session, const char *name)
{
	struct extent take;
	bool deleted;

	if (!delete_was_here(session, name, NULL))
		return false;
	deleted = extent_measure(&take, from, name) < 0 ||
		  delete_was_here(session, name, &take.info);
	extent_finish(&take);
	return deleted;
}

static void copy_or_replace(struct fill_take *take, const struct job *job,
			    int from, int session)
{
	int old = folder_open(session, take->take);

	if (old >= 0)
		replace(take, job, from, session, old);
	else if (was_deleted(from, session, take->take))
		take->result = FILL_DELETED;
	else
		take->error = copy_take(job, from, session, take->take, false);
}

/* What was cut off the last time is finished first. */
static void decide(struct fill_take *take, const struct job *job, int from,
		   int session)
{
	int earlier = replace_finish(session, take->take);

	if (earlier == 0 || earlier == -ENOTEMPTY)
		copy_or_replace(take, job, from, session);
	else
		take->error = earlier;
	if (earlier == -ENOTEMPTY && take->result == FILL_THERE)
		take->result = FILL_OTHER;
	settle(take);
	if (take->error < 0)
		take->result = FILL_FAILED;
}

static void tell(struct job *job, const struct fill_take *take)
{
	job->failed +=
		take->result == FILL_FAILED || take->result == FILL_LARGE;
	if (job->fn)
		job->fn(job->context, take);
}

static void fill_take(struct job *job, int from, const char *session_name,
		      const char *name, const char *to)
{
	struct fill_take take = {
		.session = session_name, .take = name, .result = FILL_COPIED};
	char path[PATH_MAX];
	int session;

	if (names_take_number(name) == 0 || heal_look(from, name) != HEAL_WHOLE)
		return;
	/* Nobody deletes it meanwhile; one that is being deleted is none. */
	if (flock(from, LOCK_SH | LOCK_NB) < 0) {
		take.result = FILL_BUSY;
		tell(job, &take);
		return;
	}
	snprintf(path, sizeof(path), "%s/Takebox/%s", to, session_name);
	session = make_safe_folder(path);
	if (session == 0)
		session = folder_open(AT_FDCWD, path);
	if (session >= 0) {
		decide(&take, job, from, session);
		close(session);
	} else {
		take.error = session;
		take.result = FILL_FAILED;
	}
	tell(job, &take);
}

static void fill_session(struct job *job, int from, const char *name,
			 const char *to)
{
	const struct dirent *entry;
	DIR *list;

	replace_finish_all(from);
	list = folder_list(from);
	while (list && !stopped(job) && (entry = readdir(list))) {
		int dir = entry->d_name[0] == '.'
				  ? -1
				  : folder_open(from, entry->d_name);

		if (dir < 0)
			continue;
		fill_take(job, dir, name, entry->d_name, to);
		close(dir);
	}
	if (list)
		closedir(list);
}

static int fill_all(struct job *job, int takebox, const char *to)
{
	DIR *list = folder_list(takebox);
	const struct dirent *entry;

	if (!list)
		return -errno;
	while (!stopped(job) && (entry = readdir(list))) {
		int dir = entry->d_name[0] == '.'
				  ? -1
				  : folder_open(takebox, entry->d_name);

		if (dir < 0)
			continue;
		fill_session(job, dir, entry->d_name, to);
		close(dir);
	}
	closedir(list);
	return stopped(job) ? -ECANCELED : job->failed;
}

int fill_mirror(const char *from, const char *to, uint64_t leave,
		const atomic_bool *stop, fill_fn fn, void *context)
{
	struct job job = {
		.stop = stop, .fn = fn, .context = context, .leave = leave};
	char path[PATH_MAX];
	int takebox, error;

	snprintf(path, sizeof(path), "%s/Takebox", to);
	error = make_safe_folder(path);
	if (error < 0)
		return error;
	snprintf(path, sizeof(path), "%s/Takebox", from);
	takebox = folder_open(AT_FDCWD, path);
	if (takebox < 0)
		return takebox == -ENOENT ? 0 : takebox;
	job.piece = malloc(PIECE_BYTES);
	job.again = malloc(PIECE_BYTES);
	error = job.piece && job.again ? fill_all(&job, takebox, to) : -ENOMEM;
	free(job.piece);
	free(job.again);
	close(takebox);
	return error;
}
