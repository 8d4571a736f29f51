/*
 * config_keys: the one table of what can be configured.
 *
 * Internal to config. Defaults, reading, flags, printing and the suggestions
 * for misspelt keys all come from it: a new key is a field of struct config
 * and a line here.
 */
#ifndef TAKEBOX_CONFIG_KEYS_H
#define TAKEBOX_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_REASON_MAX 256

enum config_type {
	CONFIG_KEY_WHOLE,   /* unsigned */
	CONFIG_KEY_BYTES,   /* unsigned long long */
	CONFIG_KEY_SECONDS, /* double */
	CONFIG_KEY_LEVEL,   /* double, dBFS */
	CONFIG_KEY_TEXT,    /* char[] */
	CONFIG_KEY_CHOICE,  /* char[], one of choices */
	CONFIG_KEY_TRUTH,   /* bool */
	CONFIG_KEY_INPUT,   /* unsigned[2]: the first is set, the second is 0 */
	CONFIG_KEY_INPUTS,  /* unsigned[2]: set by the reader of lists */
	CONFIG_KEY_LIST,    /* anything else that is not one value; likewise */
};

struct config_key {
	const char *group;
	const char *name;
	enum config_type type;
	size_t offset;	 /* in struct config; for tracks, struct config_track */
	size_t size;	 /* of the field: texts */
	double min, max; /* of numbers; of texts, their length in bytes */
	const char *zero; /* 0 is allowed beside min..max and means this */
	const char *const *choices; /* NULL at the end */
	const char *standard;	    /* the default, as config_set takes it */
	const char *comment;	    /* lines without the '#' */
};

struct config_group {
	const char *name;
	const char *comment;
};

/* Both end with a name NULL; keys stand in the order of the groups. */
extern const struct config_group config_groups[];
extern const struct config_key config_keys[];
extern const struct config_key config_track_keys[];

/* What a file or a flag gives, before it is known to fit. */
struct config_value {
	enum {
		CONFIG_VALUE_INTEGER,
		CONFIG_VALUE_REAL,
		CONFIG_VALUE_TEXT,
		CONFIG_VALUE_TRUTH,
		CONFIG_VALUE_OTHER, /* a group or a list */
	} kind;
	long long integer;
	double real;
	const char *text;
	bool truth;
};

/* The key of that name among keys, in group (NULL: whatever the group), or
 * NULL. */
const struct config_key *config_find_key(const struct config_key *keys,
					 const char *group, const char *name);

/* Writes "; did you mean '...'?" for a name that is not among the keys of
 * group, or, group NULL, not among the groups. Writes "" if nothing is near. */
void config_suggest(char *out, size_t size, const struct config_key *keys,
		    const char *group, const char *name);

/* Stores value in the field of key in base, if it fits. Otherwise base is left
 * alone, -EINVAL is returned, and reason says what is wrong and what to do. */
int config_store(void *base, const struct config_key *key,
		 const struct config_value *value,
		 char reason[CONFIG_REASON_MAX]);

/* The value that text means for key (whole number, true...); one that makes no
 * sense comes back as a text, so that config_store refuses it. */
struct config_value config_parse_value(const struct config_key *key,
				       const char *text);

#endif
