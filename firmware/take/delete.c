/* Names first, files afterwards. */
#include "take/delete.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "take/heal.h"
#include "take/ledger.h"
#include "take/names.h"
#include "take/storage.h"
#include "take/take_info.h"

#define DELETED	  ".deleted-" /* a name never begins like that */
#define NAMES_MAX 100	      /* that one name of others may have */
#define NO_HEIR	  (-1)

static int apply(void *context, const json_t *entry)
{
	return take_info_apply(context, entry);
}

/* By name, as the ledger has it: a head may have been edited since. */
static bool is_in_ledger(const struct take_info *info, const char *name)
{
	char file[TAKE_FILE_MAX];

	for (unsigned i = 0; i < info->tracks; i++) {
		for (unsigned part = 0; part < take_info_parts(info); part++) {
			take_info_file(&info->track[i], part, file);
			if (strcmp(name, file) == 0)
				return true;
		}
	}
	return false;
}

static bool is_ours(int dir, const char *take, const struct take_info *info,
		    const char *name)
{
	static const char *const own[] = {"take.json", "labels.txt"};
	char project[NAME_MAX + 1];

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (strcmp(name, own[i]) == 0)
			return true;
	snprintf(project, sizeof(project), "%.200s.rpp", take);
	return strcmp(name, project) == 0 || is_in_ledger(info, name) ||
	       heal_is_track(dir, name);
}

