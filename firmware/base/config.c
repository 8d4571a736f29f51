/*
 * Reading: libconfig makes a tree of the text, and every node of the tree must
 * be a key that the table knows; nothing is looked up by name and the rest
 * ignored, because a misspelt key that is passed over in silence is found out
 * at the concert.
 */
#include "base/config.h"

#include <errno.h>
#include <fcntl.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config_keys.h"
#include "base/config_text.h"

static const char *const default_files[] = {
	"/usr/share/takebox/takebox.conf",
	"/etc/takebox/takebox.conf",
	"/boot/firmware/takebox.conf",
};

struct reader {
	struct config *config;
	const char *name; /* of the file */
	char *error;
	size_t error_size;
};

static int complain(const struct reader *r, unsigned line, const char *format,
		    ...) __attribute__((format(printf, 3, 4)));

static int complain(const struct reader *r, unsigned line, const char *format,
		    ...)
{
	char what[CONFIG_REASON_MAX + 128];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (line)
		snprintf(r->error, r->error_size, "%s:%u: %s", r->name, line,
			 what);
	else
		snprintf(r->error, r->error_size, "%s: %s", r->name, what);
	return -EINVAL;
}

void config_defaults(struct config *config)
{
	char reason[CONFIG_REASON_MAX];

	memset(config, 0, sizeof(*config));
	for (const struct config_key *key = config_keys; key->name; key++) {
		struct config_value value =
			config_parse_value(key, key->standard);

		config_store(config, key, &value, reason);
	}
}

static unsigned line_of(const config_setting_t *setting)
{
	return config_setting_source_line(setting);
}

static struct config_value value_of(const config_setting_t *setting)
{
	struct config_value value = {.kind = CONFIG_VALUE_OTHER};

	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		value.kind = CONFIG_VALUE_INTEGER;
		value.integer = config_setting_get_int64(setting);
		break;
	case CONFIG_TYPE_FLOAT:
		value.kind = CONFIG_VALUE_REAL;
		value.real = config_setting_get_float(setting);
		break;
	case CONFIG_TYPE_STRING:
		value.kind = CONFIG_VALUE_TEXT;
		value.text = config_setting_get_string(setting);
		if (!value.text)
			value.text = "";
		break;
	case CONFIG_TYPE_BOOL:
		value.kind = CONFIG_VALUE_TRUTH;
		value.truth = config_setting_get_bool(setting) != 0;
		break;
	}
	return value;
}

static int read_value(const struct reader *r, const config_setting_t *setting,
		      const struct config_key *key, void *base)
{
	char reason[CONFIG_REASON_MAX];
	struct config_value value = value_of(setting);

	if (config_store(base, key, &value, reason) < 0)
		return complain(r, line_of(setting), "%s", reason);
	return 0;
}

static int complain_unknown(const struct reader *r,
			    const config_setting_t *setting,
			    const struct config_key *keys, const char *group)
{
	const char *name = config_setting_name(setting);
	char suggestion[96];

	config_suggest(suggestion, sizeof(suggestion), keys, group, name);
	return complain(r, line_of(setting), "unknown key '%.40s'%s%s%s", name,
			group ? " in " : "", group ? group : "", suggestion);
}

static int read_group(const struct reader *r, const config_setting_t *group)
{
	const char *name = config_setting_name(group);

	if (!config_setting_is_group(group))
		return complain(r, line_of(group),
				"%s must be a group; write %s: { ... }", name,
				name);
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *setting =
			config_setting_get_elem(group, (unsigned)i);
		const struct config_key *key = config_find_key(
			config_keys, name, config_setting_name(setting));
		int result;

		if (!key)
			return complain_unknown(r, setting, config_keys, name);
		result = read_value(r, setting, key, r->config);
		if (result < 0)
			return result;
	}
	return 0;
}

