/*
 * Track lists as they are typed; what is not understood arms nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "tools/track_list.h"

static int count(const struct track_list *list)
{
	int n = 0;

	for (int i = 0; i <= TRACK_LIST_MAX; i++)
		n += list->chosen[i];
	return n;
}

static void test_numbers_ranges_and_commas_add_up(void **state)
{
	struct track_list list = {0};

	(void)state;
	assert_int_equal(track_list_add(&list, "1"), 0);
	assert_int_equal(track_list_add(&list, "5-8"), 0);
	assert_int_equal(track_list_add(&list, "12,14-15,64"), 0);
	assert_int_equal(count(&list), 9);
	assert_true(list.chosen[5] && list.chosen[8] && list.chosen[64]);
	assert_false(list.chosen[4] || list.chosen[9] || list.all);
}

static void test_all_is_a_word(void **state)
{
	struct track_list list = {0};

	(void)state;
	assert_int_equal(track_list_add(&list, "all"), 0);
	assert_true(list.all);
}

static void test_what_is_no_list_is_refused_whole(void **state)
{
	static const char *const wrong[] = {"",	  "x",	 "1,",	  ",1",	  "1-",
					    "-1", "8-5", "1,2,x", "1 2",  "1.5",
					    "+1", "ALL", "1-2-3", "all,1"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct track_list list = {0};

		assert_int_equal(track_list_add(&list, wrong[i]), -EINVAL);
		assert_int_equal(count(&list), 0);
	}
}

static void test_numbers_no_track_can_have_are_out_of_range(void **state)
{
	static const char *const wrong[] = {"0", "65", "1-65", "0-3",
					    "99999999999999999999"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct track_list list = {0};

		assert_int_equal(track_list_add(&list, wrong[i]), -ERANGE);
		assert_int_equal(count(&list), 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_ranges_and_commas_add_up),
		cmocka_unit_test(test_all_is_a_word),
		cmocka_unit_test(test_what_is_no_list_is_refused_whole),
		cmocka_unit_test(
			test_numbers_no_track_can_have_are_out_of_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
