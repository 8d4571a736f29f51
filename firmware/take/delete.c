/* Names first, files afterwards. */
#include "take/delete.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "take/extent.h"
#include "take/heal.h"
#include "take/ledger.h"
#include "take/names.h"
#include "take/replace.h"
#include "take/storage.h"
#include "take/take_info.h"

#define DELETED	    ".deleted-"	 /* a name never begins like that; */
#define DELETING    ".deleting-" /* nor like that: the folder meanwhile */
#define NAMES_MAX   100		 /* that one name of others may have */
#define NO_HEIR	    (-1)
#define PIECE_BYTES 4096

static int apply(void *context, const json_t *entry)
{
	return take_info_apply(context, entry);
}

/* A folder, and what is known of it and of who gets what is left. */
struct emptying {
	int dir;
	const char *take;
	int heir; /* of what is of others; NO_HEIR: it stays */
	struct take_info info, heirs;
	struct delete_report *report;
};

/* By name, as the ledger has it: a head may have been edited since. */
static bool find_file(const struct take_info *info, const char *name,
		      unsigned *index, unsigned *part)
{
	char file[TAKE_FILE_MAX];

	for (*index = 0; *index < info->tracks; ++*index) {
		for (*part = 0; *part < take_info_parts(info); ++*part) {
			take_info_file(&info->track[*index], *part, file);
			if (strcmp(name, file) == 0)
				return true;
		}
	}
	return false;
}