/* One input or two, "channels = [3, 4]"; a list (3, 4) is as good. */
static int read_inputs(const struct reader *r, const config_setting_t *setting,
		       const struct config_key *key, struct config_track *track)
{
	unsigned inputs[2] = {0, 0};
	struct config_key input = *key;
	int count;

	if (!config_setting_is_array(setting) &&
	    !config_setting_is_list(setting))
		return read_value(r, setting, key, track);
	count = config_setting_length(setting);
	if (count < 1 || count > 2)
		return complain(r, line_of(setting),
				"tracks.channels has %d channels; a track has "
				"one or two",
				count);
	input.type = CONFIG_KEY_WHOLE;
	input.offset = 0;
	for (int i = 0; i < count; i++) {
		int result = read_value(
			r, config_setting_get_elem(setting, (unsigned)i),
			&input, &inputs[i]);

		if (result < 0)
			return result;
	}
	memcpy(track->channels, inputs, sizeof(inputs));
	return 0;
}

static int read_track(const struct reader *r, const config_setting_t *setting,
		      struct config_track *track)
{
	if (!config_setting_is_group(setting))
		return complain(r, line_of(setting),
				"a track must be a group; write "
				"{ name = \"Kick\"; channel = 1; }");
	for (int i = 0; i < config_setting_length(setting); i++) {
		const config_setting_t *part =
			config_setting_get_elem(setting, (unsigned)i);
		const struct config_key *key = config_find_key(
			config_track_keys, NULL, config_setting_name(part));
		int result;

		if (!key)
			return complain_unknown(r, part, config_track_keys,
						"tracks");
		if (key->type == CONFIG_KEY_INPUTS)
			result = read_inputs(r, part, key, track);
		else
			result = read_value(r, part, key, track);
		if (result < 0)
			return result;
	}
	if (config_setting_get_member(setting, "channel") &&
	    config_setting_get_member(setting, "channels"))
		return complain(r, line_of(setting),
				"a track has either channel or channels");
	return 0;
}

/* What was left out: the channel after the last track's, and its name. */
static int complete_track(const struct reader *r, unsigned line,
			  struct config_track *track,
			  const struct config_track *previous)
{
	if (track->channels[0] == 0 && previous) {
		const unsigned *last = previous->channels;

		track->channels[0] =
			(last[1] > last[0] ? last[1] : last[0]) + 1;
	} else if (track->channels[0] == 0) {
		track->channels[0] = 1;
	}
	if (track->channels[0] > CONFIG_CHANNELS_MAX)
		return complain(r, line, "no channel is left for this track");
	if (track->name[0] == '\0')
		snprintf(track->name, sizeof(track->name), "Ch %02u",
			 track->channels[0]);
	return 0;
}

static int read_tracks(const struct reader *r, const config_setting_t *list)
{
	struct config *config = r->config;

	if (!config_setting_is_list(list))
		return complain(r, line_of(list),
				"tracks must be a list; write tracks = "
				"( { name = \"Kick\"; channel = 1; } );");
	memset(config->tracks, 0, sizeof(config->tracks));
	config->track_count = 0;
	for (int i = 0; i < config_setting_length(list); i++) {
		const config_setting_t *setting =
			config_setting_get_elem(list, (unsigned)i);
		struct config_track *track;
		int result;

		if (i >= CONFIG_CHANNELS_MAX)
			return complain(r, line_of(setting),
					"more than %d tracks",
					CONFIG_CHANNELS_MAX);
		track = &config->tracks[i];
		track->armed = true;
		result = read_track(r, setting, track);
		if (result == 0)
			result = complete_track(r, line_of(setting), track,
						i > 0 ? track - 1 : NULL);
		if (result < 0)
			return result;
		config->track_count++;
	}
	return 0;
}

static bool is_group_name(const char *name)
{
	for (const struct config_group *g = config_groups; g->name; g++)
		if (strcmp(g->name, name) == 0)
			return true;
	return false;
}

