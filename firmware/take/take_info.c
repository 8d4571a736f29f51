/* A take as its ledger tells it: what holds it, and what can be asked of it.
 * take_info_apply.c fills it in, take_info_json.c prints it. */
#include "take/take_info.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json_text.h"
#include "base/utf8.h"

int take_info_init(struct take_info *info)
{
	*info = (struct take_info){0};
	info->arms = json_array();
	info->markers = json_array();
	info->gaps = json_array();
	info->notes = json_array();
	info->clocks = json_array();
	info->parts = json_array();
	info->levels = json_array();
	if (info->arms && info->markers && info->gaps && info->notes &&
	    info->clocks && info->parts && info->levels)
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
	json_decref(info->levels);
	json_decref(info->ends);
	*info = (struct take_info){0};
}

void take_info_text(char *out, size_t size, const char *text)
{
	size_t length = strlen(text), used;

	length = utf8_cut(text, length, size - 1);
	memcpy(out, text, length);
	out[length] = '\0';
	while ((used = utf8_valid_prefix(out, length)) < length)
		out[used] = '?';
}

json_t *take_info_string(const char *text)
{
	char clean[TAKE_TEXT_MAX];

	take_info_text(clean, sizeof(clean), text);
	return json_string(clean);
}

json_t *take_info_track_entry(const struct take_track *track)
{
	json_t *channels = json_array();

	for (unsigned i = 0; i < track->channel_count; i++)
		json_add_item(&channels, json_integer(track->channels[i] + 1));
	return json_pack("{si so so so sb}", "number", (int)track->number,
			 "name", take_info_string(track->name), "file",
			 take_info_string(track->stem), "channels", channels,
			 "armed", (int)track->armed);
}

json_t *take_info_start_entry(const struct take_info *info)
{
	json_t *tracks = json_array();

	for (unsigned i = 0; i < info->tracks; i++)
		json_add_item(&tracks, take_info_track_entry(&info->track[i]));
	return json_pack(
		"{ss si so so so so so so so so so sb sI sI si si si so}",
		"type", "start", "version", 1, "session",
		take_info_string(info->session), "take",
		take_info_string(info->name), "artist",
		take_info_string(info->artist), "tape",
		take_info_string(info->tape), "device",
		take_info_string(info->device), "interface",
		take_info_string(info->interface), "identity",
		take_info_string(info->identity), "format",
		take_info_string(info->format), "date",
		take_info_string(info->date), "clock_set", (int)info->clock_set,
		"position", (json_int_t)info->start, "time_reference",
		(json_int_t)info->time_reference, "rate", (int)info->rate,
		"bits", (int)info->bits, "level", (int)info->level, "tracks",
		tracks);
}

static bool is_of(const json_t *arm, const struct take_track *track)
{
	return json_integer_value(json_object_get(arm, "track")) ==
	       (json_int_t)track->number;
}

static uint64_t at_of(const json_t *entry)
{
	return (uint64_t)json_integer_value(json_object_get(entry, "at"));
}

uint64_t take_info_silent_until(const struct take_info *info, unsigned index)
{
	size_t i;
	json_t *arm;

	if (info->track[index].began_armed)
		return 0;
	json_array_foreach(info->arms, i,
			   arm) if (is_of(arm, &info->track[index]) &&
				    json_is_true(json_object_get(
					    arm, "on"))) return at_of(arm);
	return UINT64_MAX;
}

bool take_info_sounds(const struct take_info *info, unsigned index, uint64_t at)
{
	bool on = info->track[index].began_armed;
	size_t i;
	json_t *arm;

	json_array_foreach(info->arms, i,
			   arm) if (is_of(arm, &info->track[index]) &&
				    at_of(arm) <= at) on =
		json_is_true(json_object_get(arm, "on"));
	return on;
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

const char *take_info_md5(const struct take_info *info,
			  const struct take_track *track, unsigned part)
{
	size_t i;
	json_t *end;

	json_array_foreach(info->ends, i, end)
	{
		if (json_integer_value(json_object_get(end, "number")) ==
		    (json_int_t)track->number)
			return json_string_value(json_array_get(
				json_object_get(end, "md5"), part));
	}
	return NULL;
}

const char *take_info_verdict(const struct take_info *info)
{
	if (info->damages > 0)
		return "damaged";
	return info->gap_count || info->missing || info->unsure ||
			       info->silenced
		       ? "gaps"
		       : "sample-complete";
}
