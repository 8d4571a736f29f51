/* Changes, kept for takes that begin later than they sound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "transport/changes.h"

static struct changes changes;

static void expect(uint64_t number, uint64_t position, unsigned track, bool on,
		   const char *name)
{
	const struct change *change =
		changes_behind(&changes, position - 1, &number);

	assert_non_null(change);
	assert_int_equal(change->position, position);
	assert_int_equal(change->track, track);
	assert_int_equal(change->on, on);
	assert_string_equal(change->name, name);
}

static void test_those_behind_a_position_come_in_their_order(void **state)
{
	uint64_t number = 0;

	(void)state;
	changes = (struct changes){.count = 0};
	assert_null(changes_behind(&changes, 0, &number));
	changes_mark(&changes, 100, "Verse");
	changes_arm(&changes, 200, 3, true);
	changes_mark(&changes, 150, "set late"); /* a button's own time */
	expect(0, 100, 0, false, "Verse");
	expect(1, 200, 3, true, "");
	expect(2, 150, 0, false, "set late");
	number = 0;
	assert_non_null(changes_behind(&changes, 100, &number));
	assert_int_equal(number, 1);
	number = 3;
	assert_null(changes_behind(&changes, 0, &number));
	number = 0;
	assert_null(changes_behind(&changes, 200, &number));
}

static void test_the_last_ones_are_kept(void **state)
{
	uint64_t number = 0;
	char name[16];

	(void)state;
	changes = (struct changes){.count = 0};
	for (unsigned i = 0; i < CHANGES_MAX + 10; i++) {
		snprintf(name, sizeof(name), "%u", i);
		changes_mark(&changes, 1 + i, name);
	}
	for (unsigned i = 10; i < CHANGES_MAX + 10; i++, number++) {
		const struct change *change =
			changes_behind(&changes, 0, &number);

		snprintf(name, sizeof(name), "%u", i);
		assert_non_null(change);
		assert_int_equal(number, i);
		assert_string_equal(change->name, name);
	}
	assert_null(changes_behind(&changes, 0, &number));
}

static void expect_armed(uint64_t position, uint64_t since, bool a, bool b)
{
	/* As they are now. */
	struct config_track tracks[2] = {{.armed = false}, {.armed = true}};

	changes_undo(&changes, position, since, tracks, 2);
	assert_int_equal(tracks[0].armed, a);
	assert_int_equal(tracks[1].armed, b);
}

static void test_tracks_are_armed_as_they_were(void **state)
{
	(void)state;
	changes = (struct changes){.count = 0};
	changes_arm(&changes, 100, 2, true);
	changes_arm(&changes, 200, 1, true);
	changes_mark(&changes, 250, "no matter");
	changes_arm(&changes, 300, 1, false);
	changes_arm(&changes, 300, 7, false); /* of which there is none */
	expect_armed(0, 0, false, false);
	expect_armed(100, 0, false, true);
	expect_armed(199, 0, false, true);
	expect_armed(200, 0, true, true);
	expect_armed(299, 0, true, true);
	expect_armed(300, 0, false, true);
	/* What was changed before somebody pressed REC is part of that. */
	expect_armed(0, 1, false, true);
	expect_armed(0, 2, true, true);
	expect_armed(0, 5, false, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_those_behind_a_position_come_in_their_order),
		cmocka_unit_test(test_the_last_ones_are_kept),
		cmocka_unit_test(test_tracks_are_armed_as_they_were),
	};

	return cmocka_run_group_tests_name("changes", tests, NULL, NULL);
}
