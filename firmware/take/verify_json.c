/* Both as JSON, member by member. */
#include "take/verify_json.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json_text.h"

static json_t *load(const char *folder)
{
	char path[PATH_MAX];
	json_t *root;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, TAKE_JSON);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	root = json_read_file(fd, JSON_TAKE_BYTES);
	close(fd);
	return root;
}

/* As it is when it has been written and read, numbers and all. */
static json_t *as_read(json_t *root)
{
	char *text = json_text(root, 0);
	json_t *read = text ? json_read(text, strlen(text), NULL) : NULL;

	free(text);
	json_decref(root);
	return read;
}

static const char *first_difference(json_t *wanted, const json_t *found)
{
	const char *key;
	json_t *value;

	json_object_foreach(wanted, key, value)
	{
		if (!json_equal(value, json_object_get(found, key)))
			return key;
	}
	return NULL;
}

bool verify_json(const struct take_info *info, const char *folder, char *words,
		 size_t size)
{
	json_t *found = load(folder), *wanted = as_read(take_info_json(info));
	const char *key = NULL;

	if (json_is_object(found) && wanted)
		key = first_difference(wanted, found);
	if (key)
		snprintf(words, size,
			 TAKE_JSON " was changed: its \"%s\" is not what the "
				   "ledger says, which counts",
			 key);
	json_decref(found);
	json_decref(wanted);
	return !key;
}
