/* take.json: a take as other programs read it. */
#include "take/take_info.h"

#include <math.h>

#define PEAK_FLOOR_DB -150.0

double take_peak_db(uint32_t peak, unsigned bits)
{
	if (peak == 0)
		return PEAK_FLOOR_DB;
	return 20.0 * log10((double)peak / (double)(1u << (bits - 1)));
}

static json_t *files_json(const struct take_info *info,
			  const struct take_track *track)
{
	json_t *files = json_array();

	for (unsigned part = 0; part < take_info_parts(info); part++) {
		char name[TAKE_FILE_MAX];

		take_info_file(track, part, name);
		json_array_append_new(
			files,
			json_pack("{ss sI ss?}", "file", name, "at",
				  (json_int_t)take_info_part_start(info, part),
				  "md5", take_info_md5(info, track, part)));
	}
	return files;
}

static json_t *tracks_json(const struct take_info *info)
{
	json_t *tracks = json_array();

	for (unsigned i = 0; i < info->tracks; i++) {
		const struct take_track *track = &info->track[i];
		json_t *one;

		if (!track->filed)
			continue;
		one = take_info_track_entry(track);
		json_object_del(one, "file");
		json_object_set_new(one, "files", files_json(info, track));
		json_object_set_new(
			one, "peak_db",
			json_real(round(take_peak_db(track->peak, info->bits) *
					100) /
				  100));
		json_object_set_new(one, "clips", json_integer(track->clips));
		json_array_append_new(tracks, one);
	}
	return tracks;
}

json_t *take_info_json(const struct take_info *info)
{
	json_t *root = json_pack(
		"{ss si ss ss ss ss sb sI si si sI sf ss sI ss}", "type",
		"takebox-take", "version", 1, "session", info->session, "take",
		info->name, "artist", info->artist, "date", info->date,
		"clock_set", (int)info->clock_set, "time_reference",
		(json_int_t)info->time_reference, "rate", (int)info->rate,
		"bits", (int)info->bits, "frames", (json_int_t)info->frames,
		"seconds", (double)info->frames / info->rate, "stopped_by",
		info->reason, "missing_behind", (json_int_t)info->missing,
		"verdict", take_info_verdict(info));
	json_t *device = json_pack("{ss ss ss ss}", "device", info->device,
				   "name", info->interface, "identity",
				   info->identity, "format", info->format);

	if (!root)
		return NULL;
	json_object_set_new(root, "interface", device);
	json_object_set_new(root, "ppm",
			    info->has_ppm ? json_real(info->ppm) : json_null());
	json_object_set_new(root, "healed_at",
			    info->healed
				    ? json_integer((json_int_t)info->healed_at)
				    : json_null());
	json_object_set_new(root, "tracks", tracks_json(info));
	json_object_set(root, "markers", info->markers);
	json_object_set(root, "gaps", info->gaps);
	json_object_set(root, "arms", info->arms);
	json_object_set(root, "notes", info->notes);
	json_object_set(root, "clock", info->clocks);
	return root;
}
