/*
 * config_reader: from a file to the values in it, for everything that is
 * written in libconfig's language: the configuration and board files.
 *
 * Internal to those. Every complaint is one line, "file:line: what; what to
 * do", in the reader's error. Functions return 0 or a negative errno, with a
 * complaint. Pure but for the file; any thread.
 */
#ifndef TAKEBOX_CONFIG_READER_H
#define TAKEBOX_CONFIG_READER_H

#include <stddef.h>

#include "base/config_keys.h"

struct config_setting_t; /* libconfig's: a node of the tree */

struct config_reader {
	const char *name; /* of the file: what is opened, and for messages */
	char *error;
	size_t error_size;
	/* Given the whole tree. */
	int (*root)(const struct config_reader *reader,
		    const struct config_setting_t *root);
	void *target; /* root's own */
};

/* A text that is in memory. */
int config_reader_text(const struct config_reader *reader, const char *text,
		       size_t size);

/* The file of that name. -ENOENT if there is none; error then stays as it
 * was. */
int config_reader_file(const struct config_reader *reader);

/* Line 0: of the file as a whole. Returns -EINVAL. */
int config_reader_complain(const struct config_reader *reader, unsigned line,
			   const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* That setting's name is not among keys; see config_suggest. */
int config_reader_unknown(const struct config_reader *reader,
			  const struct config_setting_t *setting,
			  const struct config_key *keys, const char *group);

/* Puts the value of setting into base as key says. */
int config_reader_store(const struct config_reader *reader,
			const struct config_setting_t *setting,
			const struct config_key *key, void *base);

/* Puts all of a group's settings into base: each must be a key of that group
 * (NULL: whatever its group) among keys. Those whose type is a list's are
 * given to list. */
typedef int (*config_reader_list_fn)(const struct config_reader *reader,
				     const struct config_setting_t *setting,
				     const struct config_key *key, void *base);
int config_reader_group(const struct config_reader *reader,
			const struct config_setting_t *setting,
			const struct config_key *keys, const char *group,
			config_reader_list_fn list, void *base);

unsigned config_reader_line(const struct config_setting_t *setting);

#endif
