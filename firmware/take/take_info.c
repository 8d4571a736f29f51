/* A take as its ledger tells it. */
#include "take/take_info.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PEAK_FLOOR_DB -150.0

int take_info_init(struct take_info *info)
{
	*info = (struct take_info){0};
	info->arms = json_array();
	info->markers = json_array();
	info->gaps = json_array();
	info->notes = json_array();
	info->clocks = json_array();
	info->parts = json_array();
	if (info->arms && info->markers && info->gaps && info->notes &&
	    info->clocks && info->parts)
		return 0;
	take_info_finish(info);
	return -ENOMEM;
}

void take_info_finish(struct take_info *info)
{
	json_decref(info->arms);
	json_decref(info->markers);
	json_decref(info->gaps);
	json_decref(info->notes);
	json_decref(info->clocks);
	json_decref(info->parts);
	*info = (struct take_info){0};
}

/* Copies a string member; false if it is missing, not text or too long. */
static bool get_text(const json_t *entry, const char *key, char *text,
		     size_t size)
{
	const char *value = json_string_value(json_object_get(entry, key));

	if (!value || strlen(value) >= size)
		return false;
	strcpy(text, value);
	return true;
}

static bool get_number(const json_t *entry, const char *key, uint64_t low,
		       uint64_t high, uint64_t *number)
{
	const json_t *value = json_object_get(entry, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*number = (uint64_t)json_integer_value(value);
	return *number >= low && *number <= high;
}

static bool get_unsigned(const json_t *entry, const char *key, unsigned low,
			 unsigned high, unsigned *number)
{
	uint64_t value;

	if (!get_number(entry, key, low, high, &value))
		return false;
	*number = (unsigned)value;
	return true;
}

/* A stem becomes a file name below the take's folder: nothing in it may lead
 * out of there. */
static bool stem_is_safe(const char *stem)
{
	return stem[0] && stem[0] != '.' && !strchr(stem, '/');
}

static bool apply_track(const json_t *entry, struct take_track *track)
{
	const json_t *channels = json_object_get(entry, "channels");

	*track = (struct take_track){0};
	track->channel_count = (unsigned)json_array_size(channels);
	if (track->channel_count < 1 || track->channel_count > 2)
		return false;
	for (unsigned i = 0; i < track->channel_count; i++) {
		json_int_t channel =
			json_integer_value(json_array_get(channels, i));

		if (channel < 1 || channel > TAKE_TRACKS_MAX)
			return false;
		track->channels[i] = (unsigned)channel - 1;
	}
	track->armed = json_is_true(json_object_get(entry, "armed"));
	track->filed = track->armed;
	return get_unsigned(entry, "number", 1, TAKE_TRACKS_MAX,
			    &track->number) &&
	       get_text(entry, "name", track->name, sizeof(track->name)) &&
	       get_text(entry, "file", track->stem, sizeof(track->stem)) &&
	       stem_is_safe(track->stem);
}

static int apply_start(struct take_info *info, const json_t *entry)
{
	const json_t *tracks = json_object_get(entry, "tracks");
	bool ok = info->tracks == 0;

	ok = ok && get_text(entry, "session", info->session, TAKE_TEXT_MAX);
	ok = ok && get_text(entry, "take", info->name, TAKE_TEXT_MAX);
	ok = ok && get_text(entry, "artist", info->artist, TAKE_TEXT_MAX);
	ok = ok && get_text(entry, "tape", info->tape, sizeof(info->tape));
	ok = ok && get_text(entry, "device", info->device, TAKE_TEXT_MAX);
	ok = ok && get_text(entry, "interface", info->interface, TAKE_TEXT_MAX);
	ok = ok && get_text(entry, "identity", info->identity, TAKE_TEXT_MAX);
	ok = ok &&
	     get_text(entry, "format", info->format, sizeof(info->format));
	ok = ok && get_text(entry, "date", info->date, sizeof(info->date));
	ok = ok && get_number(entry, "position", 0, INT64_MAX, &info->start);
	ok = ok && get_number(entry, "time_reference", 0, INT64_MAX,
			      &info->time_reference);
	ok = ok && get_unsigned(entry, "rate", 1, 655350, &info->rate);
	ok = ok && get_unsigned(entry, "bits", 16, 24, &info->bits);
	ok = ok && get_unsigned(entry, "level", 0, 8, &info->level);
	info->clock_set = json_is_true(json_object_get(entry, "clock_set"));
	if (!ok || json_array_size(tracks) < 1 ||
	    json_array_size(tracks) > TAKE_TRACKS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < json_array_size(tracks); i++)
		if (!apply_track(json_array_get(tracks, i), &info->track[i]))
			return -EINVAL;
	info->tracks = (unsigned)json_array_size(tracks);
	return 0;
}

static struct take_track *find_track(struct take_info *info, uint64_t number)
{
	for (unsigned i = 0; i < info->tracks; i++)
		if (info->track[i].number == number)
			return &info->track[i];
	return NULL;
}

static int keep(json_t *list, const json_t *entry)
{
	return json_array_append(list, (json_t *)entry) < 0 ? -ENOMEM : 0;
}

static int apply_arm(struct take_info *info, const json_t *entry)
{
	struct take_track *track;
	uint64_t number, at;

	if (!get_number(entry, "track", 1, TAKE_TRACKS_MAX, &number) ||
	    !get_number(entry, "at", 0, INT64_MAX, &at))
		return -EINVAL;
	track = find_track(info, number);
	if (!track)
		return -EINVAL;
	track->armed = json_is_true(json_object_get(entry, "on"));
	track->filed |= track->armed;
	return keep(info->arms, entry);
}

static int apply_gap(struct take_info *info, const json_t *entry)
{
	uint64_t at, frames;

	if (!get_number(entry, "at", 0, INT64_MAX, &at) ||
	    !get_number(entry, "frames", 1, INT64_MAX, &frames))
		return -EINVAL;
	info->gap_frames += frames;
	info->gap_count++;
	return keep(info->gaps, entry);
}

static int apply_clock(struct take_info *info, const json_t *entry)
{
	const json_t *ppm = json_object_get(entry, "ppm");

	if (json_is_number(ppm)) {
		info->ppm = json_number_value(ppm);
		info->has_ppm = true;
	}
	return keep(info->clocks, entry);
}

static int apply_part(struct take_info *info, const json_t *entry)
{
	uint64_t at;

	if (!get_number(entry, "at",
			take_info_part_start(info, take_info_parts(info) - 1) +
				1,
			INT64_MAX, &at))
		return -EINVAL;
	return keep(info->parts, entry);
}

static int apply_end(struct take_info *info, const json_t *entry)
{
	const json_t *tracks = json_object_get(entry, "tracks");
	size_t index;
	const json_t *one;

	if (!get_number(entry, "frames", 0, INT64_MAX, &info->frames) ||
	    !get_text(entry, "reason", info->reason, TAKE_TEXT_MAX))
		return -EINVAL;
	json_array_foreach((json_t *)tracks, index, one)
	{
		uint64_t number = (uint64_t)json_integer_value(
			json_object_get(one, "number"));
		struct take_track *track = find_track(info, number);

		if (!track)
			return -EINVAL;
		track->peak = (uint32_t)json_integer_value(
			json_object_get(one, "peak"));
		track->clips = (uint32_t)json_integer_value(
			json_object_get(one, "clips"));
	}
	info->ended = true;
	return 0;
}

int take_info_apply(struct take_info *info, const json_t *entry)
{
	const char *type = json_string_value(json_object_get(entry, "type"));

	if (!type)
		return -EINVAL;
	if (strcmp(type, "start") == 0)
		return apply_start(info, entry);
	if (info->tracks == 0)
		return -EINVAL;
	if (strcmp(type, "arm") == 0)
		return apply_arm(info, entry);
	if (strcmp(type, "marker") == 0)
		return keep(info->markers, entry);
	if (strcmp(type, "gap") == 0)
		return apply_gap(info, entry);
	if (strcmp(type, "clock") == 0)
		return apply_clock(info, entry);
	if (strcmp(type, "part") == 0)
		return apply_part(info, entry);
	if (strcmp(type, "end") == 0)
		return apply_end(info, entry);
	return keep(info->notes, entry);
}

static json_t *track_entry(const struct take_track *track)
{
	json_t *channels = json_array();

	for (unsigned i = 0; i < track->channel_count; i++)
		json_array_append_new(channels,
				      json_integer(track->channels[i] + 1));
	return json_pack("{si ss ss so sb}", "number", (int)track->number,
			 "name", track->name, "file", track->stem, "channels",
			 channels, "armed", (int)track->armed);
}

json_t *take_info_start_entry(const struct take_info *info)
{
	json_t *tracks = json_array();

	for (unsigned i = 0; i < info->tracks; i++)
		json_array_append_new(tracks, track_entry(&info->track[i]));
	return json_pack(
		"{ss si ss ss ss ss ss ss ss ss ss sb sI sI si si si so}",
		"type", "start", "version", 1, "session", info->session, "take",
		info->name, "artist", info->artist, "tape", info->tape,
		"device", info->device, "interface", info->interface,
		"identity", info->identity, "format", info->format, "date",
		info->date, "clock_set", (int)info->clock_set, "position",
		(json_int_t)info->start, "time_reference",
		(json_int_t)info->time_reference, "rate", (int)info->rate,
		"bits", (int)info->bits, "level", (int)info->level, "tracks",
		tracks);
}

unsigned take_info_parts(const struct take_info *info)
{
	return (unsigned)json_array_size(info->parts) + 1;
}

uint64_t take_info_part_start(const struct take_info *info, unsigned part)
{
	return part == 0
		       ? 0
		       : (uint64_t)json_integer_value(json_object_get(
				 json_array_get(info->parts, part - 1), "at"));
}

void take_info_file(const struct take_track *track, unsigned part,
		    char name[TAKE_FILE_MAX])
{
	if (part == 0)
		snprintf(name, TAKE_FILE_MAX, "%s.flac", track->stem);
	else
		snprintf(name, TAKE_FILE_MAX, "%s_%u.flac", track->stem,
			 part + 1);
}

const char *take_info_verdict(const struct take_info *info)
{
	return info->gap_count ? "gaps" : "sample-complete";
}

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
			files, json_pack("{ss sI}", "file", name, "at",
					 (json_int_t)take_info_part_start(
						 info, part)));
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
		one = track_entry(track);
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
		"{ss si ss ss ss ss sb sI si si sI sf ss ss}", "type",
		"takebox-take", "version", 1, "session", info->session, "take",
		info->name, "artist", info->artist, "date", info->date,
		"clock_set", (int)info->clock_set, "time_reference",
		(json_int_t)info->time_reference, "rate", (int)info->rate,
		"bits", (int)info->bits, "frames", (json_int_t)info->frames,
		"seconds", (double)info->frames / info->rate, "stopped_by",
		info->reason, "verdict", take_info_verdict(info));
	json_t *device = json_pack("{ss ss ss ss}", "device", info->device,
				   "name", info->interface, "identity",
				   info->identity, "format", info->format);

	if (!root)
		return NULL;
	json_object_set_new(root, "interface", device);
	json_object_set_new(root, "ppm",
			    info->has_ppm ? json_real(info->ppm) : json_null());
	json_object_set_new(root, "tracks", tracks_json(info));
	json_object_set(root, "markers", info->markers);
	json_object_set(root, "gaps", info->gaps);
	json_object_set(root, "arms", info->arms);
	json_object_set(root, "notes", info->notes);
	json_object_set(root, "clock", info->clocks);
	return root;
}
