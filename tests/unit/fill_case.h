/*
 * fill_case: two folders that stand for media, one with a take.
 */
#ifndef TESTS_FILL_CASE_H
#define TESTS_FILL_CASE_H

/* After cmocka.h and what it needs. */
#include "heal_case.h"
#include "take/fill.h"

static char from[64], to[64];

static inline int open_folder(const char *medium, const char *take)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/Takebox", medium);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/Takebox/Session", medium);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/Takebox/Session/%s", medium, take);
	if (*take)
		mkdir(path, 0755);
	return open(path, O_RDONLY | O_DIRECTORY);
}

/* What is in the fake storage's folder. */
static inline void put_take(const char *medium)
{
	struct kept kept;
	int dir = open_folder(medium, "Take-001");

	keep_folder(&kept, fake.dir);
	put_back(&kept, dir);
	drop(&kept);
	close(dir);
}

static inline void remove_tree(const char *path)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	assert_int_equal(system(command), 0);
}

/* A take of six blocks, on the medium from. */
static inline int make_media(void **state)
{
	int error = set_up(state);

	strcpy(from, "/tmp/from-XXXXXX");
	strcpy(to, "/tmp/to-XXXXXX");
	assert_non_null(mkdtemp(from));
	assert_non_null(mkdtemp(to));
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	assert_int_equal(tell(&simple).state, TAKE_DONE);
	put_take(from);
	return error;
}

static inline int remove_media(void **state)
{
	remove_tree(from);
	remove_tree(to);
	return tear_down(state);
}

#endif