static int remove_file(int dir, const char *name, struct delete_report *report)
{
	struct stat stat;

	if (fstatat(dir, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (unlinkat(dir, name, 0) < 0)
		return -errno;
	report->files++;
	report->bytes += (uint64_t)stat.st_size;
	return 0;
}

/* Under another name if the heir has something of that one. */
static int hand_over(int dir, const char *name, int heir)
{
	char free_name[NAME_MAX + 1];
	struct stat stat;

	snprintf(free_name, sizeof(free_name), "%s", name);
	for (unsigned i = 2; i < NAMES_MAX; i++) {
		if (fstatat(heir, free_name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
			return storage_rename(dir, name, heir, free_name);
		snprintf(free_name, sizeof(free_name), "%u-%.200s", i, name);
	}
	return -EEXIST;
}

static int leave_foreign(int dir, const char *name, int heir,
			 struct delete_report *report)
{
	report->foreign++;
	return heir == NO_HEIR ? 0 : hand_over(dir, name, heir);
}

static bool is_ledger(const char *name)
{
	return strcmp(name, LEDGER_NAME) == 0 || strcmp(name, LEDGER_COPY) == 0;
}

/* But for the ledger, which says what is the take's. */
static int empty_list(DIR *list, const char *take, int heir,
		      const struct take_info *info,
		      struct delete_report *report)
{
	int dir = dirfd(list), error = 0;
	const struct dirent *entry;

	while (error == 0 && (entry = readdir(list))) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		    is_ledger(name))
			continue;
		if (is_ours(dir, take, info, name))
			error = remove_file(dir, name, report);
		else
			error = leave_foreign(dir, name, heir, report);
	}
	return error;
}

/* Either of them, or both. */
static int remove_ledger(int dir, struct delete_report *report)
{
	int error = remove_file(dir, LEDGER_NAME, report);

	if (error == 0 || error == -ENOENT)
		error = remove_file(dir, LEDGER_COPY, report);
	return error == -ENOENT ? 0 : error;
}

static int empty(int dir, const char *take, int heir,
		 struct delete_report *report)
{
	DIR *list = folder_list(dir);
	struct take_info info;
	int error = list ? take_info_init(&info) : -errno;

	if (error == 0) {
		ledger_read(dir, apply, &info, NULL);
		error = empty_list(list, take, heir, &info, report);
		if (error == 0)
			error = remove_ledger(dir, report);
		take_info_finish(&info);
	}
	if (list)
		closedir(list);
	/* What it got is not to be in no folder. */
	if (error == 0 && heir != NO_HEIR && fsync(heir) < 0)
		error = -errno;
	return error;
}

/* Says so for as long as the session is there. */
static int leave_mark(int session, const char *away)
{
	int fd = openat(session, away, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			0666);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* Empties a folder that is out of the way, and gives it back its name if
 * something of others is in it. */
static int finish(int session, const char *away, int heir,
		  struct delete_report *report)
{
	const char *name = away + strlen(DELETED);
	int dir = folder_open(session, away), error;

	if (dir < 0)
		return dir;
	error = empty(dir, name, heir, report);
	close(dir);
	if (error < 0)
		return error;
	if (unlinkat(session, away, AT_REMOVEDIR) == 0)
		error = heir == NO_HEIR ? leave_mark(session, away) : 0;
	else if (errno != ENOTEMPTY && errno != EEXIST)
		error = -errno;
	else
		error = storage_rename(session, away, session, name);
	if (error < 0)
		return error;
	return fsync(session) < 0 ? -errno : 0;
}

/* What power cuts have left. */
static void finish_earlier(int session)
{
	DIR *list = folder_list(session);
	const struct dirent *entry;
	struct delete_report unused;

	if (!list)
		return;
	while ((entry = readdir(list)))
		if (strncmp(entry->d_name, DELETED, strlen(DELETED)) == 0)
			finish(session, entry->d_name, NO_HEIR, &unused);
	closedir(list);
}

static void away_name(char away[NAME_MAX + 1], const char *name)
{
	snprintf(away, NAME_MAX + 1, DELETED "%.200s", name);
}

static int move_away(int session, const char *name, char away[NAME_MAX + 1])
{
	int error = names_keep_number(session, names_take_number(name));

	if (error == 0 && fsync(session) < 0)
		error = -errno;
	if (error < 0)
		return error;
	away_name(away, name);
	/* Somebody may have copied a deleted take back. */
	if (delete_was_here(session, name))
		unlinkat(session, away, 0);
	error = storage_rename(session, name, session, away);
	if (error == 0 && fsync(session) < 0)
		error = -errno;
	return error;
}

/* A take that nobody writes to, locked; or a negative errno. */
static int open_take(int session, const char *name)
{
	int dir = folder_open(session, name), error = 0;

	if (dir < 0)
		return dir == -ELOOP || dir == -ENOTDIR ? -EINVAL : dir;
	if (names_take_number(name) == 0 ||
	    heal_look(dir, name) == HEAL_NO_TAKE)
		error = -EINVAL;
	else if (flock(dir, LOCK_EX | LOCK_NB) < 0)
		error = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (error == 0)
		return dir;
	close(dir);
	return error;
}

static int delete_from(int session, const char *name,
		       struct delete_report *report)
{
	int dir = open_take(session, name), error;
	char away[NAME_MAX + 1];

	if (dir < 0)
		return dir;
	error = move_away(session, name, away);
	if (error == 0)
		error = finish(session, away, NO_HEIR, report);
	close(dir);
	return error;
}

int delete_take(const char *folder, struct delete_report *report)
{
	char path[PATH_MAX], parent[PATH_MAX];
	int session, error;

	*report = (struct delete_report){0};
	if (!realpath(folder, path))
		return -errno;
	snprintf(parent, sizeof(parent), "%s", path);
	session = folder_open(AT_FDCWD, dirname(parent));
	if (session < 0)
		return session;
	finish_earlier(session);
	error = delete_from(session, basename(path), report);
	close(session);
	return error;
}

int delete_replace(int session, const char *take, const char *copy)
{
	int dir = open_take(session, take), heir = folder_open(session, copy);
	struct delete_report report = {0};
	char away[NAME_MAX + 1];
	int error = dir < 0 ? dir : heir < 0 ? heir : 0;

	if (error == 0)
		error = move_away(session, take, away);
	if (error == 0)
		error = storage_rename(session, copy, session, take);
	if (error == 0 && fsync(session) < 0)
		error = -errno;
	if (error == 0)
		error = finish(session, away, heir, &report);
	if (heir >= 0)
		close(heir);
	if (dir >= 0)
		close(dir);
	return error;
}

bool delete_was_here(int session, const char *take)
{
	char away[NAME_MAX + 1];
	struct stat stat;

	away_name(away, take);
	return fstatat(session, away, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(stat.st_mode);
}
