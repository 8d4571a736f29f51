/*
 * The way from bytes to a tree of settings: read, made fit by config_text,
 * parsed by libconfig.
 */
#include "base/config_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config_text.h"

int config_reader_complain(const struct config_reader *r, unsigned line,
			   const char *format, ...)
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

unsigned config_reader_line(const config_setting_t *setting)
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

int config_reader_store(const struct config_reader *r,
			const config_setting_t *setting,
			const struct config_key *key, void *base)
{
	char reason[CONFIG_REASON_MAX];
	struct config_value value = value_of(setting);

	if (config_store(base, key, &value, reason) < 0)
		return config_reader_complain(r, config_reader_line(setting),
					      "%s", reason);
	return 0;
}

int config_reader_unknown(const struct config_reader *r,
			  const config_setting_t *setting,
			  const struct config_key *keys, const char *group)
{
	const char *name = config_setting_name(setting);
	char suggestion[96];

	config_suggest(suggestion, sizeof(suggestion), keys, group, name);
	return config_reader_complain(
		r, config_reader_line(setting), "unknown key '%.40s'%s%s%s",
		name, group ? " in " : "", group ? group : "", suggestion);
}

int config_reader_group(const struct config_reader *r,
			const config_setting_t *setting,
			const struct config_key *keys, const char *group,
			config_reader_list_fn list, void *base)
{
	for (int i = 0; i < config_setting_length(setting); i++) {
		const config_setting_t *part =
			config_setting_get_elem(setting, (unsigned)i);
		const struct config_key *key =
			config_find_key(keys, group, config_setting_name(part));
		int result;

		if (!key)
			return config_reader_unknown(
				r, part, keys, group ? group : keys->group);
		if (key->type == CONFIG_KEY_INPUTS ||
		    key->type == CONFIG_KEY_LIST)
			result = list(r, part, key, base);
		else
			result = config_reader_store(r, part, key, base);
		if (result < 0)
			return result;
	}
	return 0;
}

static int read_prepared(const struct config_reader *r, const char *text)
{
	config_t tree;
	int result;

	config_init(&tree);
	if (config_read_string(&tree, text) == CONFIG_TRUE) {
		result = r->root(r, config_root_setting(&tree));
	} else {
		const char *what = config_error_text(&tree);
		bool syntax = !what || strcmp(what, "syntax error") == 0;

		result = config_reader_complain(
			r, (unsigned)config_error_line(&tree), "%s%s",
			what ? what : "cannot be read",
			syntax ? "; look here and in the line before "
				 "for a missing quote, bracket or "
				 "semicolon"
			       : "");
	}
	config_destroy(&tree);
	return result;
}

int config_reader_text(const struct config_reader *r, const char *text,
		       size_t size)
{
	struct config_text_error wrong;
	char *prepared;
	int result;

	prepared = config_text_prepare(text, size, &wrong);
	if (!prepared && !wrong.what) {
		config_reader_complain(r, 0, "not enough memory");
		return -ENOMEM;
	}
	if (!prepared)
		return config_reader_complain(r, wrong.line, "%s", wrong.what);
	result = read_prepared(r, prepared);
	free(prepared);
	return result;
}

/* O_NONBLOCK: a FIFO in the file's place must not hold up the start. */
static int open_file(const struct config_reader *r)
{
	int fd = open(r->name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	int result;

	if (fd < 0) {
		result = -errno;
		if (result != -ENOENT)
			config_reader_complain(r, 0, "cannot be opened: %s",
					       strerror(-result));
		return result;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return config_reader_complain(r, 0, "is not a file");
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

int config_reader_file(const struct config_reader *r)
{
	char *buffer;
	ssize_t size;
	int fd, result;

	fd = open_file(r);
	if (fd < 0)
		return fd;
	buffer = malloc(CONFIG_TEXT_MAX + 1);
	size = buffer ? read_whole(fd, buffer, CONFIG_TEXT_MAX + 1) : -ENOMEM;
	if (size < 0) {
		result = (int)size;
		config_reader_complain(r, 0, "cannot be read: %s",
				       strerror(-result));
	} else if (size > CONFIG_TEXT_MAX) {
		config_reader_complain(r, 0,
				       "is too large to be a configuration");
		result = -EFBIG;
	} else {
		result = config_reader_text(r, buffer, (size_t)size);
	}
	free(buffer);
	close(fd);
	return result;
}
