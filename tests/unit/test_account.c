/*
 * The account of a torture can fail: each way in which frames can go missing
 * without a word, on tapes made up here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/bench/account.h"

#define OFFSET 1000000 /* of the device's frames */

static struct tape_story story;
static struct list known, causes;

static int set_up(void **state)
{
	(void)state;
	story = (struct tape_story){
		.runs = LIST(struct run),
		.losses = LIST(struct loss),
	};
	known = LIST(struct stretch);
	causes = LIST(struct cause);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	list_free(&story.runs);
	list_free(&story.losses);
	list_free(&known);
	list_free(&causes);
	return 0;
}

/* Sound at positions from..to-1, of frames that are beyond as many later. */
static void sound(uint64_t from, uint64_t to, int64_t beyond)
{
	struct run *run = list_add(&story.runs);

	*run = (struct run){from, to - from, OFFSET + (int64_t)from + beyond};
}

static void lost(uint64_t at, uint64_t frames, uint64_t uncertainty,
		 const char *cause)
{
	struct loss *loss = list_add(&story.losses);

	*loss = (struct loss){at, frames, uncertainty, ""};
	snprintf(loss->cause, sizeof(loss->cause), "%s", cause);
}

/* With all from the first to the last frame wanted. */
static uint64_t account(uint64_t from, uint64_t to)
{
	struct stretch wanted = {OFFSET + (int64_t)from, OFFSET + (int64_t)to};
	uint64_t faults = account_tape(&story, &known, &causes);

	return faults + account_missing(&wanted, &known, "test");
}

static void test_whole_sound_is_accounted_for(void **state)
{
	(void)state;
	sound(0, 5000, 0);
	sound(5000, 9000, 0); /* the next take */
	assert_int_equal(account(0, 9000), 0);
}

static void test_what_is_in_no_take_is_missing(void **state)
{
	(void)state;
	sound(0, 5000, 0);
	sound(5100, 9000, 0);
	assert_int_equal(account(0, 9000), 100);
}

static void test_what_comes_after_the_last_take_is_missing(void **state)
{
	(void)state;
	sound(10, 5000, 0);
	assert_int_equal(account(0, 5020), 30);
}

static void test_a_named_gap_is_no_fault(void **state)
{
	(void)state;
	sound(0, 5000, 0);
	lost(5000, 300, 0, "late");
	sound(5300, 9000, 0);
	assert_int_equal(account(0, 9000), 0);
}

static void test_a_jump_that_nobody_names_is_one(void **state)
{
	(void)state;
	sound(0, 5000, 0);
	sound(5000, 9000, 7);
	assert_int_equal(account(0, 9000), 7);
}

/* Silence beside the place of the loss: sound in between is too early. */
static void test_a_gap_within_its_uncertainty_is_none(void **state)
{
	(void)state;
	sound(0, 5000, 0);
	sound(5000, 5060, 480);
	lost(5060, 480, 64, "silent");
	sound(5540, 9000, 0);
	assert_int_equal(account(0, 9000), 0);
}

static void test_a_gap_beyond_its_uncertainty_is_one(void **state)
{
	(void)state;
	sound(0, 5000, 0);
	sound(5000, 5065, 480);
	lost(5065, 480, 64, "silent");
	sound(5545, 9000, 0);
	assert_int_equal(account(0, 9000), 960);
}

static void test_a_gap_too_short_by_more_than_is_allowed_is_one(void **state)
{
	(void)state;
	sound(0, 5000, 0);
	lost(5000, 300, 0, "late");
	sound(5300, 9000, 1); /* 301 were lost */
	lost(9000, 300, 0, "absent");
	sound(9300, 12000, 145); /* 444 were */
	lost(12000, 300, 50, "silent");
	sound(12300, 15000, 147); /* 302 were */
	assert_int_equal(account(0, 15000), 1 + 2);
}

static void test_a_loss_that_a_gap_hides_is_one(void **state)
{
	(void)state;
	sound(0, 5000, 0);
	lost(5000, 48000, 0, "absent");
	sound(53000, 90000, 1000);
	assert_int_equal(account(0, 90000), 1000);
}

static void test_a_gap_between_two_takes_is_named_by_the_link(void **state)
{
	(void)state;
	sound(0, 5000, 0);
	lost(5000, 100, 0, "between");
	sound(5100, 9000, 0);
	assert_int_equal(account(0, 9000), 0);
}

static void test_a_take_of_silence_is_named(void **state)
{
	struct stretch wanted = {OFFSET + 6000, OFFSET + 7000};

	(void)state;
	sound(0, 5000, 0);
	lost(6000, 1000, 0, "absent");
	sound(9000, 12000, 0);
	assert_int_equal(account_tape(&story, &known, &causes), 0);
	assert_int_equal(account_missing(&wanted, &known, "test"), 0);
	wanted.to++;
	assert_int_equal(account_missing(&wanted, &known, "test"), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_whole_sound_is_accounted_for),
		CASE(test_what_is_in_no_take_is_missing),
		CASE(test_what_comes_after_the_last_take_is_missing),
		CASE(test_a_named_gap_is_no_fault),
		CASE(test_a_jump_that_nobody_names_is_one),
		CASE(test_a_gap_within_its_uncertainty_is_none),
		CASE(test_a_gap_beyond_its_uncertainty_is_one),
		CASE(test_a_gap_too_short_by_more_than_is_allowed_is_one),
		CASE(test_a_loss_that_a_gap_hides_is_one),
		CASE(test_a_gap_between_two_takes_is_named_by_the_link),
		CASE(test_a_take_of_silence_is_named),
	};

	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
