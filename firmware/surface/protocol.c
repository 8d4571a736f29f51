/* The control protocol's objects. Whatever a client sends is checked here, and
 * only here: what comes out is a command that makes sense by itself. */
#include "surface/protocol.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int __attribute__((format(printf, 2, 3)))
wrong(struct command_reply *reply, const char *format, ...)
{
	va_list args;

	reply->error = COMMAND_USAGE;
	va_start(args, format);
	vsnprintf(reply->message, sizeof(reply->message), format, args);
	va_end(args);
	return -EINVAL;
}

/* An optional text; what is absent is "". */
static int read_name(const json_t *request, struct command *command,
		     struct command_reply *reply)
{
	const json_t *name = json_object_get(request, "name");
	const char *text = json_string_value(name);

	command->name[0] = '\0';
	if (!name || json_is_null(name))
		return 0;
	if (!text)
		return wrong(reply, "name must be a text");
	if (strlen(text) >= sizeof(command->name))
		return wrong(reply, "the name is longer than %zu bytes",
			     sizeof(command->name) - 1);
	strcpy(command->name, text);
	return 0;
}

/* Optional; negative if it is absent. */
static int read_seconds(const json_t *request, const char *key,
			struct command *command, struct command_reply *reply)
{
	const json_t *value = json_object_get(request, key);

	command->preroll = -1;
	if (!value || json_is_null(value))
		return 0;
	command->preroll = json_number_value(value);
	if (!json_is_number(value) || !(command->preroll >= 0) ||
	    command->preroll > 86400)
		return wrong(reply, "%s must be seconds, 0 or more", key);
	return 0;
}

static int read_tracks(const json_t *request, struct command *command,
		       struct command_reply *reply)
{
	const json_t *tracks = json_object_get(request, "tracks");
	size_t index;
	json_t *one;

	if (json_is_string(tracks) &&
	    strcmp(json_string_value(tracks), "all") == 0) {
		command->tracks = TRANSPORT_ALL_TRACKS;
		return 0;
	}
	if (json_array_size(tracks) == 0)
		return wrong(reply, "tracks must be a list of numbers, or "
				    "\"all\"");
	json_array_foreach((json_t *)tracks, index, one)
	{
		json_int_t number = json_integer_value(one);

		if (number < 1 || number > CONFIG_CHANNELS_MAX)
			return wrong(reply,
				     "a track's number is 1 to %d, nothing "
				     "else",
				     CONFIG_CHANNELS_MAX);
		command->tracks |= 1ULL << (number - 1);
	}
	return 0;
}

static int read_track(const json_t *request, struct command *command,
		      struct command_reply *reply)
{
	json_int_t number =
		json_integer_value(json_object_get(request, "track"));

	if (number < 1 || number > CONFIG_CHANNELS_MAX)
		return wrong(reply, "track must be a number, 1 to %d",
			     CONFIG_CHANNELS_MAX);
	command->track = (unsigned)number;
	return read_name(request, command, reply);
}

static int read_record(const json_t *request, struct command *command,
		       struct command_reply *reply)
{
	int error = read_name(request, command, reply);

	return error < 0 ? error
			 : read_seconds(request, "preroll", command, reply);
}

static int read_keep(const json_t *request, struct command *command,
		     struct command_reply *reply)
{
	int error = read_name(request, command, reply);

	return error < 0 ? error
			 : read_seconds(request, "seconds", command, reply);
}

static int read_arm(const json_t *request, struct command *command,
		    struct command_reply *reply)
{
	command->on = true;
	return read_tracks(request, command, reply);
}

static int read_nothing(const json_t *request, struct command *command,
			struct command_reply *reply)
{
	(void)request;
	(void)command;
	(void)reply;
	return 0;
}

