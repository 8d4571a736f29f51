/* The file: one JSON object, renamed into its place, so that whoever reads it
 * sees the one before or the one after and never half of one. */
#include "transport/intent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/json_text.h"

#define VERSION	  1
#define BYTES_MAX (256u << 10)

static const char *const kinds[] = {
	[INTENT_NONE] = "nothing",
	[INTENT_RECORDING] = "recording",
	[INTENT_WAITING] = "waiting",
};

static json_t *text_of(const char *value)
{
	char clean[CONFIG_PATH_MAX];

	take_info_text(clean, sizeof(clean), value);
	return json_string(clean);
}

static json_t *tracks_of(const struct intent *intent)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < intent->track_count; i++) {
		const struct config_track *track = &intent->tracks[i];

		if (json_array_append_new(
			    list, json_pack("{so si si sb}", "name",
					    text_of(track->name), "left",
					    (int)track->channels[0], "right",
					    (int)track->channels[1], "armed",
					    (int)track->armed)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *change_of(const struct change *change)
{
	if (change->track == 0)
		return json_pack("{sI so}", "at", (json_int_t)change->position,
				 "name", text_of(change->name));
	return json_pack("{sI si sb}", "at", (json_int_t)change->position,
			 "track", (int)change->track, "on", (int)change->on);
}

static json_t *changes_of(const struct intent *intent)
{
	const struct change *change;
	json_t *list = json_array();

	for (uint64_t i = 0; (change = changes_from(&intent->changes, &i)); i++)
		if (json_array_append_new(list, change_of(change)) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

/* Changes are counted from the first one that is written. */
static json_t *since_of(const struct intent *intent, uint64_t since)
{
	uint64_t first = 0;

	changes_from(&intent->changes, &first);
	return json_integer(since > first ? (json_int_t)(since - first) : 0);
}

static json_t *closing_of(const struct intent *intent,
			  const struct closing *closing)
{
	return json_pack(
		"{sI sI sI so so so so so so}", "start",
		(json_int_t)closing->start, "stop", (json_int_t)closing->stop,
		"frames", (json_int_t)closing->frames, "since",
		since_of(intent, closing->since), "name",
		text_of(closing->name), "medium", text_of(closing->medium),
		"reason", text_of(closing->reason), "take_session",
		text_of(closing->place.session), "take",
		text_of(closing->place.take));
}

static json_t *closings_of(const struct intent *intent)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < intent->closings; i++)
		if (json_array_append_new(
			    list, closing_of(intent, &intent->closing[i])) <
		    0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

char *intent_text(const struct intent *intent)
{
	const struct recording_place *place = &intent->place;
	json_t *root = json_pack(
		"{si ss ss sI sI sI sI sI sb sb sb sb sI sf so so so so so so "
		"so so so so so ss}",
		"version", VERSION, "state", kinds[intent->kind], "tape",
		intent->tape, "start", (json_int_t)intent->start, "from",
		(json_int_t)intent->from, "stop",
		intent->stop == TAKE_FOREVER ? (json_int_t)-1
					     : (json_int_t)intent->stop,
		"frames", (json_int_t)intent->frames, "least",
		(json_int_t)intent->least, "configured",
		(int)intent->configured, "alone", (int)intent->alone, "power",
		(int)intent->power, "ended_known", (int)intent->ended.set,
		"ended", (json_int_t)intent->ended.ms, "ended_error",
		intent->ended.error, "session", text_of(intent->session),
		"name", text_of(intent->name), "medium",
		text_of(intent->medium), "reason", text_of(intent->reason),
		"take_session", text_of(place->session), "take",
		text_of(place->take), "folder", text_of(place->folder),
		"tracks", tracks_of(intent), "changes", changes_of(intent),
		"since", since_of(intent, intent->since), "closing",
		closings_of(intent), "closing_tape", intent->closing_tape);
	char *text = root ? json_text(root, JSON_COMPACT) : NULL;

	json_decref(root);
	return text;
}

static bool get_text(const json_t *root, const char *key, char *text,
		     size_t size)
{
	const char *value = json_string_value(json_object_get(root, key));

	if (!value || strlen(value) >= size)
		return false;
	strcpy(text, value);
	return true;
}

static bool get_number(const json_t *root, const char *key, json_int_t low,
		       uint64_t *number)
{
	const json_t *value = json_object_get(root, key);

	*number = (uint64_t)json_integer_value(value);
	return json_is_integer(value) && json_integer_value(value) >= low;
}

static bool get_track(const json_t *entry, struct config_track *track)
{
	uint64_t left, right;

	if (!get_text(entry, "name", track->name, sizeof(track->name)) ||
	    !get_number(entry, "left", 1, &left) ||
	    !get_number(entry, "right", 0, &right) ||
	    left > CONFIG_CHANNELS_MAX || right > CONFIG_CHANNELS_MAX)
		return false;
	track->channels[0] = (unsigned)left;
	track->channels[1] = (unsigned)right;
	track->armed = json_is_true(json_object_get(entry, "armed"));
	return true;
}

static bool get_tracks(const json_t *root, struct intent *intent)
{
	const json_t *list = json_object_get(root, "tracks");

	if (!json_is_array(list) || json_array_size(list) > CONFIG_CHANNELS_MAX)
		return false;
	intent->track_count = (unsigned)json_array_size(list);
	for (unsigned i = 0; i < intent->track_count; i++)
		if (!get_track(json_array_get(list, i), &intent->tracks[i]))
			return false;
	return true;
}

static bool get_change(const json_t *entry, struct changes *changes)
{
	char name[CONFIG_NAME_MAX];
	uint64_t position, track;

	if (!get_number(entry, "at", 0, &position))
		return false;
	if (get_text(entry, "name", name, sizeof(name)))
		changes_mark(changes, position, name);
	else if (get_number(entry, "track", 1, &track) &&
		 track <= CONFIG_CHANNELS_MAX)
		changes_arm(changes, position, (unsigned)track,
			    json_is_true(json_object_get(entry, "on")));
	else
		return false;
	return true;
}

/* Older versions wrote none. */
static bool get_changes(const json_t *root, struct intent *intent)
{
	const json_t *list = json_object_get(root, "changes");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (!get_change(json_array_get(list, i), &intent->changes))
			return false;
	return true;
}

/* A name that is to be found below a medium must not lead out of it. */
static bool is_name(const char *name)
{
	return name[0] != '.' && !strchr(name, '/');
}

static bool get_names(const json_t *root, struct recording_place *place)
{
	return get_text(root, "take_session", place->session,
			sizeof(place->session)) &&
	       get_text(root, "take", place->take, sizeof(place->take)) &&
	       is_name(place->session) && is_name(place->take);
}

/* Older versions did not say of which take. */
static bool get_rest(const json_t *entry, struct closing *closing)
{
	struct recording_place *place = &closing->place;

	get_number(entry, "since", 0, &closing->since);
	return !json_object_get(entry, "take") ||
	       (get_text(entry, "name", closing->name, sizeof(closing->name)) &&
		get_text(entry, "medium", closing->medium,
			 sizeof(closing->medium)) &&
		get_text(entry, "reason", closing->reason,
			 sizeof(closing->reason)) &&
		get_names(entry, place));
}

static bool get_closings(const json_t *root, struct intent *intent)
{
	const json_t *list = json_object_get(root, "closing");
	size_t count = json_array_size(list);

	if (count > CLOSING_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		const json_t *entry = json_array_get(list, i);
		struct closing *closing = &intent->closing[i];

		if (!get_number(entry, "start", 0, &closing->start) ||
		    !get_number(entry, "stop", 0, &closing->stop) ||
		    !get_number(entry, "frames", 0, &closing->frames) ||
		    !get_rest(entry, closing))
			return false;
	}
	intent->closings = (unsigned)count;
	return true;
}

static bool get_kind(const json_t *root, struct intent *intent)
{
	const char *kind = json_string_value(json_object_get(root, "state"));

	if (json_integer_value(json_object_get(root, "version")) != VERSION ||
	    !kind)
		return false;
	intent->kind = strcmp(kind, kinds[INTENT_WAITING]) == 0
			       ? INTENT_WAITING
			       : INTENT_RECORDING;
	return intent->kind == INTENT_WAITING ||
	       strcmp(kind, kinds[INTENT_RECORDING]) == 0;
}

static bool get_place(const json_t *root, struct recording_place *place)
{
	return get_names(root, place) &&
	       get_text(root, "folder", place->folder, sizeof(place->folder));
}

static void get_end(const json_t *root, struct intent *intent)
{
	intent->configured = json_is_true(json_object_get(root, "configured"));
	intent->alone = json_is_true(json_object_get(root, "alone"));
	intent->power = json_is_true(json_object_get(root, "power"));
	intent->ended = (struct wall){
		.set = json_is_true(json_object_get(root, "ended_known")),
		.ms = json_integer_value(json_object_get(root, "ended")),
		.error =
			json_number_value(json_object_get(root, "ended_error")),
	};
}

static bool get_all(const json_t *root, struct intent *intent)
{
	uint64_t stop = TAKE_FOREVER;
	bool ok = get_kind(root, intent) && get_place(root, &intent->place) &&
		  get_tracks(root, intent) && get_changes(root, intent) &&
		  get_closings(root, intent);

	ok = ok && get_text(root, "tape", intent->tape, sizeof(intent->tape));
	if (ok && !get_text(root, "closing_tape", intent->closing_tape,
			    sizeof(intent->closing_tape))) /* older ones */
		strcpy(intent->closing_tape, intent->tape);
	ok = ok && get_number(root, "start", 0, &intent->start);
	ok = ok && get_number(root, "from", 0, &intent->from);
	ok = ok && get_number(root, "frames", 0, &intent->frames);
	ok = ok && get_number(root, "stop", -1, &stop);
	get_number(root, "since", 0, &intent->since); /* older ones: none */
	get_number(root, "least", 0, &intent->least); /* and neither */
	ok = ok && get_text(root, "session", intent->session,
			    sizeof(intent->session));
	ok = ok && get_text(root, "name", intent->name, sizeof(intent->name));
	ok = ok &&
	     get_text(root, "medium", intent->medium, sizeof(intent->medium));
	ok = ok &&
	     get_text(root, "reason", intent->reason, sizeof(intent->reason));
	intent->stop = stop;
	get_end(root, intent);
	return ok;
}

int intent_parse(const char *text, size_t size, struct intent *intent)
{
	json_t *root = json_read(text, size, NULL);
	bool ok;

	*intent = (struct intent){.kind = INTENT_NONE};
	if (!root && errno == ENOMEM)
		return -ENOMEM;
	ok = get_all(root, intent);
	json_decref(root);
	if (!ok)
		*intent = (struct intent){.kind = INTENT_NONE};
	return ok ? 0 : -EINVAL;
}

static int sync_folder_of(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd, error = 0;

	snprintf(folder, sizeof(folder), "%.*s",
		 slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		error = -errno;
	close(fd);
	return error;
}

static int fill(int fd, const char *text, bool durable)
{
	size_t size = strlen(text);
	ssize_t written = write(fd, text, size);

	if (written < 0)
		return -errno;
	if ((size_t)written < size)
		return -ENOSPC;
	return durable && fsync(fd) < 0 ? -errno : 0;
}

static int replace(const char *path, const char *text, bool durable)
{
	char other[PATH_MAX];
	int fd, error;

	if (snprintf(other, sizeof(other), "%s.new", path) >=
	    (int)sizeof(other))
		return -ENAMETOOLONG;
	fd = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	error = fill(fd, text, durable);
	if (close(fd) < 0 && error == 0)
		error = -errno;
	if (error == 0 && rename(other, path) < 0)
		error = -errno;
	return error;
}

int intent_write(const char *path, const char *text, bool durable)
{
	int error = 0;

	if (text)
		error = replace(path, text, durable);
	else if (unlink(path) < 0)
		return errno == ENOENT ? 0 : -errno;
	return error == 0 && durable ? sync_folder_of(path) : error;
}

int intent_read(const char *path, struct intent *intent)
{
	char *text = malloc(BYTES_MAX);
	ssize_t size = -1;
	int fd, error;

	*intent = (struct intent){.kind = INTENT_NONE};
	if (!text)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	error = fd < 0 ? -errno : 0;
	if (fd >= 0) {
		size = read(fd, text, BYTES_MAX);
		error = size < 0 ? -errno : 0;
		close(fd);
	}
	if (error == 0)
		error = intent_parse(text, (size_t)size, intent);
	free(text);
	return error;
}

void intent_beside(char *path, size_t size, const char *socket)
{
	const char *slash = strrchr(socket, '/');

	snprintf(path, size, "%.*s" INTENT_FILE,
		 slash ? (int)(slash - socket) + 1 : 0, socket);
}
