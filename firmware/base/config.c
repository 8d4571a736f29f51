/*
 * Reading: libconfig makes a tree of the text, and every node of the tree must
 * be a key that the table knows; nothing is looked up by name and the rest
 * ignored, because a misspelt key that is passed over in silence is found out
 * at the concert.
 */
#include "base/config.h"

#include <errno.h>
#include <libconfig.h>
#include <string.h>

#include "base/config_keys.h"
#include "base/config_reader.h"

static const char *const default_files[] = {
	"/usr/share/takebox/takebox.conf",
	"/etc/takebox/takebox.conf",
	"/boot/firmware/takebox.conf",
};

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

static int read_group(const struct config_reader *r,
		      const config_setting_t *group)
{
	const char *name = config_setting_name(group);

	if (!config_setting_is_group(group))
		return config_reader_complain(
			r, config_reader_line(group),
			"%s must be a group; write %s: { ... }", name, name);
	return config_reader_group(r, group, config_keys, name, NULL,
				   r->target);
}

/* One input or two, "channels = [3, 4]"; a list (3, 4) is as good. */
static int read_inputs(const struct config_reader *r,
		       const config_setting_t *setting,
		       const struct config_key *key, void *base)
{
	struct config_track *track = base;
	unsigned inputs[2] = {0, 0};
	struct config_key input = *key;
	int count;

	if (!config_setting_is_array(setting) &&
	    !config_setting_is_list(setting))
		return config_reader_store(r, setting, key, track);
	count = config_setting_length(setting);
	if (count < 1 || count > 2)
		return config_reader_complain(
			r, config_reader_line(setting),
			"tracks.channels has %d channels; a track has "
			"one or two",
			count);
	input.type = CONFIG_KEY_WHOLE;
	input.offset = 0;
	for (int i = 0; i < count; i++) {
		int result = config_reader_store(
			r, config_setting_get_elem(setting, (unsigned)i),
			&input, &inputs[i]);

		if (result < 0)
			return result;
	}
	memcpy(track->channels, inputs, sizeof(inputs));
	return 0;
}

static int read_track(const struct config_reader *r,
		      const config_setting_t *setting,
		      struct config_track *track)
{
	int result;

	if (!config_setting_is_group(setting))
		return config_reader_complain(
			r, config_reader_line(setting),
			"a track must be a group; write "
			"{ name = \"Kick\"; channel = 1; }");
	result = config_reader_group(r, setting, config_track_keys, NULL,
				     read_inputs, track);
	if (result < 0)
		return result;
	if (config_setting_get_member(setting, "channel") &&
	    config_setting_get_member(setting, "channels"))
		return config_reader_complain(
			r, config_reader_line(setting),
			"a track has either channel or channels");
	return 0;
}

/* What was left out: the channel after the last track's, and its name. */
static int complete_track(const struct config_reader *r, unsigned line,
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
		return config_reader_complain(
			r, line, "no channel is left for this track");
	if (track->name[0] == '\0')
		snprintf(track->name, sizeof(track->name), "Ch %02u",
			 track->channels[0]);
	return 0;
}

static int read_tracks(const struct config_reader *r,
		       const config_setting_t *list)
{
	struct config *config = r->target;

	if (!config_setting_is_list(list))
		return config_reader_complain(
			r, config_reader_line(list),
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
			return config_reader_complain(
				r, config_reader_line(setting),
				"more than %d tracks", CONFIG_CHANNELS_MAX);
		track = &config->tracks[i];
		track->armed = true;
		result = read_track(r, setting, track);
		if (result == 0)
			result =
				complete_track(r, config_reader_line(setting),
					       track, i > 0 ? track - 1 : NULL);
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

static int read_root(const struct config_reader *r,
		     const config_setting_t *root)
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
			result = config_reader_unknown(r, setting, config_keys,
						       NULL);
	}
	return result;
}

int config_add_string(struct config *config, const char *text, const char *name,
		      char *error, size_t error_size)
{
	const struct config_reader r = {name, error, error_size, read_root,
					config};

	*error = '\0';
	return config_reader_text(&r, text, strlen(text));
}

int config_add_file(struct config *config, const char *path, char *error,
		    size_t error_size)
{
	const struct config_reader r = {path, error, error_size, read_root,
					config};

	*error = '\0';
	return config_reader_file(&r);
}

int config_load(struct config *config, const char *conf_path, char *error,
		size_t error_size)
{
	const struct config_reader r = {conf_path, error, error_size, read_root,
					config};
	int result;

	*error = '\0';
	config_defaults(config);
	if (conf_path) {
		result = config_add_file(config, conf_path, error, error_size);
		if (result == -ENOENT)
			config_reader_complain(&r, 0, "there is no such file");
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
