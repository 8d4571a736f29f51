/*
 * What a take's files tell of it when its ledger does not: all of it if the
 * ledger is lost, the end of it if only that is. What the ledger had to say of
 * gaps is gone then, and the take cannot be called complete: `rebuilt` in the
 * new one's first entry says so.
 *
 * Only files count that have the name of a track and the head of one.
 */
#include "take/take_private.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/json_text.h"
#include "base/log.h"
#include "take/flac_blocks.h"
#include "take/flac_check.h"

#define SUFFIX ".flac"

/* "03-Kick.flac" or "03-Kick_2.flac"; part counts from 0. */
static bool parse_name(const char *name, unsigned *number, unsigned *part,
		       char stem[64])
{
	size_t length = strlen(name);
	char *mark, *end;

	if (length < 4 + strlen(SUFFIX) || length >= 64 ||
	    !isdigit((unsigned char)name[0]) ||
	    !isdigit((unsigned char)name[1]) || name[2] != '-' ||
	    strcmp(name + length - strlen(SUFFIX), SUFFIX) != 0)
		return false;
	snprintf(stem, 64, "%.*s", (int)(length - strlen(SUFFIX)), name);
	*number = (unsigned)(name[0] - '0') * 10 + (unsigned)(name[1] - '0');
	*part = 0;
	mark = strchr(stem, '_');
	if (!mark)
		return *number > 0;
	*part = (unsigned)strtoul(mark + 1, &end, 10) - 1;
	*mark = '\0';
	return *number > 0 && *end == '\0' && *part > 0 && *part < 10000;
}

/* A Takebox head, by its first sector. */
static bool read_head(int dir, const char *name, struct flac_streaminfo *info)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint8_t sector[FLAC_SECTOR_BYTES];
	struct flac_head head;
	bool ours;

	if (fd < 0)
		return false;
	ours = flac_read_at(fd, 0, sector, sizeof(sector)) == sizeof(sector) &&
	       flac_read_sector(sector, &head) == 0;
	close(fd);
	*info = head.info;
	return ours;
}

/* ---- a ledger from nothing ---- */

static void on_tag(void *user, const char *name, const char *value)
{
	struct take_info *info = user;
	struct take_track *track = &info->track[info->tracks];

	if (strcmp(name, "TITLE") == 0)
		take_info_text(track->name, sizeof(track->name), value);
	else if (strcmp(name, "ALBUM") == 0)
		take_info_text(info->session, TAKE_TEXT_MAX, value);
	else if (strcmp(name, "ARTIST") == 0)
		take_info_text(info->artist, TAKE_TEXT_MAX, value);
	else if (strcmp(name, "DATE") == 0)
		take_info_text(info->date, sizeof(info->date), value);
	else if (strcmp(name, "TIME_REFERENCE") == 0)
		info->time_reference = strtoull(value, NULL, 10) & INT64_MAX;
}

/* Of a track and its copies the one with the shortest name: a copy's has had
 * something put to it, mostly. */
static bool is_nearer(const char *stem, const struct take_track *other)
{
	size_t mine = strlen(stem), theirs = strlen(other->stem);

	return mine != theirs ? mine < theirs : strcmp(stem, other->stem) < 0;
}

static void remove_track(struct take_info *info, unsigned index)
{
	info->tracks--;
	memmove(&info->track[index], &info->track[index + 1],
		(info->tracks - index) * sizeof(*info->track));
}

/* Makes way for it. False: it has none. */
static bool displaces(struct take_info *info, unsigned number, const char *stem)
{
	for (unsigned i = 0; i < info->tracks; i++) {
		if (info->track[i].number != number)
			continue;
		if (!is_nearer(stem, &info->track[i]))
			return false;
		remove_track(info, i);
		break;
	}
	return info->tracks < TAKE_TRACKS_MAX;
}

static void add_track(struct take_info *info, int dir, const char *name)
{
	struct take_track *track;
	struct flac_streaminfo stream;
	char path[PATH_MAX], stem[64];
	unsigned number, part;

	if (!parse_name(name, &number, &part, stem) || part > 0 ||
	    number > TAKE_TRACKS_MAX || !read_head(dir, name, &stream) ||
	    (info->tracks > 0 &&
	     (stream.rate != info->rate || stream.bits != info->bits)) ||
	    !displaces(info, number, stem))
		return;
	track = &info->track[info->tracks];
	*track = (struct take_track){
		.number = number,
		.channel_count = stream.channels,
		.channels = {number - 1, number % TAKE_TRACKS_MAX},
		.armed = true};
	snprintf(track->stem, sizeof(track->stem), "%s", stem);
	snprintf(track->name, sizeof(track->name), "%s", stem + 3);
	info->rate = stream.rate;
	info->bits = stream.bits;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
	flac_read_tags(path, on_tag, info);
	info->tracks++;
}

