/*
 * Entry after entry of a ledger, each checked before it is believed: a ledger
 * comes from a medium that anybody may have written.
 */
#include "take/take_info.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/json_text.h"

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
	track->filed = track->began_armed = track->armed;
	return get_unsigned(entry, "number", 1, TAKE_TRACKS_MAX,
			    &track->number) &&
	       get_text(entry, "name", track->name, sizeof(track->name)) &&
	       get_text(entry, "file", track->stem, sizeof(track->stem)) &&
	       stem_is_safe(track->stem);
}

/* Two tracks cannot share their files. FAT knows no upper and lower case. */
static bool is_another(const struct take_info *info, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (info->track[i].number == info->track[count].number ||
		    strcasecmp(info->track[i].stem, info->track[count].stem) ==
			    0)
			return false;
	return true;
}

/* The note that it was an entry of its own before 2026-11-22. */
static int note_rebuilt(struct take_info *info, const json_t *entry)
{
	json_t *note;

	if (!json_is_true(json_object_get(entry, "rebuilt")))
		return 0;
	info->damages++;
	note = json_pack("{ss si}", "type", "rebuilt", "tracks",
			 (int)info->tracks);
	return json_array_append_new(info->notes, note) < 0 ? -ENOMEM : 0;
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
	ok = ok && (info->bits == 16 || info->bits == 24);
	ok = ok && get_unsigned(entry, "level", 0, 8, &info->level);
	info->clock_set = json_is_true(json_object_get(entry, "clock_set"));
	if (!ok || json_array_size(tracks) < 1 ||
	    json_array_size(tracks) > TAKE_TRACKS_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < json_array_size(tracks); i++)
		if (!apply_track(json_array_get(tracks, i), &info->track[i]) ||
		    !is_another(info, i))
			return -EINVAL;
	info->tracks = (unsigned)json_array_size(tracks);
	return note_rebuilt(info, entry);
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

/* Put in by a heal: it had been synced before there was a file, and others may
 * be lost with it. */
static void note_found(struct take_info *info, const json_t *entry)
{
	info->damages += json_is_true(json_object_get(entry, "found"));
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
	info->silenced |= json_object_get(entry, "asked") != NULL;
	note_found(info, entry);
	return keep(info->arms, entry);
}

static int apply_marker(struct take_info *info, const json_t *entry)
{
	uint64_t at;

	if (!get_number(entry, "at", 0, INT64_MAX, &at) ||
	    !json_is_string(json_object_get(entry, "name")))
		return -EINVAL;
	return keep(info->markers, entry);
}

static uint64_t at_of(const json_t *entry)
{
	return (uint64_t)json_integer_value(json_object_get(entry, "at"));
}

static uint64_t frames_of(const json_t *gap)
{
	return (uint64_t)json_integer_value(json_object_get(gap, "frames"));
}

static bool continues(const json_t *gap, const json_t *last)
{
	return last && at_of(last) + frames_of(last) == at_of(gap) &&
	       json_equal(json_object_get(last, "cause"),
			  json_object_get(gap, "cause"));
}

/* An absence is told piece by piece, as it lasts; it is one gap all the same.
 * The entry in the list may be somebody else's too: a copy takes its place.
 * What tells how far the tape's events are noted is the newest's. */
static int lengthen(json_t *gaps, size_t index, const json_t *entry)
{
	const json_t *last = json_array_get(gaps, index);
	json_t *longer = json_whole_copy(entry);

	json_add_member(&longer, "at",
			json_incref(json_object_get(last, "at")));
	json_add_member(
		&longer, "frames",
		json_integer((json_int_t)(frames_of(last) + frames_of(entry))));
	return json_array_set_new(gaps, index, longer) < 0 ? -ENOMEM : 0;
}

static int apply_gap(struct take_info *info, const json_t *entry)
{
	size_t count = json_array_size(info->gaps);
	const json_t *last = json_array_get(info->gaps, count - 1);
	uint64_t at, frames;
	int error;

	if (!get_number(entry, "at", 0, INT64_MAX, &at) ||
	    !get_number(entry, "frames", 1, INT64_MAX, &frames) ||
	    !json_is_string(json_object_get(entry, "cause")))
		return -EINVAL;
	error = continues(entry, last) ? lengthen(info->gaps, count - 1, entry)
				       : keep(info->gaps, entry);
	if (error < 0)
		return error;
	info->gap_count = json_array_size(info->gaps);
	info->gap_frames += frames;
	return 0;
}

/* gap, which begins before frame end, up to there; a new reference. The entry
 * itself may be somebody else's too. */
static json_t *shorten(json_t *gap, uint64_t end)
{
	uint64_t left = end - at_of(gap);
	json_t *copy;

	if (frames_of(gap) <= left)
		return json_incref(gap);
	copy = json_whole_copy(gap);
	json_add_member(&copy, "frames", json_integer((json_int_t)left));
	return copy;
}

/* Takes back what gaps say of end and later; cause NULL: all of them. */
static int shorten_gaps(struct take_info *info, uint64_t end, const char *cause)
{
	json_t *left = json_array(), *gap;
	size_t i;

	json_array_foreach(info->gaps, i, gap)
	{
		const char *why =
			json_string_value(json_object_get(gap, "cause"));

		if (cause && strcmp(why, cause) != 0)
			json_add_item(&left, json_incref(gap));
		else if (at_of(gap) < end)
			json_add_item(&left, shorten(gap, end));
	}
	if (!left)
		return -ENOMEM;
	json_decref(info->gaps);
	info->gaps = left;
	info->gap_count = json_array_size(left);
	info->gap_frames = 0;
	for (i = 0; i < info->gap_count; i++)
		info->gap_frames += frames_of(json_array_get(left, i));
	return 0;
}

static void remove_from(json_t *list, uint64_t at)
{
	for (size_t i = json_array_size(list); i-- > 0;)
		if (at_of(json_array_get(list, i)) >= at)
			json_array_remove(list, i);
}

static void forget_before(json_t *list, uint64_t at)
{
	while (json_array_size(list) > 1 &&
	       at_of(json_array_get(list, 1)) <= at)
		json_array_remove(list, 0);
}

void take_info_forget(struct take_info *info, uint64_t at)
{
	forget_before(info->clocks, at);
	forget_before(info->levels, at);
}

static int apply_levels(struct take_info *info, const json_t *entry)
{
	uint64_t at;

	if (!get_number(entry, "at", 0, INT64_MAX, &at) ||
	    json_array_size(json_object_get(entry, "peaks")) != info->tracks ||
	    json_array_size(json_object_get(entry, "clips")) != info->tracks)
		return -EINVAL;
	return keep(info->levels, entry);
}

/* The levels that were noted last. */
static void take_levels_back(struct take_info *info)
{
	const json_t *last =
		json_array_get(info->levels, json_array_size(info->levels) - 1);
	const json_t *peaks = json_object_get(last, "peaks");
	const json_t *clips = json_object_get(last, "clips");

	for (unsigned i = 0; i < info->tracks; i++) {
		info->track[i].peak =
			(uint32_t)json_integer_value(json_array_get(peaks, i));
		info->track[i].clips =
			(uint32_t)json_integer_value(json_array_get(clips, i));
	}
}

/* What came at frame at and later is recorded again, or given up. What the tape
 * has lost it has lost for good; but where the writer came too late before, it
 * may do better now. */
static int apply_again(struct take_info *info, const json_t *entry)
{
	uint64_t at;

	if (!get_number(entry, "at", 0, INT64_MAX, &at))
		return -EINVAL;
	remove_from(info->levels, at + 1);
	take_levels_back(info);
	if (shorten_gaps(info, at, TAKE_OVERRUN) < 0)
		return -ENOMEM;
	return keep(info->notes, entry);
}

static int apply_healed(struct take_info *info, const json_t *entry)
{
	int error = apply_again(info, entry);

	if (error == 0) {
		info->healed = true;
		info->healed_at = at_of(entry);
	}
	return error;
}

/* What is not there any more, or not known any more. */
static int apply_damage(struct take_info *info, const json_t *entry)
{
	info->damages++;
	return keep(info->notes, entry);
}

/* Losses may be missing from the list of gaps. */
static int apply_lost_events(struct take_info *info, const json_t *entry)
{
	info->unsure = true;
	return keep(info->notes, entry);
}

/* Of a track that was armed, but not in time. */
static int apply_unarmed(struct take_info *info, const json_t *entry)
{
	info->silenced = true;
	return keep(info->notes, entry);
}

/* A ledger of before 2026-11-21 does not say what is missing. */
static int apply_stop(struct take_info *info, const json_t *entry)
{
	info->missing = 0;
	if (json_object_get(entry, "missing") &&
	    !get_number(entry, "missing", 0, INT64_MAX, &info->missing))
		return -EINVAL;
	return keep(info->notes, entry);
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
	note_found(info, entry);
	return keep(info->parts, entry);
}

int take_info_cut(struct take_info *info, uint64_t frames)
{
	remove_from(info->parts, frames);
	remove_from(info->markers, frames + 1);
	return shorten_gaps(info, frames, NULL);
}

static int apply_end_track(struct take_info *info, const json_t *entry)
{
	uint64_t number, peak, clips;
	struct take_track *track;

	if (!get_number(entry, "number", 1, TAKE_TRACKS_MAX, &number) ||
	    !get_number(entry, "peak", 0, UINT32_MAX, &peak) ||
	    !get_number(entry, "clips", 0, UINT32_MAX, &clips))
		return -EINVAL;
	track = find_track(info, number);
	if (!track)
		return -EINVAL;
	track->peak = (uint32_t)peak;
	track->clips = (uint32_t)clips;
	return 0;
}

static int apply_end(struct take_info *info, const json_t *entry)
{
	const json_t *tracks = json_object_get(entry, "tracks");
	int error = 0;

	if (!get_number(entry, "frames", 0, INT64_MAX, &info->frames) ||
	    !get_text(entry, "reason", info->reason, TAKE_TEXT_MAX))
		return -EINVAL;
	for (size_t i = 0; i < json_array_size(tracks) && error == 0; i++)
		error = apply_end_track(info, json_array_get(tracks, i));
	if (error < 0)
		return error;
	json_decref(info->ends);
	info->ends = json_incref((json_t *)tracks);
	info->ended = true;
	return take_info_cut(info, info->frames);
}

int take_info_apply(struct take_info *info, const json_t *entry)
{
	static const struct {
		const char *type;
		int (*apply)(struct take_info *, const json_t *);
	} types[] = {
		{"arm", apply_arm},	    {"marker", apply_marker},
		{"gap", apply_gap},	    {"clock", apply_clock},
		{"part", apply_part},	    {"levels", apply_levels},
		{"resumed", apply_again},   {"healed", apply_healed},
		{"end", apply_end},	    {"damaged", apply_damage},
		{"rebuilt", apply_damage},  {"entries-lost", apply_damage},
		{"stop", apply_stop},	    {"events-lost", apply_lost_events},
		{"unarmed", apply_unarmed},
	};
	const char *type = json_string_value(json_object_get(entry, "type"));

	if (!type)
		return -EINVAL;
	if (strcmp(type, "start") == 0)
		return apply_start(info, entry);
	if (info->tracks == 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(type, types[i].type) == 0)
			return types[i].apply(info, entry);
	return keep(info->notes, entry);
}
