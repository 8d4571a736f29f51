/* take.json: a take as other programs read it. */
#include "take/take_info.h"

#include <math.h>

#include "base/json_text.h"

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
		json_add_item(
			&files,
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
		json_add_member(&one, "files", files_json(info, track));
		json_add_member(
			&one, "peak_db",
			json_real(round(take_peak_db(track->peak, info->bits) *
					100) /
				  100));
		json_add_member(&one, "clips", json_integer(track->clips));
		json_add_item(&tracks, one);
	}
	return tracks;
}

json_t *take_info_json(const struct take_info *info)
{
	json_t *root = json_pack(
		"{ss si so so so so sb sI si si sI sf so sI ss}", "type",
		"takebox-take", "version", 1, "session",
		take_info_string(info->session), "take",
		take_info_string(info->name), "artist",
		take_info_string(info->artist), "date",
		take_info_string(info->date), "clock_set", (int)info->clock_set,
		"time_reference", (json_int_t)info->time_reference, "rate",
		(int)info->rate, "bits", (int)info->bits, "frames",
		(json_int_t)info->frames, "seconds",
		(double)info->frames / info->rate, "stopped_by",
		take_info_string(info->reason), "missing_behind",
		(json_int_t)info->missing, "verdict", take_info_verdict(info));
	json_t *device = json_pack("{so so so so}", "device",
				   take_info_string(info->device), "name",
				   take_info_string(info->interface),
				   "identity", take_info_string(info->identity),
				   "format", take_info_string(info->format));

	json_add_member(&root, "interface", device);
	json_add_member(&root, "ppm",
			info->has_ppm ? json_real(info->ppm) : json_null());
	json_add_member(&root, "healed_at",
			info->healed ? json_integer((json_int_t)info->healed_at)
				     : json_null());
	json_add_member(&root, "tracks", tracks_json(info));
	json_add_member(&root, "markers", json_incref(info->markers));
	json_add_member(&root, "gaps", json_incref(info->gaps));
	json_add_member(&root, "arms", json_incref(info->arms));
	json_add_member(&root, "notes", json_incref(info->notes));
	json_add_member(&root, "clock", json_incref(info->clocks));
	return root;
}