static int by_number(const void *a, const void *b)
{
	const struct take_track *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static int list_tracks(struct take_info *info, int dir)
{
	DIR *list = folder_list(dir);
	struct dirent *entry;

	if (!list)
		return -errno;
	while ((entry = readdir(list)))
		add_track(info, dir, entry->d_name);
	closedir(list);
	qsort(info->track, info->tracks, sizeof(*info->track), by_number);
	return 0;
}

/* The folder's own name: a descriptor of it is all there is. */
static void name_take(struct take_info *info, int dir)
{
	char link[64], path[PATH_MAX];
	const char *slash;
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	length = readlink(link, path, sizeof(path) - 1);
	path[length > 0 ? length : 0] = '\0';
	slash = strrchr(path, '/');
	take_info_text(info->name, TAKE_TEXT_MAX, slash ? slash + 1 : "Take");
}

static json_t *start_entry(const struct take_info *info)
{
	json_t *start = take_info_start_entry(info);

	json_add_member(&start, "rebuilt", json_true());
	return start;
}

/* Before it is written: one that makes no sense would be in the way for ever.
 */
static int try_start(const json_t *start)
{
	struct take_info *info = calloc(1, sizeof(*info));
	int error = info && start ? take_info_init(info) : -ENOMEM;

	if (error == 0) {
		error = take_info_apply(info, start);
		take_info_finish(info);
	}
	free(info);
	return error;
}

/* One entry, so that no power cut leaves it without saying what it is. */
static int write_ledger(struct take *take, const struct take_info *info)
{
	const struct storage *storage = take->plan.storage;
	json_t *start = start_entry(info);
	int error = try_start(start);

	if (error == 0)
		error = storage->remove(take->plan.dir, LEDGER_NAME);

	if (error == 0 || error == -ENOENT)
		error = ledger_create(&take->ledger, storage, take->plan.dir);
	if (error == 0)
		error = take_note(take, json_incref(start));
	json_decref(start);
	if (error == 0)
		error = ledger_sync(&take->ledger);
	return error < 0 ? error : storage->sync_dir(take->plan.dir);
}

int take_rebuild_ledger(struct take *take)
{
	struct take_info *info = calloc(1, sizeof(*info));
	int error;

	if (!info)
		return -ENOMEM;
	info->level = 5;
	snprintf(info->format, sizeof(info->format), "unknown");
	error = list_tracks(info, take->plan.dir);
	if (error == 0 && info->tracks == 0)
		error = -EINVAL;
	if (error == 0) {
		name_take(info, take->plan.dir);
		error = write_ledger(take, info);
	}
	if (error == 0)
		log_warning("%s: its ledger was lost and is made anew from %u "
			    "tracks; what it said of gaps is lost",
			    info->name, info->tracks);
	free(info);
	return error;
}

/* ---- what the ledger does not have any more ---- */

/* The length of a part of which some file is finished. */
static uint64_t sealed_length(const struct take *take, unsigned part)
{
	for (unsigned i = 0; i < take->info.tracks; i++) {
		struct track_state state;
		char name[TAKE_FILE_MAX];

		if (!take->info.track[i].filed)
			continue;
		take_info_file(&take->info.track[i], part, name);
		if (track_inspect(&state, take->plan.storage, take->plan.dir,
				  name) == 0 &&
		    state.sealed)
			return state.at[0];
	}
	return 0;
}

static bool has_file(const struct take *take, unsigned index, unsigned part)
{
	struct flac_streaminfo info;
	char name[TAKE_FILE_MAX];

	take_info_file(&take->info.track[index], part, name);
	return read_head(take->plan.dir, name, &info) &&
	       info.rate == take->info.rate && info.bits == take->info.bits &&
	       info.channels == take->info.track[index].channel_count;
}

static int adopt_track(struct take *take, unsigned index)
{
	if (take->info.track[index].filed || !has_file(take, index, 0))
		return 0;
	return take_note(take,
			 json_pack("{ss si sb sI sb}", "type", "arm", "track",
				   (int)take->info.track[index].number, "on", 1,
				   "at", (json_int_t)0, "found", 1));
}

/* 1: there is one more. */
static int adopt_part(struct take *take)
{
	unsigned next = take_info_parts(&take->info);
	uint64_t length;
	bool found = false;
	int error;

	for (unsigned i = 0; i < take->info.tracks && !found; i++)
		found = take->info.track[i].filed && has_file(take, i, next);
	length = found ? sealed_length(take, next - 1) : 0;
	if (length == 0)
		return 0;
	error = take_note(
		take, json_pack("{ss sI sb}", "type", "part", "at",
				(json_int_t)(take_info_part_start(&take->info,
								  next - 1) +
					     length),
				"found", 1));
	return error < 0 ? error : 1;
}

int take_adopt_files(struct take *take)
{
	int error = 0, more = 1;

	for (unsigned i = 0; i < take->info.tracks && error == 0; i++)
		error = adopt_track(take, i);
	while (error == 0 && more > 0) {
		more = adopt_part(take);
		error = more < 0 ? more : 0;
	}
	return error < 0 ? error : ledger_sync(&take->ledger);
}
