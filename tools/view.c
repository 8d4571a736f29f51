/*
 * view: readers of single values that cannot fail, and on them the objects of
 * the protocol, each in the order of the man page.
 */
#include "tools/view.h"

#include <math.h>
#include <string.h>

#include "tools/text.h"

#define NUMBER_MAX 1000000000

static void get_text(const json_t *object, const char *key, char *out,
		     size_t size)
{
	const char *value = json_string_value(json_object_get(object, key));

	text_copy(out, size, value ? value : "");
}

static double get_number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

/* A count; other if it is missing, negative or no number. */
static int64_t get_count(const json_t *object, const char *key, int64_t other)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return other;
	return json_integer_value(value);
}

static int get_small(const json_t *object, const char *key)
{
	int64_t value = get_count(object, key, 0);

	return value > NUMBER_MAX ? NUMBER_MAX : (int)value;
}

static bool get_bool(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static const struct {
	const char *wire, *words;
} states[] = {
	[VIEW_UNKNOWN] = {"", "in an unknown state"},
	[VIEW_NO_INTERFACE] = {"no-interface", "no interface"},
	[VIEW_IDLE] = {"idle", "ready"},
	[VIEW_STARTING] = {"starting", "starting"},
	[VIEW_RECORDING] = {"recording", "recording"},
	[VIEW_FINISHING] = {"finishing", "finishing"},
};

const char *view_state_words(enum view_state state)
{
	return states[state].words;
}

static enum view_state get_state(const json_t *status)
{
	char word[16];

	get_text(status, "state", word, sizeof(word));
	for (int i = VIEW_NO_INTERFACE; i <= VIEW_FINISHING; i++) {
		if (strcmp(word, states[i].wire) == 0)
			return (enum view_state)i;
	}
	return VIEW_UNKNOWN;
}

const char *view_level_words(enum view_level level)
{
	static const char *const words[] = {"kept", "degraded", "lost"};

	return words[level];
}

static void read_take(const json_t *take, struct view_status *out)
{
	out->has_take = json_is_object(take);
	get_text(take, "name", out->take_name, sizeof(out->take_name));
	get_text(take, "folder", out->take_folder, sizeof(out->take_folder));
	out->take_seconds = get_number(take, "seconds");
	out->take_durable = get_number(take, "durable");
	out->take_markers = get_count(take, "markers", 0);
	out->take_gaps = get_count(take, "gaps", 0);
	out->take_lost = get_count(take, "lost", 0);
}

static void read_interface(const json_t *object, struct view_interface *out)
{
	get_text(object, "state", out->state, sizeof(out->state));
	get_text(object, "device", out->device, sizeof(out->device));
	get_text(object, "name", out->name, sizeof(out->name));
	get_text(object, "error", out->error, sizeof(out->error));
	out->channels = get_small(object, "channels");
	if (out->channels > VIEW_CHANNELS)
		out->channels = VIEW_CHANNELS;
	out->rate = get_small(object, "rate");
	out->bits = get_small(object, "bits");
	out->ppm = get_number(object, "ppm");
}

void view_tracks(const json_t *tracks, struct view_status *out)
{
	size_t index;
	json_t *object;

	out->track_count = 0;
	json_array_foreach(tracks, index, object)
	{
		struct view_track *track = &out->tracks[out->track_count];
		const json_t *channels = json_object_get(object, "channels");

		if (index >= VIEW_TRACKS)
			break;
		memset(track, 0, sizeof(*track));
		track->number = get_small(object, "number");
		get_text(object, "name", track->name, sizeof(track->name));
		track->armed = get_bool(object, "armed");
		for (size_t i = 0; i < 2; i++) {
			json_int_t channel =
				json_integer_value(json_array_get(channels, i));

			if (channel > 0 && channel <= VIEW_CHANNELS)
				track->channels[i] = (int)channel;
		}
		if (track->number > 0)
			out->track_count++;
	}
}

static void read_problems(const json_t *problems, struct view_status *out)
{
	size_t index;
	json_t *object;

	out->problem_count = 0;
	json_array_foreach(problems, index, object)
	{
		struct view_problem *problem =
			&out->problems[out->problem_count];
		char level[16];

		if (index >= VIEW_PROBLEMS)
			break;
		get_text(object, "level", level, sizeof(level));
		problem->level = strcmp(level, "lost") == 0   ? VIEW_LOST
				 : strcmp(level, "kept") == 0 ? VIEW_KEPT
							      : VIEW_DEGRADED;
		get_text(object, "text", problem->text, sizeof(problem->text));
		if (problem->text[0])
			out->problem_count++;
	}
}

void view_status(const json_t *status, struct view_status *out)
{
	const json_t *tape = json_object_get(status, "tape");
	const json_t *gaps = json_object_get(status, "gaps");
	const json_t *medium = json_object_get(status, "medium");

	memset(out, 0, sizeof(*out));
	get_text(status, "version", out->version, sizeof(out->version));
	out->state = get_state(status);
	get_text(status, "session", out->session, sizeof(out->session));
	read_take(json_object_get(status, "take"), out);
	read_interface(json_object_get(status, "interface"), &out->interface);
	out->tape_held = get_number(tape, "seconds_held");
	out->tape_seconds = get_number(tape, "seconds");
	out->gap_count = get_count(gaps, "count", 0);
	out->gap_frames = get_count(gaps, "frames", 0);
	get_text(medium, "folder", out->medium_folder,
		 sizeof(out->medium_folder));
	get_text(medium, "filesystem", out->medium_filesystem,
		 sizeof(out->medium_filesystem));
	out->medium_free_bytes = get_number(medium, "free_bytes");
	out->medium_seconds_left = get_number(medium, "seconds_left");
	out->preroll = get_number(status, "preroll");
	out->realtime = get_bool(status, "realtime");
	/* Between takes a recorder whose interface was unplugged is not ready,
	 * even if its tape goes on. */
	if (out->state == VIEW_IDLE &&
	    strcmp(out->interface.state, "absent") == 0)
		out->state = VIEW_NO_INTERFACE;
	view_tracks(json_object_get(status, "tracks"), out);
	read_problems(json_object_get(status, "problems"), out);
}

/* One list of levels; channels that are missing lie at the floor. */
static int read_levels(const json_t *list, float *out)
{
	size_t count = json_array_size(list);

	for (size_t i = 0; i < VIEW_CHANNELS; i++) {
		const json_t *value = json_array_get(list, i);
		double db = json_is_number(value) ? json_number_value(value)
						  : (double)VIEW_METER_FLOOR;

		if (db < (double)VIEW_METER_FLOOR)
			db = (double)VIEW_METER_FLOOR;
		out[i] = db > 60 ? 60.0f : (float)db;
	}
	return count > VIEW_CHANNELS ? VIEW_CHANNELS : (int)count;
}

void view_meters(const json_t *event, struct view_meters *out)
{
	const json_t *clips = json_object_get(event, "clips");

	out->channels = read_levels(json_object_get(event, "peak"), out->peak);
	read_levels(json_object_get(event, "hold"), out->hold);
	read_levels(json_object_get(event, "rms"), out->rms);
	for (size_t i = 0; i < VIEW_CHANNELS; i++) {
		json_int_t n = json_integer_value(json_array_get(clips, i));

		out->clips[i] = n < 0		? 0
				: n > INT32_MAX ? INT32_MAX
						: (uint32_t)n;
	}
}

static void read_take_levels(const json_t *take, struct view_take *out)
{
	const json_t *peaks = json_object_get(take, "peaks");
	const json_t *clips = json_object_get(take, "clips");
	const json_t *names = json_object_get(take, "track_names");
	size_t count = json_array_size(peaks);

	out->level_count = count > VIEW_TRACKS ? VIEW_TRACKS : (int)count;
	for (size_t i = 0; i < (size_t)out->level_count; i++) {
		const json_t *peak = json_array_get(peaks, i);
		const json_t *clip = json_array_get(clips, i);
		const char *name = json_string_value(json_array_get(names, i));

		out->peaks[i] = json_is_number(peak) ? json_number_value(peak)
						     : (double)NAN;
		out->clips[i] = json_integer_value(clip);
		text_copy(out->names[i], VIEW_NAME, name ? name : "");
	}
}

void view_take(const json_t *take, struct view_take *out)
{
	memset(out, 0, sizeof(*out));
	get_text(take, "session", out->session, sizeof(out->session));
	get_text(take, "name", out->name, sizeof(out->name));
	get_text(take, "folder", out->folder, sizeof(out->folder));
	get_text(take, "verdict", out->verdict, sizeof(out->verdict));
	get_text(take, "stopped_by", out->stopped_by, sizeof(out->stopped_by));
	out->seconds = get_number(take, "seconds");
	out->bytes = get_number(take, "bytes");
	out->frames = get_count(take, "frames", -1);
	out->tracks = get_count(take, "tracks", -1);
	out->gaps = get_count(take, "gaps", -1);
	out->lost = get_count(take, "lost", -1);
	out->markers = get_count(take, "markers", -1);
	read_take_levels(take, out);
}

const struct view_track *view_track_of(const struct view_status *status,
				       int channel)
{
	for (int i = 0; i < status->track_count; i++) {
		const struct view_track *track = &status->tracks[i];

		if (track->channels[0] == channel ||
		    track->channels[1] == channel)
			return track;
	}
	return NULL;
}
