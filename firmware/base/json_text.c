/*
 * Writing goes twice through the tree: first for the length, so that nothing
 * has to grow. Reading cannot do without jansson's growing buffer, which drops
 * what it has no room for; so all that jansson allocates is watched.
 */
#include "base/json_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

static _Thread_local bool starved;

static void *allocate(size_t size)
{
	void *memory = malloc(size);

	if (!memory)
		starved = true;
	return memory;
}

/* Before anything of jansson's is called, in any thread. */
static void __attribute__((constructor)) watch_allocations(void)
{
	json_set_alloc_funcs(allocate, free);
}

static json_t *unless_starved(json_t *read)
{
	if (read && !starved)
		return read;
	json_decref(read);
	errno = starved ? ENOMEM : EINVAL;
	return NULL;
}

json_t *json_read(const char *text, size_t size, json_error_t *error)
{
	starved = false;
	return unless_starved(
		json_loadb(text, size, JSON_REJECT_DUPLICATES, error));
}

struct reading {
	int fd;
	int error;   /* errno, or 0 */
	size_t left; /* bytes that may come */
};

static size_t read_part(void *buffer, size_t size, void *context)
{
	struct reading *reading = context;
	ssize_t got;

	do
		got = read(reading->fd, buffer, size);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		reading->error = errno;
	else if ((size_t)got > reading->left)
		reading->error = EFBIG;
	if (reading->error)
		return 0;
	reading->left -= (size_t)got;
	return (size_t)got;
}

/* json_loadfd asks the kernel for each byte by itself. */
json_t *json_read_file(int fd, size_t most)
{
	struct reading reading = {.fd = fd, .left = most};
	json_t *root;

	starved = false;
	root = unless_starved(json_load_callback(read_part, &reading, 0, NULL));
	if (!reading.error)
		return root;
	json_decref(root);
	errno = reading.error;
	return NULL;
}

char *json_text(const json_t *json, size_t flags)
{
	size_t size = json ? json_dumpb(json, NULL, 0, flags) : 0;
	char *text = size > 0 ? malloc(size + 1) : NULL;

	if (!text)
		return NULL;
	if (json_dumpb(json, text, size, flags) != size) {
		free(text);
		return NULL;
	}
	text[size] = '\0';
	return text;
}

json_t *json_whole_copy(const json_t *json)
{
	json_t *copy = json_deep_copy(json);

	if (copy && json_equal(copy, json))
		return copy;
	json_decref(copy);
	return NULL;
}

static void drop_unless(int added, json_t **whole)
{
	if (added == 0)
		return;
	json_decref(*whole);
	*whole = NULL;
}

void json_add_item(json_t **array, json_t *value)
{
	drop_unless(json_array_append_new(*array, value), array);
}

void json_add_member(json_t **object, const char *key, json_t *value)
{
	drop_unless(json_object_set_new(*object, key, value), object);
}
