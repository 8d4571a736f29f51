/* Finding interrupted takes; take_resume makes them whole. */
#include "take/heal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/json_text.h"
#include "take/flac_blocks.h"
#include "take/ledger.h"
#include "take/names.h"
#include "take/replace.h"
#include "take/take.h"

#define TAKEBOX_FOLDER "Takebox"
#define DEPTH_MAX      3 /* Takebox, session, take */

/* ---- what a folder is ---- */

/* What this process has too little of says nothing of the medium. */
static bool is_want(int error)
{
	return error == ENOMEM || error == EMFILE || error == ENFILE;
}

/* The name alone can be there after a power cut, or a part of the text; or it
 * cannot be read. */
static enum heal_state look_at_json(int dir)
{
	int fd = openat(dir, TAKE_JSON,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int error = fd < 0 ? errno : 0;
	json_t *root;
	bool whole;

	errno = 0;
	root = fd < 0 ? NULL : json_read_file(fd, JSON_TAKE_BYTES);
	if (fd >= 0 && !root)
		error = errno;
	whole = json_is_object(root);
	json_decref(root);
	if (fd >= 0)
		close(fd);
	if (is_want(error))
		return HEAL_UNKNOWN;
	return whole ? HEAL_WHOLE : HEAL_OPEN;
}

static int find_start(void *context, const json_t *entry)
{
	const char *type = json_string_value(json_object_get(entry, "type"));

	*(bool *)context = type && strcmp(type, "start") == 0;
	return -ECANCELED; /* the first one is enough */
}

/* Has it one that tells of a take? Negative errno: not known. */
static int has_ledger(int dir)
{
	bool started = false;
	int error = ledger_read(dir, find_start, &started, NULL);

	return error < 0 && is_want(-error) ? error : started;
}

static int is_track(int dir, const char *name)
{
	size_t length = strlen(name);
	uint8_t sector[FLAC_SECTOR_BYTES];
	struct flac_head head;
	bool ours;
	int fd;

	if (length < 5 || strcmp(name + length - 5, ".flac") != 0)
		return false;
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return is_want(errno) ? -errno : 0;
	ours = flac_read_at(fd, 0, sector, sizeof(sector)) == sizeof(sector) &&
	       flac_read_sector(sector, &head) == 0;
	close(fd);
	return ours;
}

bool heal_is_track(int dir, const char *name)
{
	return is_track(dir, name) > 0;
}

static int has_tracks(int dir)
{
	DIR *list = folder_list(dir);
	struct dirent *entry;
	int found = 0;

	if (!list)
		return is_want(errno) ? -errno : 0;
	while (found == 0 && (entry = readdir(list)))
		found = is_track(dir, entry->d_name);
	closedir(list);
	return found;
}

enum heal_state heal_look(int dir, const char *name)
{
	bool named = names_take_number(name) > 0;
	int ledger = has_ledger(dir), tracks;

	if (ledger < 0)
		return HEAL_UNKNOWN;
	if (ledger > 0)
		return look_at_json(dir);
	if (!named)
		return HEAL_NO_TAKE;
	/* With its ledger lost only its name and its tracks tell that it is
	 * one. */
	tracks = has_tracks(dir);
	if (tracks < 0)
		return HEAL_UNKNOWN;
	return tracks ? HEAL_OPEN : HEAL_EMPTY;
}

/* ---- one take ---- */

static void wait_for(struct take *take, struct take_status *status)
{
	struct pollfd poll_fd = {.fd = take_fd(take), .events = POLLIN};
	uint64_t count;

	for (;;) {
		take_get_status(take, status);
		if (status->state == TAKE_DONE || status->state == TAKE_FAILED)
			return;
		if (poll(&poll_fd, 1, -1) < 0 && errno != EINTR)
			continue;
		if (read(poll_fd.fd, &count, sizeof(count)) < 0)
			continue;
	}
}

void heal_take(int dir, const struct storage *storage,
	       struct heal_report *report)
{
	struct take_plan plan = {
		.storage = storage,
		.dir = dir,
		.parents = {-1, -1, -1},
		.sync_seconds = 1,
		.workers = 1,
		.stop = TAKE_FOREVER,
	};
	const struct take_info *info;
	struct take_status status;
	struct take *take;

