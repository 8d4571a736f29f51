/*
 * heal: takes that have ended, and what a look at one says when it cannot be
 * looked at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/resource.h>

#include "heal_case.h"

#define PROJECT "Take-001.rpp"

static void finish_take(void)
{
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	assert_int_equal(tell(&simple).state, TAKE_DONE);
	assert_int_equal(heal_look(fake.dir, "Take-001"), HEAL_WHOLE);
}

/* --- the lists --- */

static const char edited[] = "<REAPER_PROJECT 0.1 \"6.80\" 1700000000\n"
			     "  TEMPO 93 3 4\n"
			     ">\n";

static void expect_project(const char *text, size_t size, bool is)
{
	size_t now_size;
	char *now = read_all(fake.dir, PROJECT, &now_size);

	assert_int_equal(now_size == size && memcmp(now, text, size) == 0, is);
	free(now);
}

/* Somebody mixes with it; only take.json has gone bad. */
static void test_an_edited_project_is_left(void **unused)
{
	(void)unused;
	finish_take();
	write_all(fake.dir, PROJECT, edited, strlen(edited));
	write_all(fake.dir, TAKE_JSON, "", 0);
	settle();
	expect_healed("sample-complete");
	expect_project(edited, strlen(edited), true);
	expect_verdict(VERIFY_COMPLETE);
}

/* A power cut leaves that, or nothing, of one that was just being written. */
static void test_a_torn_project_is_written_anew(void **unused)
{
	size_t size;
	char *whole;

	(void)unused;
	finish_take();
	whole = read_all(fake.dir, PROJECT, &size);
	for (size_t at = 0; at < size; at += size / 5) {
		write_all(fake.dir, PROJECT, whole, at);
		write_all(fake.dir, TAKE_JSON, "", 0);
		settle();
		expect_healed("sample-complete");
		expect_project(whole, size, true);
	}
	free(whole);
}

/* A take that had not ended has none of its own yet. */
static void test_a_project_of_before_the_end_is_written_anew(void **unused)
{
	(void)unused;
	cut_in_the_middle(&simple);
	write_all(fake.dir, PROJECT, edited, strlen(edited));
	settle();
	expect_healed("sample-complete");
	expect_project(edited, strlen(edited), false);
}

/* --- a look --- */

/* With as many descriptors as there are, and so many more. */
static enum heal_state look_with(unsigned spare)
{
	struct rlimit limit, before;
	int next = dup(fake.dir);
	enum heal_state state;

	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = (rlim_t)next + spare;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	state = heal_look(fake.dir, "Take-001");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	return state;
}

/* It is not open for want of a descriptor, let alone one that never began. */
static void test_a_take_that_cannot_be_looked_at(void **unused)
{
	(void)unused;
	finish_take();
	assert_int_equal(look_with(0), HEAL_UNKNOWN);
	assert_int_equal(look_with(1), HEAL_WHOLE);
	assert_int_equal(unlinkat(fake.dir, LEDGER_NAME, 0), 0);
	assert_int_equal(look_with(0), HEAL_UNKNOWN);
	assert_int_equal(look_with(1), HEAL_UNKNOWN);
	assert_int_equal(look_with(2), HEAL_OPEN);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_an_edited_project_is_left),
		CASE(test_a_torn_project_is_written_anew),
		CASE(test_a_project_of_before_the_end_is_written_anew),
		CASE(test_a_take_that_cannot_be_looked_at),
	};

	return cmocka_run_group_tests_name("heal_finished", tests, NULL, NULL);
}
