/* What a take has of a recording that another one has, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "take/extent.h"

static struct extent a, b;

static int set_up(void **state)
{
	(void)state;
	a = (struct extent){.frames = 1000};
	b = (struct extent){.frames = 1000};
	return take_info_init(&a.info) + take_info_init(&b.info);
}

static int tear_down(void **state)
{
	(void)state;
	extent_finish(&a);
	extent_finish(&b);
	return 0;
}

static void have_gap(struct extent *extent, int at, int frames)
{
	assert_int_equal(json_array_append_new(extent->info.gaps,
					       json_pack("{si si}", "at", at,
							 "frames", frames)),
			 0);
}

static void assert_covers(bool first, bool second)
{
	assert_int_equal(extent_covers(&a, &b), first);
	assert_int_equal(extent_covers(&b, &a), second);
}

static void test_the_longer_one_has_all_of_the_shorter(void **state)
{
	(void)state;
	assert_covers(true, true);
	b.frames = 999;
	assert_covers(true, false);
	have_gap(&a, 999, 1); /* where the other one has nothing */
	assert_covers(true, false);
}

static void test_sound_is_more_than_silence(void **state)
{
	(void)state;
	have_gap(&b, 100, 10);
	assert_covers(true, false);
	have_gap(&a, 105, 5);
	assert_covers(true, false);
	have_gap(&a, 100, 5); /* the same, in two pieces */
	assert_covers(true, true);
}

static void test_a_longer_one_with_a_hole_does_not_have_all(void **state)
{
	(void)state;
	b.frames = 500;
	have_gap(&a, 499, 100);
	assert_covers(false, false);
	have_gap(&b, 499, 1);
	assert_covers(true, false);
}

static void test_each_has_what_the_other_has_not(void **state)
{
	(void)state;
	have_gap(&a, 100, 10);
	have_gap(&b, 109, 10);
	assert_covers(false, false);
}

/* A track that was armed has found no time in the other copy. */
static void test_a_track_less_is_less(void **state)
{
	(void)state;
	a.frames = b.frames = 1000;
	a.info.tracks = b.info.tracks = 2;
	a.info.track[0].filed = b.info.track[0].filed = true;
	assert_covers(true, true);
	a.info.track[1].filed = true;
	assert_covers(true, false);
	b.frames = 2000;
	assert_covers(false, false);
}

static void test_damage_is_less(void **state)
{
	(void)state;
	b.frames = 10;
	a.info.damages = 1;
	assert_covers(false, false);
	b.info.damages = 1;
	assert_covers(true, false);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_the_longer_one_has_all_of_the_shorter),
		CASE(test_sound_is_more_than_silence),
		CASE(test_a_longer_one_with_a_hole_does_not_have_all),
		CASE(test_each_has_what_the_other_has_not),
		CASE(test_a_track_less_is_less),
		CASE(test_damage_is_less),
	};

	return cmocka_run_group_tests_name("extent", tests, NULL, NULL);
}