	report->error = take_resume(&take, &plan);
	if (report->error < 0)
		return;
	wait_for(take, &status);
	info = take_result(take);
	report->frames = info->frames;
	report->rate = info->rate;
	report->seconds = info->rate ? (double)info->frames / info->rate : 0.0;
	if (status.state == TAKE_DONE)
		snprintf(report->verdict, sizeof(report->verdict), "%s",
			 take_info_verdict(info));
	else
		report->error = status.error < 0 ? status.error : -EIO;
	take_destroy(take);
}

/* ---- all of a medium ---- */

struct search {
	const struct storage *storage;
	const char *tape;
	heal_fn fn;
	void *context;
	int failed;
};

struct wanted {
	const char *tape;
	bool found;
};

static int compare_tape(void *context, const json_t *entry)
{
	struct wanted *wanted = context;
	const char *tape = json_string_value(json_object_get(entry, "tape"));

	wanted->found = tape && strcmp(tape, wanted->tape) == 0;
	return -ECANCELED;
}

static int is_on_tape(int dir, const char *tape)
{
	struct wanted wanted = {.tape = tape};

	int error = tape ? ledger_read(dir, compare_tape, &wanted, NULL) : 0;

	return error < 0 && is_want(-error) ? error : wanted.found;
}

static void tell(struct search *search, const struct heal_report *report)
{
	search->failed += report->error < 0 && report->error != -EAGAIN;
	if (search->fn)
		search->fn(search->context, report);
}

/* dir is closed. */
static void heal_one(struct search *search, int dir, const char *path)
{
	struct heal_report report = {.folder = path};
	int on_tape = is_on_tape(dir, search->tape);

	if (on_tape == 0) {
		heal_take(dir, search->storage, &report);
	} else {
		report.error = on_tape > 0 ? -EAGAIN : on_tape;
		close(dir);
	}
	tell(search, &report);
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void look_below(struct search *search, int dir, const char *path,
		       unsigned depth);

/* dir is closed. */
static void look_at(struct search *search, int dir, const char *path,
		    unsigned depth)
{
	enum heal_state state = heal_look(dir, last_name(path));

	if (state == HEAL_OPEN) {
		heal_one(search, dir, path);
		return;
	}
	if (state == HEAL_UNKNOWN)
		tell(search,
		     &(struct heal_report){.folder = path, .error = -ENOMEM});
	/* A session can be called like a take. */
	if ((state == HEAL_NO_TAKE || state == HEAL_EMPTY) && depth > 0)
		look_below(search, dir, path, depth);
	close(dir);
}

static void look_below(struct search *search, int dir, const char *path,
		       unsigned depth)
{
	char below[PATH_MAX];
	struct dirent *entry;
	DIR *list;

	replace_finish_all(dir); /* or a take would stay out of sight */
	list = folder_list(dir);
	while (list && (entry = readdir(list))) {
		int fd = entry->d_name[0] == '.'
				 ? -1
				 : openat(dir, entry->d_name,
					  O_RDONLY | O_DIRECTORY | O_CLOEXEC |
						  O_NOFOLLOW);

		if (fd < 0)
			continue;
		if (snprintf(below, sizeof(below), "%s/%s", path,
			     entry->d_name) < (int)sizeof(below))
			look_at(search, fd, below, depth - 1);
		else
			close(fd);
	}
	if (list)
		closedir(list);
}

int heal_folder(const char *folder, const struct storage *storage,
		const char *tape, heal_fn fn, void *context)
{
	struct search search = {
		.storage = storage, .tape = tape, .fn = fn, .context = context};
	char path[PATH_MAX], takebox[PATH_MAX + 16];
	int dir;

	if (!realpath(folder, path))
		return -errno;
	/* On a medium nothing but our own folder is looked into. */
	snprintf(takebox, sizeof(takebox), "%s/" TAKEBOX_FOLDER, path);
	dir = open(takebox, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) {
		look_below(&search, dir, takebox, DEPTH_MAX - 1);
		close(dir);
		return search.failed;
	}
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	look_at(&search, dir, path, DEPTH_MAX - 1);
	return search.failed;
}