int protocol_read(const json_t *request, struct command *command,
		  struct command_reply *reply)
{
	static const struct {
		const char *word;
		enum command_kind kind;
		int (*read)(const json_t *, struct command *,
			    struct command_reply *);
	} words[] = {
		{"record", COMMAND_TO_RECORD, read_record},
		{"stop", COMMAND_TO_STOP, read_nothing},
		{"keep", COMMAND_TO_KEEP, read_keep},
		{"mark", COMMAND_TO_MARK, read_name},
		{"arm", COMMAND_TO_ARM, read_arm},
		{"disarm", COMMAND_TO_ARM, read_tracks},
		{"name", COMMAND_TO_NAME, read_track},
		{"session", COMMAND_TO_SESSION, read_name},
		{"eject", COMMAND_TO_EJECT, read_name},
	};
	const char *word = json_string_value(json_object_get(request, "cmd"));

	*reply = (struct command_reply){0};
	*command = (struct command){.position = TRANSPORT_NOW};
	for (size_t i = 0; word && i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(word, words[i].word) != 0)
			continue;
		command->kind = words[i].kind;
		return words[i].read(request, command, reply);
	}
	return -ENOENT;
}

const char *protocol_error(enum command_error error)
{
	static const char *const word[] = {
		[COMMAND_OK] = "ok",
		[COMMAND_USAGE] = "usage",
		[COMMAND_REFUSED] = "refused",
		[COMMAND_INTERFACE] = "interface",
		[COMMAND_MEDIUM] = "medium",
		[COMMAND_NOT_FOUND] = "not-found",
		[COMMAND_FAILED] = "failed",
	};

	return word[error];
}

