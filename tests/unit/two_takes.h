/*
 * two_takes: a take that was stopped and is still being written, and one that
 * runs.
 */
#ifndef TESTS_TWO_TAKES_H
#define TESTS_TWO_TAKES_H

#include "transport_case.h"

/* Take-001 is stopped, and cannot be closed; Take-002 runs. */
static inline void begin_two_takes(void)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_prepared);
	trouble.of = "Take-001";
	play_on();
	ask(COMMAND_TO_STOP, RATE + RATE / 4);
	ask(COMMAND_TO_RECORD, RATE + RATE / 4);
	play_on();
	run_until(is_prepared);
	assert_string_equal(bench.transport->current->place.take, "Take-002");
}

static inline unsigned in_hand(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < HANDS_MAX; i++)
		count += bench.transport->hand[i].take != NULL;
	return count;
}

static inline bool is_one_left(void)
{
	return in_hand() == 1 && !bench.transport->onward.wanted;
}

/* What it lacks is none; takes are numbered in the order they were begun. */
static inline void check_take(const char *medium, unsigned number,
			      uint64_t frames, const char *continues)
{
	const char *of = NULL;
	json_t *take, *note;
	char name[16];
	size_t i;

	snprintf(name, sizeof(name), "Take-%03u", number);
	take = read_take(medium, name);
	if (frames)
		assert_int_equal(number_of(take, "frames"), frames);
	json_array_foreach(json_object_get(take, "notes"), i, note)
	{
		if (strcmp(json_string_value(json_object_get(note, "type")),
			   "continues") != 0)
			continue;
		of = json_string_value(json_object_get(note, "take"));
		assert_int_equal(number_of(note, "gap"), 0);
		assert_string_equal(of, continues);
	}
	assert_true((of != NULL) == (continues != NULL));
	json_decref(take);
}

static inline bool are_noted(void)
{
	return bench.transport->noted.closings == 1;
}

/* One waits for a medium, another one for that. */
static inline bool are_ended(void)
{
	struct take_status status;

	for (unsigned i = 0; i < HANDS_MAX; i++) {
		const struct hand *hand = &bench.transport->hand[i];

		if (!hand->take || hand->left)
			continue;
		take_get_status(hand->take, &status);
		if (status.error && bench.transport->onward.wanted)
			return true;
	}
	return false;
}

static inline bool are_at_rest(void)
{
	struct take_status status;
	bool all = true;

	for (unsigned i = 0; i < HANDS_MAX; i++) {
		if (!bench.transport->hand[i].take)
			continue;
		take_get_status(bench.transport->hand[i].take, &status);
		all = all && status.state == TAKE_FAILED;
	}
	return all && in_hand() == 1;
}

/* As where it cannot be read any more. */
static inline void break_file(const char *take)
{
	char pattern[CONFIG_PATH_MAX + 64];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/Takebox/*/%s/01-*.flac",
		 bench.config.folder, take);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(unlink(found.gl_pathv[0]), 0);
	assert_int_equal(mkdir(found.gl_pathv[0], 0700), 0);
	globfree(&found);
}

static inline void begin_two_until_killed(void)
{
	begin_two_takes();
	run_until(are_noted);
	kill(getpid(), SIGKILL);
}

static inline bool is_two(void)
{
	return bench.transport->current &&
	       strcmp(bench.transport->current->place.take, "Take-002") == 0;
}

#endif
