/* Takes in a few numbers, from their ledgers. */
#include "transport/summary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "take/ledger.h"

json_t *summary_of_take(const struct take_info *info, const char *folder,
			uint64_t bytes)
{
	json_t *peaks = json_array(), *clips = json_array();
	json_t *names = json_array(), *take;
	int tracks = 0;

	for (unsigned i = 0; i < info->tracks; i++) {
		const struct take_track *track = &info->track[i];
		double db = take_peak_db(track->peak, info->bits);

		if (!track->filed)
			continue;
		tracks++;
		json_array_append_new(peaks, json_real(round(db * 10) / 10));
		json_array_append_new(clips, json_integer(track->clips));
		json_array_append_new(names, json_string(track->name));
	}
	take = json_pack("{ss ss ss sf sI si sI sI si ss ss so so so}",
			 "session", info->session, "name", info->name, "folder",
			 folder, "seconds", (double)info->frames / info->rate,
			 "frames", (json_int_t)info->frames, "tracks", tracks,
			 "gaps", (json_int_t)info->gap_count, "lost",
			 (json_int_t)(info->gap_frames + info->missing),
			 "markers", (int)json_array_size(info->markers),
			 "verdict",
			 info->ended ? take_info_verdict(info) : "open",
			 "stopped_by", info->reason, "peaks", peaks, "clips",
			 clips, "track_names", names);
	if (take && bytes)
		json_object_set_new(take, "bytes",
				    json_integer((json_int_t)bytes));
	return take;
}

static int apply(void *context, const json_t *entry)
{
	return take_info_apply(context, entry);
}

static uint64_t folder_bytes(int dir, const struct take_info *info)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < info->tracks; i++) {
		for (unsigned part = 0; part < take_info_parts(info); part++) {
			char name[TAKE_FILE_MAX];
			struct stat stat;

			take_info_file(&info->track[i], part, name);
			if (fstatat(dir, name, &stat, 0) == 0)
				bytes += (uint64_t)stat.st_size;
		}
	}
	return bytes;
}

static json_t *read_take(const char *folder)
{
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct take_info info;
	json_t *take = NULL;

	if (dir < 0)
		return NULL;
	if (take_info_init(&info) == 0 &&
	    ledger_read(dir, apply, &info, NULL) == 0 && info.tracks > 0)
		take = summary_of_take(&info, folder, folder_bytes(dir, &info));
	take_info_finish(&info);
	close(dir);
	return take;
}

static int is_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void list_session(json_t *takes, const char *folder, const char *session)
{
	struct dirent **names = NULL;
	char path[PATH_MAX];
	int count;

	snprintf(path, sizeof(path), "%s/Takebox/%s", folder, session);
	count = scandir(path, &names, is_name, alphasort);
	for (int i = 0; i < count; i++) {
		char take_path[PATH_MAX + 256];
		json_t *take;

		snprintf(take_path, sizeof(take_path), "%s/%s", path,
			 names[i]->d_name);
		take = read_take(take_path);
		if (take)
			json_array_append_new(takes, take);
		free(names[i]);
	}
	free(names);
}

json_t *summary_of_takes(const char *folder, const char *session)
{
	json_t *takes = json_array();
	struct dirent **names = NULL;
	char path[PATH_MAX];
	int count;

	snprintf(path, sizeof(path), "%s/Takebox", folder);
	count = takes ? scandir(path, &names, is_name, alphasort) : 0;
	for (int i = 0; i < count; i++) {
		if (!session || !session[0] ||
		    strcmp(session, names[i]->d_name) == 0)
			list_session(takes, folder, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return takes;
}
