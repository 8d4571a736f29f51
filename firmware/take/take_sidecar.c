/* The take for other programs: labels and a REAPER project, from its info. */
#include "take/take_private.h"

#include <errno.h>
#include <stdlib.h>

#include "take/sidecar.h"

#define FILES_MAX 4096

struct parts {
	struct sidecar sidecar;
	struct sidecar_track track[TAKE_TRACKS_MAX];
	struct sidecar_file file[FILES_MAX];
	char name[FILES_MAX][TAKE_FILE_MAX];
	unsigned files;
};

static uint64_t number(const json_t *entry, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(entry, key));
}

static uint64_t part_end(const struct take_info *info, unsigned part)
{
	return part + 1 < take_info_parts(info)
		       ? take_info_part_start(info, part + 1)
		       : info->frames;
}

static void add_track(struct parts *parts, const struct take_info *info,
		      const struct take_track *track)
{
	struct sidecar_track *one = &parts->track[parts->sidecar.track_count++];

	one->number = track->number;
	one->name = track->name;
	one->files = &parts->file[parts->files];
	for (unsigned part = 0;
	     part < take_info_parts(info) && parts->files < FILES_MAX; part++) {
		struct sidecar_file *file = &parts->file[parts->files];

		take_info_file(track, part, parts->name[parts->files]);
		file->name = parts->name[parts->files];
		file->start = take_info_part_start(info, part);
		file->frames = part_end(info, part) - file->start;
		parts->files++;
		one->file_count++;
	}
}

static struct sidecar_marker *list_markers(const json_t *list)
{
	size_t count = json_array_size(list);
	struct sidecar_marker *markers = calloc(count + 1, sizeof(*markers));

	for (size_t i = 0; markers && i < count; i++) {
		const json_t *entry = json_array_get(list, i);

		markers[i].position = number(entry, "at");
		markers[i].name =
			json_string_value(json_object_get(entry, "name"));
	}
	return markers;
}

static struct sidecar_gap *list_gaps(const json_t *list)
{
	size_t count = json_array_size(list);
	struct sidecar_gap *gaps = calloc(count + 1, sizeof(*gaps));

	for (size_t i = 0; gaps && i < count; i++) {
		const json_t *entry = json_array_get(list, i);

		gaps[i].position = number(entry, "at");
		gaps[i].frames = number(entry, "frames");
		gaps[i].cause =
			json_string_value(json_object_get(entry, "cause"));
	}
	return gaps;
}

int take_write_labels(struct take *take)
{
	const struct take_info *info = &take->info;
	struct parts *parts = calloc(1, sizeof(*parts));
	struct sidecar_marker *markers = list_markers(info->markers);
	struct sidecar_gap *gaps = list_gaps(info->gaps);
	int error = -ENOMEM;

	if (parts && markers && gaps) {
		parts->sidecar = (struct sidecar){
			.session = info->session,
			.take = info->name,
			.artist = info->artist,
			.date = info->date,
			.folder = info->name,
			.rate = info->rate,
			.bits = info->bits,
			.frames = info->frames,
			.tracks = parts->track,
			.markers = markers,
			.marker_count =
				(unsigned)json_array_size(info->markers),
			.gaps = gaps,
			.gap_count = (unsigned)json_array_size(info->gaps),
			/* It had ended before this writer came. */
			.had_project = !take->begun,
		};
		for (unsigned i = 0; i < info->tracks; i++)
			if (info->track[i].filed)
				add_track(parts, info, &info->track[i]);
		error = sidecar_write(take->plan.dir, &parts->sidecar);
	}
	free(gaps);
	free(markers);
	free(parts);
	return error;
}