/* A text that JSON takes: names come from files and may be no UTF-8. */
static json_t *text(const char *value)
{
	json_t *string = json_string(value);

	return string ? string : json_string("?");
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *rounded(double value, double grain)
{
	return isfinite(value) ? json_real(round(value / grain) * grain)
			       : json_null();
}

json_t *protocol_tracks(const struct transport_status *status)
{
	json_t *tracks = json_array();

	for (unsigned i = 0; i < status->track_count; i++) {
		const struct config_track *track = &status->tracks[i];
		json_t *channels = json_array();

		for (int c = 0; c < 2 && track->channels[c]; c++)
			json_array_append_new(channels,
					      number(track->channels[c]));
		json_array_append_new(
			tracks,
			json_pack("{si so so sb}", "number", (int)i + 1, "name",
				  text(track->name), "channels", channels,
				  "armed", (int)track->armed));
	}
	return tracks;
}

static json_t *take_json(const struct transport_status *status)
{
	const struct take_status *take = &status->progress;
	double rate = status->facts ? status->facts->rate : 48000;

	if (!status->has_take)
		return json_null();
	return json_pack(
		"{so so so so so so so so so so}", "name", text(status->take),
		"folder", text(status->folder), "start", number(take->start),
		"length", number(status->length), "seconds",
		rounded((double)status->length / rate, 0.001), "durable",
		rounded((double)take->durable / rate, 0.001), "bytes",
		number(take->bytes), "markers", number(take->markers), "gaps",
		number(take->gap_count), "lost", number(take->gap_frames));
}

static json_t *interface_json(const struct transport_status *status)
{
	static const char *const state[] = {
		[INTERFACE_CLOSED] = "closed",
		[INTERFACE_RUNNING] = "running",
		[INTERFACE_SILENT] = "silent",
		[INTERFACE_ABSENT] = "absent",
	};
	const struct tape_facts *facts = status->facts;
	json_t *object = json_pack("{ss so}", "state", state[status->interface],
				   "error", text(status->interface_error));

	if (!facts)
		return object;
	json_object_set_new(object, "device", text(facts->device));
	json_object_set_new(object, "name", text(facts->name));
	json_object_set_new(object, "id", text(facts->identity));
	json_object_set_new(object, "channels", number(facts->channels));
	json_object_set_new(object, "rate", number(facts->rate));
	json_object_set_new(object, "format", text(facts->format));
	json_object_set_new(object, "bits", number(facts->bits));
	json_object_set_new(object, "period", number(facts->period));
	json_object_set_new(object, "buffer", number(facts->buffer));
	json_object_set_new(object, "ppm",
			    status->line.locked
				    ? rounded(status->line.ppm, 0.01)
				    : json_null());
	return object;
}

static json_t *tape_json(const struct transport_status *status)
{
	const struct tape_facts *facts = status->facts;

	if (!facts)
		return json_null();
	return json_pack("{so so so}", "position", number(status->position),
			 "seconds_held",
			 rounded((double)(status->position - status->oldest) /
					 facts->rate,
				 0.1),
			 "seconds",
			 rounded((double)facts->frames / facts->rate, 0.1));
}

static json_t *media_json(const struct transport_status *status)
{
	static const char *const state[] = {
		[VOLUME_UNKNOWN] = "no-answer",
		[VOLUME_READY] = "ready",
		[VOLUME_ABSENT] = "absent",
		[VOLUME_FAILED] = "failed",
	};
	json_t *media = json_array();

	for (unsigned i = 0; i < status->volumes; i++) {
		const struct volume_status *one = &status->volume[i];
		const struct volume *volume = &one->volume;

		json_array_append_new(
			media,
			json_pack("{so ss ss so ss so so sb}", "folder",
				  text(volume->folder), "role",
				  volume->role == VOLUME_FOR_MIRROR ? "mirror"
								    : "takes",
				  "state", state[volume->state], "error",
				  text(volume->error ? strerror(-volume->error)
						     : ""),
				  "filesystem", volume->space.filesystem,
				  "free_bytes",
				  number(volume->space.free_bytes),
				  "seconds_left",
				  one->seconds_left < 0
					  ? json_null()
					  : rounded(one->seconds_left, 1),
				  "safe_to_pull", (int)one->safe_to_pull));
	}
	return media;
}

static json_t *problems_json(const struct transport_status *status)
{
	static const char *const level[] = {
		[PROBLEM_KEPT] = "kept",
		[PROBLEM_DEGRADED] = "degraded",
		[PROBLEM_LOST] = "lost",
	};
	json_t *problems = json_array();

	for (unsigned i = 0; i < status->problems; i++)
		json_array_append_new(problems,
				      json_pack("{ss so}", "level",
						level[status->problem[i].level],
						"text",
						text(status->problem[i].text)));
	return problems;
}

json_t *protocol_status(const struct transport_status *status)
{
	static const char *const state[] = {
		[TRANSPORT_NO_INTERFACE] = "no-interface",
		[TRANSPORT_IDLE] = "idle",
		[TRANSPORT_STARTING] = "starting",
		[TRANSPORT_RECORDING] = "recording",
		[TRANSPORT_FINISHING] = "finishing",
	};
	json_t *medium = json_pack(
		"{so ss so so}", "folder", text(status->medium), "filesystem",
		status->space.filesystem, "free_bytes",
		number(status->space.free_bytes), "seconds_left",
		status->seconds_left < 0 ? json_null()
					 : rounded(status->seconds_left, 1));

	return json_pack(
		"{ss ss so so so so so s{so so} so so sf sb so so}", "version",
		TAKEBOX_VERSION, "state", state[status->state], "resumes_in",
		status->resumes_in < 0 ? json_null()
				       : rounded(status->resumes_in, 1),
		"session", text(status->session), "take", take_json(status),
		"interface", interface_json(status), "tape", tape_json(status),
		"gaps", "count", number(status->gap_count), "frames",
		number(status->gap_frames), "medium", medium, "media",
		media_json(status), "preroll", status->preroll, "realtime",
		(int)status->realtime, "tracks", protocol_tracks(status),
		"problems", problems_json(status));
}

json_t *protocol_meters(const struct meters *meters)
{
	json_t *peak = json_array(), *hold = json_array();
	json_t *rms = json_array(), *clips = json_array();

	for (unsigned c = 0; c < meters->channels; c++) {
		struct meter_reading reading = meter_read(&meters->meter[c]);

		json_array_append_new(peak, rounded(reading.peak_db, 0.1));
		json_array_append_new(hold, rounded(reading.hold_db, 0.1));
		json_array_append_new(rms, rounded(reading.rms_db, 0.1));
		json_array_append_new(clips, number(reading.clips));
	}
	return json_pack("{ss so so so so}", "event", "meters", "peak", peak,
			 "hold", hold, "rms", rms, "clips", clips);
}
