/*
 * What comes after the files: single values from flags, and the checks that
 * need the whole configuration.
 */
#include "base/config.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/config_keys.h"

static int fail(char *error, size_t error_size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(char *error, size_t error_size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, error_size, format, args);
	va_end(args);
	return -EINVAL;
}

static int fail_unknown(char *error, size_t error_size, const char *group,
			const char *path)
{
	const char *name = group ? strchr(path, '.') + 1 : path;
	char suggestion[96];

	config_suggest(suggestion, sizeof(suggestion), config_keys, group,
		       name);
	return fail(error, error_size, "flag: unknown key '%.60s'%s", path,
		    suggestion);
}

/* The group that path begins with, or NULL. */
static const char *group_of(const char *path)
{
	size_t length = strcspn(path, ".");

	for (const struct config_group *g = config_groups; g->name; g++)
		if (path[length] == '.' && strlen(g->name) == length &&
		    strncmp(g->name, path, length) == 0)
			return g->name;
	return NULL;
}

int config_set(struct config *config, const char *path, const char *value,
	       char *error, size_t error_size)
{
	char reason[CONFIG_REASON_MAX];
	const char *group = group_of(path);
	const struct config_key *key = NULL;
	struct config_value parsed;

	*error = '\0';
	if (strncmp(path, "tracks", 6) == 0 && (!path[6] || path[6] == '.'))
		return fail(error, error_size,
			    "flag: tracks can only be given in a file");
	if (group)
		key = config_find_key(config_keys, group,
				      strchr(path, '.') + 1);
	if (!key)
		return fail_unknown(error, error_size, group, path);
	parsed = config_parse_value(key, value);
	if (config_store(config, key, &parsed, reason) < 0)
		return fail(error, error_size, "flag: %s", reason);
	return 0;
}

static int check_channel(const struct config *config, unsigned channel,
			 unsigned *user, unsigned number, char *error,
			 size_t error_size)
{
	const char *name = config->tracks[number - 1].name;

	if (channel == 0)
		return 0;
	if (config->channels && channel > config->channels)
		return fail(error, error_size,
			    "track %u (%s) wants channel %u, but "
			    "interface.channels is %u",
			    number, name, channel, config->channels);
	if (*user)
		return fail(error, error_size,
			    "channel %u is used twice: by track %u (%s) and "
			    "track %u (%s)",
			    channel, *user, config->tracks[*user - 1].name,
			    number, name);
	*user = number;
	return 0;
}

static int check_tracks(const struct config *config, char *error,
			size_t error_size)
{
	unsigned users[CONFIG_CHANNELS_MAX + 1] = {0}; /* by channel */
	int result = 0;

	for (unsigned i = 0; i < config->track_count; i++) {
		const struct config_track *track = &config->tracks[i];

		for (unsigned j = 0; j < 2 && result == 0; j++)
			result = check_channel(config, track->channels[j],
					       &users[track->channels[j]],
					       i + 1, error, error_size);
		if (result < 0)
			return result;
		for (unsigned k = 0; k < i; k++)
			if (strcmp(config->tracks[k].name, track->name) == 0)
				return fail(error, error_size,
					    "tracks %u and %u have the same "
					    "name, '%s'; rename one",
					    k + 1, i + 1, track->name);
	}
	return 0;
}

int config_check(const struct config *config, char *error, size_t error_size)
{
	*error = '\0';
	if (config->tape_seconds > 0 &&
	    config->preroll_seconds > config->tape_seconds)
		return fail(error, error_size,
			    "record.preroll is %g seconds, but the tape holds "
			    "only %g; make tape.seconds longer",
			    config->preroll_seconds, config->tape_seconds);
	if (config->period && config->buffer &&
	    config->buffer < 2 * config->period)
		return fail(error, error_size,
			    "interface.buffer is %u frames, less than two "
			    "periods of %u",
			    config->buffer, config->period);
	return check_tracks(config, error, error_size);
}
