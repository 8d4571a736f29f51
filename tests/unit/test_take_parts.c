/*
 * take_parts: when a take goes on in further files. (What comes of that is
 * test_take's and test_take_resume's.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "take/take_private.h"

#define COUNTABLE (UINT64_C(1) << 36) /* by STREAMINFO's number of samples */

static struct take take;

static int set_up(void **unused)
{
	(void)unused;
	take = (struct take){.info = {.rate = 192000, .bits = 24, .tracks = 1}};
	take.open[0] = true;
	take.track[0].channels = 1;
	return 0;
}

static void test_a_file_may_be_as_large_as_it_likes(void **unused)
{
	(void)unused;
	take.track[0].size = UINT64_C(1) << 40;
	take.fed = COUNTABLE / 2;
	assert_false(take_part_is_full(&take, take.fed + 48000));
}

static void test_a_file_has_a_limit(void **unused)
{
	(void)unused;
	take.plan.max_file_bytes = UINT64_C(1) << 32;
	take.track[0].size = take.plan.max_file_bytes / 2;
	assert_false(take_part_is_full(&take, 48000));
	take.track[0].size = take.plan.max_file_bytes - 48000;
	assert_true(take_part_is_full(&take, 48000));
}

/* Four days at 192 kHz: more would be a length of nothing. */
static void test_a_file_has_no_more_samples_than_can_be_counted(void **unused)
{
	(void)unused;
	take.fed = COUNTABLE - 96000;
	assert_true(take_part_is_full(&take, take.fed + 48000));
	take.part_start = 96000; /* they are its own */
	take.fed = COUNTABLE / 2;
	assert_false(take_part_is_full(&take, take.fed + 48000));
	take.part_start = COUNTABLE;
	take.fed = take.part_start + COUNTABLE / 2;
	assert_false(take_part_is_full(&take, take.fed + 48000));
	take.fed = take.part_start + COUNTABLE - 96000;
	assert_true(take_part_is_full(&take, take.fed + 48000));
}

#define CASE(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_file_may_be_as_large_as_it_likes),
		CASE(test_a_file_has_a_limit),
		CASE(test_a_file_has_no_more_samples_than_can_be_counted),
	};

	return cmocka_run_group_tests_name("take_parts", tests, NULL, NULL);
}