static bool is_empty(int dir, const char *name)
{
	struct stat stat;

	return fstatat(dir, name, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(stat.st_mode) && stat.st_size == 0;
}

/* Nobody asked for sound to go that the heir does not have: what was made of a
 * track, or is another take's, is of others, whoever has recorded it. */
static bool is_inherited(const struct emptying *emptying, const char *name,
			 unsigned index, unsigned part)
{
	enum extent_file file;

	if (!emptying->info.ended || is_empty(emptying->dir, name))
		return true;
	if (!heal_is_track(emptying->dir, name))
		return false;
	file = extent_look_at_file(&emptying->info, index, part, emptying->dir);
	return file == EXTENT_FILE_THERE || file == EXTENT_FILE_LOST;
}

static bool is_track(const struct emptying *emptying, const char *name)
{
	unsigned index, part;
	bool known = find_file(&emptying->info, name, &index, &part);

	if (emptying->heir == NO_HEIR)
		return known || heal_is_track(emptying->dir, name);
	return known && is_inherited(emptying, name, index, part);
}

static bool have_same_bytes(int a, int b)
{
	char one[PIECE_BYTES], other[PIECE_BYTES];
	off_t at = 0;
	ssize_t got;

	do {
		got = pread(a, one, PIECE_BYTES, at);
		if (got < 0 || pread(b, other, PIECE_BYTES, at) != got ||
		    memcmp(one, other, (size_t)got) != 0)
			return false;
		at += got;
	} while (got > 0);
	return true;
}

static int open_file(int dir, const char *name)
{
	return openat(dir, name,
		      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

static bool is_alike(int dir, int heir, const char *name)
{
	int a = open_file(dir, name), b = open_file(heir, name);
	bool alike = a >= 0 && b >= 0 && have_same_bytes(a, b);

	if (a >= 0)
		close(a);
	if (b >= 0)
		close(b);
	return alike;
}

/* Two projects of as much sound are made alike: somebody has gone on with one
 * that differs. */
static bool is_old_project(const struct emptying *emptying, const char *name)
{
	char project[NAME_MAX + 1];

	snprintf(project, sizeof(project), "%.200s.rpp", emptying->take);
	if (strcmp(name, project) != 0)
		return false;
	return emptying->heir == NO_HEIR ||
	       emptying->info.frames != emptying->heirs.frames ||
	       is_alike(emptying->dir, emptying->heir, name);
}

static bool is_ours(const struct emptying *emptying, const char *name)
{
	static const char *const own[] = {"take.json", "labels.txt"};

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (strcmp(name, own[i]) == 0)
			return true;
	return is_old_project(emptying, name) || is_track(emptying, name);
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

static int leave_foreign(const struct emptying *emptying, const char *name)
{
	emptying->report->foreign++;
	return emptying->heir == NO_HEIR
		       ? 0
		       : hand_over(emptying->dir, name, emptying->heir);
}

static bool is_ledger(const char *name)
{
	return strcmp(name, LEDGER_NAME) == 0 || strcmp(name, LEDGER_COPY) == 0;
}

/* But for the ledger, which says what is the take's. */
static int empty_list(const struct emptying *emptying, DIR *list)
{
	const struct dirent *entry;
	int error = 0;

	while (error == 0 && (entry = readdir(list))) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		    is_ledger(name))
			continue;
		if (is_ours(emptying, name))
			error = remove_file(emptying->dir, name,
					    emptying->report);
		else
			error = leave_foreign(emptying, name);
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

static int empty_by_ledger(struct emptying *emptying)
{
	DIR *list = folder_list(emptying->dir);
	int error;

	if (!list)
		return -errno;
	ledger_read(emptying->dir, apply, &emptying->info, NULL);
	if (emptying->heir != NO_HEIR)
		ledger_read(emptying->heir, apply, &emptying->heirs, NULL);
	error = empty_list(emptying, list);
	closedir(list);
	return error;
}

static int empty(int dir, const char *take, int heir,
		 struct delete_report *report)
{
	struct emptying emptying = {
		.dir = dir, .take = take, .heir = heir, .report = report};
	int error = take_info_init(&emptying.info);

	if (error == 0)
		error = take_info_init(&emptying.heirs);
	if (error == 0)
		error = empty_by_ledger(&emptying);
	take_info_finish(&emptying.info);
	take_info_finish(&emptying.heirs);
	/* What it got is not to be in no folder. */
	if (error == 0 && heir != NO_HEIR && fsync(heir) < 0)
		error = -errno;
	return error < 0 ? error : remove_ledger(dir, report);
}

int delete_hand_over(int dir, const char *take, int heir)
{
	struct delete_report unused = {0};

	return empty(dir, take, heir, &unused);
}

/* ---- the mark that stays ---- */

/* What a recording is known by; an empty tape: by nothing. */
struct mark {
	char tape[33];
	uint64_t start;
};

static struct mark make_mark(const struct take_info *info)
{
	struct mark mark = {.start = info->start};

	snprintf(mark.tape, sizeof(mark.tape), "%s", info->tape);
	return mark;
}

static struct mark read_recording(int dir)
{
	struct take_info info;
	struct mark mark = {.start = 0};

	if (take_info_init(&info) < 0)
		return mark;
	ledger_read(dir, apply, &info, NULL);
	mark = make_mark(&info);
	take_info_finish(&info);
	return mark;
}

/* A line that says nothing, since power failed, stands for any recording. */
static struct mark parse_line(const char *line)
{
	struct mark mark = {.start = 0};
	int end = 0;

	if (sscanf(line, "%32[0-9a-f] %" SCNu64 "%n", mark.tape, &mark.start,
		   &end) != 2 ||
	    strcmp(line + end, "\n") != 0)
		mark.tape[0] = '\0';
	return mark;
}

static bool is_another(const struct mark *a, const struct mark *b)
{
	return a->tape[0] && b->tape[0] &&
	       (strcmp(a->tape, b->tape) != 0 || a->start != b->start);
}

/* No line at all: likewise. */
static bool has_line(FILE *file, const struct mark *meant)
{
	char line[64];
	bool none = true;

	while (fgets(line, sizeof(line), file)) {
		struct mark mark = parse_line(line);

		if (!is_another(&mark, meant))
			return true;
		none = false;
	}
	return none || ferror(file);
}

static void mark_name(char marked[NAME_MAX + 1], const char *name)
{
	snprintf(marked, NAME_MAX + 1, DELETED "%.200s", name);
}

static bool covers(int session, const char *marked, const struct mark *meant)
{
	int fd = open_file(session, marked);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	bool covered = !file || has_line(file, meant);

	if (file)
		fclose(file);
	else if (fd >= 0)
		close(fd);
	return covered;
}

static bool is_marked(int session, const char *marked)
{
	struct stat stat;

	return fstatat(session, marked, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(stat.st_mode);
}

bool delete_was_here(int session, const char *take,
		     const struct take_info *info)
{
	char marked[NAME_MAX + 1];
	struct mark meant;

	mark_name(marked, take);
	if (!is_marked(session, marked))
		return false;
	if (!info)
		return true;
	meant = make_mark(info);
	return covers(session, marked, &meant);
}

/* Behind what was deleted before. A first one that is not known needs none. */
static int add_line(int fd, const struct mark *mark)
{
	char text[64] = "\n";
	struct stat stat;
	int error = 0;

	if (fstat(fd, &stat) < 0)
		return -errno;
	if (mark->tape[0])
		snprintf(text, sizeof(text), "%s %" PRIu64 "\n", mark->tape,
			 mark->start);
	if (mark->tape[0] || stat.st_size > 0)
		error = storage_posix.write(fd, text, strlen(text),
					    (uint64_t)stat.st_size);
	return error < 0 ? error : storage_posix.sync(fd);
}

/* Says so for as long as the session is there. */
static int leave_mark(int session, const char *take, const struct mark *mark)
{
	char marked[NAME_MAX + 1];
	int fd, error;

	mark_name(marked, take);
	if (is_marked(session, marked) && mark->tape[0] &&
	    covers(session, marked, mark))
		return 0;
	fd = openat(session, marked,
		    O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		    0666);
	if (fd < 0)
		return -errno;
	error = add_line(fd, mark);
	close(fd);
	return error;
}

/* ---- deleting ---- */

/* Empties a folder that is out of the way, and gives it back its name if
 * something of others is in it. */
static int finish(int session, const char *away, const char *name,
		  struct delete_report *report)
{
	int dir = folder_open(session, away), error;
	struct mark mark;

	if (dir < 0)
		return dir;
	mark = read_recording(dir);
	error = empty(dir, name, NO_HEIR, report);
	close(dir);
	if (error < 0)
		return error;
	if (unlinkat(session, away, AT_REMOVEDIR) == 0)
		error = leave_mark(session, name, &mark);
	else if (errno != ENOTEMPTY && errno != EEXIST)
		error = -errno;
	else
		error = storage_rename(session, away, session, name);
	if (error < 0)
		return error;
	return fsync(session) < 0 ? -errno : 0;
}

/* What power cuts have left; a mark's name is what they had before. */
static void finish_one(int session, const char *away)
{
	struct delete_report unused = {0};

	if (strncmp(away, DELETED, strlen(DELETED)) == 0)
		finish(session, away, away + strlen(DELETED), &unused);
	else if (strncmp(away, DELETING, strlen(DELETING)) == 0)
		finish(session, away, away + strlen(DELETING), &unused);
}

static void finish_earlier(int session)
{
	DIR *list = folder_list(session);
	const struct dirent *entry;

	replace_finish_all(session);
	if (!list)
		return;
	while ((entry = readdir(list)))
		finish_one(session, entry->d_name);
	closedir(list);
}

static int move_away(int session, const char *name, char away[NAME_MAX + 1])
{
	int error = names_keep_number(session, names_take_number(name));

	if (error == 0 && fsync(session) < 0)
		error = -errno;
	if (error < 0)
		return error;
	snprintf(away, NAME_MAX + 1, DELETING "%.200s", name);
	error = storage_rename(session, name, session, away);
	if (error == 0 && fsync(session) < 0)
		error = -errno;
	return error;
}

int delete_open(int session, const char *name)
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
	int dir = delete_open(session, name), error;
	char away[NAME_MAX + 1];

	if (dir < 0)
		return dir;
	error = move_away(session, name, away);
	if (error == 0)
		error = finish(session, away, name, report);
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
