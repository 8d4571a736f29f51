/* Tags by FIELD's conventions: what a DAW and a player show. */
#include "take/take_tags.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CHAPTERS_MAX 250

static const char *keep(struct take_tags *tags, const char *format,
			va_list args)
{
	char *text = tags->text + tags->used;
	size_t left = sizeof(tags->text) - tags->used;
	int length = vsnprintf(text, left, format, args);

	if (length < 0 || (size_t)length >= left)
		return NULL;
	tags->used += (size_t)length + 1;
	return text;
}

static const char *__attribute__((format(printf, 2, 3)))
print(struct take_tags *tags, const char *format, ...)
{
	const char *text;
	va_list args;

	va_start(args, format);
	text = keep(tags, format, args);
	va_end(args);
	return text;
}

static void add(struct take_tags *tags, const char *name, const char *value)
{
	if (name && value && value[0] && tags->count < TAKE_TAGS_MAX)
		tags->tag[tags->count++] = (struct flac_tag){name, value};
}

static unsigned count_filed(const struct take_info *info)
{
	unsigned count = 0;

	for (unsigned i = 0; i < info->tracks; i++)
		count += info->track[i].filed;
	return count;
}

/* Those at frames from from to end. */
static void add_chapters(struct take_tags *tags, const struct take_info *info,
			 uint64_t from, uint64_t end)
{
	unsigned number = 0;
	size_t index;
	json_t *marker;

	json_array_foreach(info->markers, index, marker)
	{
		uint64_t at = (uint64_t)json_integer_value(
			json_object_get(marker, "at"));
		const char *name =
			json_string_value(json_object_get(marker, "name"));
		uint64_t ms;

		if (at < from || at >= end || number >= CHAPTERS_MAX)
			continue;
		number++;
		ms = (at - from) * 1000 / info->rate;
		add(tags, print(tags, "CHAPTER%03u", number),
		    print(tags, "%02u:%02u:%02u.%03u", (unsigned)(ms / 3600000),
			  (unsigned)(ms / 60000 % 60),
			  (unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000)));
		if (name)
			add(tags, print(tags, "CHAPTER%03uNAME", number), name);
	}
}

void take_tags_build(struct take_tags *tags, const struct take_info *info,
		     const struct take_track *track, unsigned part,
		     uint64_t end)
{
	uint64_t from = take_info_part_start(info, part);

	if (part + 1 < take_info_parts(info))
		end = take_info_part_start(info, part + 1);
	tags->count = 0;
	tags->used = 0;
	add(tags, "TITLE", track->name);
	add(tags, "TRACKNUMBER", print(tags, "%u", track->number));
	add(tags, "TRACKTOTAL", print(tags, "%u", count_filed(info)));
	add(tags, "ALBUM", info->session);
	add(tags, "ARTIST", info->artist);
	add(tags, "DATE", info->date);
	add(tags, "ENCODER", "Takebox " TAKEBOX_VERSION);
	add(tags, "TIME_REFERENCE",
	    print(tags, "%llu",
		  (unsigned long long)(info->time_reference + from)));
	add_chapters(tags, info, from, end);
}