static int read_root(const struct reader *r, const config_setting_t *root)
{
	int result = 0;

	for (int i = 0; i < config_setting_length(root) && result == 0; i++) {
		const config_setting_t *setting =
			config_setting_get_elem(root, (unsigned)i);
		const char *name = config_setting_name(setting);

		if (strcmp(name, "tracks") == 0)
			result = read_tracks(r, setting);
		else if (is_group_name(name))
			result = read_group(r, setting);
		else
			result =
				complain_unknown(r, setting, config_keys, NULL);
	}
	return result;
}

static int read_prepared(const struct reader *r, const char *text)
{
	config_t tree;
	int result;

	config_init(&tree);
	if (config_read_string(&tree, text) == CONFIG_TRUE) {
		result = read_root(r, config_root_setting(&tree));
	} else {
		const char *what = config_error_text(&tree);
		bool syntax = !what || strcmp(what, "syntax error") == 0;

		result = complain(r, (unsigned)config_error_line(&tree), "%s%s",
				  what ? what : "cannot be read",
				  syntax ? "; look here and in the line before "
					   "for a missing quote, bracket or "
					   "semicolon"
					 : "");
	}
	config_destroy(&tree);
	return result;
}

static int read_text(const struct reader *r, const char *text, size_t size)
{
	struct config_text_error wrong;
	char *prepared;
	int result;

	prepared = config_text_prepare(text, size, &wrong);
	if (!prepared && !wrong.what) {
		complain(r, 0, "not enough memory");
		return -ENOMEM;
	}
	if (!prepared)
		return complain(r, wrong.line, "%s", wrong.what);
	result = read_prepared(r, prepared);
	free(prepared);
	return result;
}

int config_add_string(struct config *config, const char *text, const char *name,
		      char *error, size_t error_size)
{
	struct reader r = {config, name, error, error_size};

	*error = '\0';
	return read_text(&r, text, strlen(text));
}

/* O_NONBLOCK: a FIFO in the file's place must not hold up the start. */
static int open_file(const struct reader *r)
{
	int fd = open(r->name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	int result;

	if (fd < 0) {
		result = -errno;
		if (result != -ENOENT)
			complain(r, 0, "cannot be opened: %s",
				 strerror(-result));
		return result;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return complain(r, 0, "is not a file");
}

static ssize_t read_whole(int fd, char *buffer, size_t size)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = read(fd, buffer + got, size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

int config_add_file(struct config *config, const char *path, char *error,
		    size_t error_size)
{
	struct reader r = {config, path, error, error_size};
	char *buffer;
	ssize_t size;
	int fd, result;

	*error = '\0';
	fd = open_file(&r);
	if (fd < 0)
		return fd;
	buffer = malloc(CONFIG_TEXT_MAX + 1);
	size = buffer ? read_whole(fd, buffer, CONFIG_TEXT_MAX + 1) : -ENOMEM;
	if (size < 0) {
		result = (int)size;
		complain(&r, 0, "cannot be read: %s", strerror(-result));
	} else if (size > CONFIG_TEXT_MAX) {
		complain(&r, 0, "is too large to be a configuration");
		result = -EFBIG;
	} else {
		result = read_text(&r, buffer, (size_t)size);
	}
	free(buffer);
	close(fd);
	return result;
}

int config_load(struct config *config, const char *conf_path, char *error,
		size_t error_size)
{
	struct reader r = {config, conf_path, error, error_size};
	int result;

	*error = '\0';
	config_defaults(config);
	if (conf_path) {
		result = config_add_file(config, conf_path, error, error_size);
		if (result == -ENOENT)
			complain(&r, 0, "there is no such file");
		return result;
	}
	for (size_t i = 0; i < sizeof(default_files) / sizeof(*default_files);
	     i++) {
		result = config_add_file(config, default_files[i], error,
					 error_size);
		if (result < 0 && result != -ENOENT)
			return result;
	}
	return 0;
}
