/*
 * take_resume: a take that is torn from its writer at every single call to the
 * storage, and gone on with. With its tape nothing may be missing; without it
 * the take ends where all of it was safe.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "take_story.h"

typedef void (*try_fn)(const struct story *story, unsigned at,
		       enum fake_how how);

static void at_every_call(const struct story *story, try_fn try, bool halves)
{
	unsigned calls = count_calls(story);

	for (unsigned at = 1; at <= calls; at += stride()) {
		if (halves && wrote[at]) {
			try(story, at, FAKE_HALF);
			cases++;
		}
		try(story, at, FAKE_DONE);
		cases++;
	}
	tell_cases();
	fake_tape_open(&tape, 1, 24, 8000, 256);
}

static void check_whole(const struct story *story)
{
	check_prefix(story, story_frames(story));
}

static void expect_done(struct take_status status)
{
	if (status.state != TAKE_DONE)
		fail_msg("%s: not resumed: %s (%d)", check_context,
			 status.reason, status.error);
}

static void heal(const struct story *story)
{
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	expect_done(resume(story, false));
}

static uint32_t power_seed = 1;

/* --- killed, and gone on with --- */

static void kill_at(const struct story *story, unsigned at, enum fake_how how)
{
	announce("killed", at, how);
	fake_storage_reset(FAKE_FREEZE, at, how);
	tell(story);
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	if (has_started()) {
		expect_done(resume(story, true));
		check_whole(story);
	}
	clear();
}

static void test_killed(void **unused)
{
	(void)unused;
	at_every_call(&simple, kill_at, true);
}

static void test_killed_with_parts(void **unused)
{
	(void)unused;
	at_every_call(&parts, kill_at, false);
}

static uint64_t bytes_of_files(void)
{
	DIR *dir = fdopendir(openat(fake.dir, ".", O_RDONLY | O_DIRECTORY));
	struct dirent *entry;
	uint64_t bytes = 0;
	struct stat stat;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (strstr(entry->d_name, ".flac") &&
		    fstatat(fake.dir, entry->d_name, &stat, 0) == 0)
			bytes += (uint64_t)stat.st_size;
	closedir(dir);
	return bytes;
}

/* What is left of the medium in minutes goes by it. */
static void test_what_a_take_takes_up_is_known_after_it_was_killed(
	void **unused)
{
	unsigned calls = count_calls(&parts);
	struct take_status status;

	(void)unused;
	fake_storage_reset(FAKE_FREEZE, calls * 3 / 4, FAKE_DONE);
	tell(&parts);
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	status = resume(&parts, true);
	expect_done(status);
	assert_int_equal(status.bytes, bytes_of_files());
}

static void test_killed_with_late_arming(void **unused)
{
	(void)unused;
	at_every_call(&late, kill_at, true);
}

static void test_killed_with_everything(void **unused)
{
	(void)unused;
	at_every_call(&all, kill_at, true);
}

static void test_killed_again_while_being_resumed(void **unused)
{
	unsigned calls = count_calls(&all);
	uint32_t seed = 7;

	(void)unused;
	for (unsigned i = 0; i < 150 / stride(); i++) {
		unsigned at = 1 + fake_chance(&seed, calls);
		unsigned again = 1 + fake_chance(&seed, calls - at + 40);

		announce("killed", at, FAKE_DONE);
		fake_storage_reset(FAKE_FREEZE, at, FAKE_DONE);
		tell(&all);
		if (has_started()) {
			announce("killed again", again, FAKE_DONE);
			fake_storage_reset(FAKE_FREEZE, again, FAKE_DONE);
			resume(&all, true);
			fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
			expect_done(resume(&all, true));
			check_whole(&all);
		}
		clear();
	}
	fake_tape_open(&tape, 1, 24, 8000, 256);
}

/* The tape came round before the writer came: what is lost is lost once,
 * however often it is tried again. */
static struct take_status tell_lapped(bool resumed)
{
	struct take_info info;
	struct take_plan plan;
	struct take_status status;
	struct take *take;

	plan_info(&info, &tape, START);
	plan_track(&info, 0, 1, true);
	plan_track(&info, 1, 2, true);
	plan = plan_take(&tape, resumed ? NULL : &info);
	plan.stop = START + 60000;
	assert_int_equal(resumed ? take_resume(&take, &plan)
				 : take_start(&take, &plan),
			 0);
	status = wait_over(take);
	take_destroy(take);
	return status;
}

static void check_lapped(void)
{
	/* The ring's oldest sample, the guard, and up to a block's border. */
	const uint64_t least = 60000 - 32768 + 8192, most = least + 2 * BLOCK;
	struct checked checked;

	check_take(&checked, &tape);
	assert_int_equal(checked.info.frames, 60000);
	assert_int_equal(checked.info.gap_count, 1);
	assert_in_range(checked.info.gap_frames, least, most);
	checked_finish(&checked);
}

static void test_killed_after_an_overrun(void **unused)
{
	unsigned calls;

	(void)unused;
	fake_tape_open(&tape, 3, 24, 8000, 32768);
	fake_tape_play(&tape, START + 60000);
	assert_int_equal(tell_lapped(false).state, TAKE_DONE);
	check_lapped();
	calls = fake.calls;
	fake_storage_empty();
	for (unsigned at = 1; at <= calls; at += stride()) {
		announce("killed", at, FAKE_DONE);
		fake_storage_reset(FAKE_FREEZE, at, FAKE_DONE);
		tell_lapped(false);
		fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
		if (has_started()) {
			expect_done(tell_lapped(true));
			check_lapped();
		}
		fake_storage_empty();
	}
}

/* --- killed, and the medium fails whoever goes on --- */

/* What it says is safe is what another take begins behind: no less than was
 * known, and no more than is there when the power goes. */
static void refuse_resume_at(const struct story *story, unsigned at,
			     enum fake_how how)
{
	struct take_status status;
	uint64_t safe;

	fake.keep = true;
	fake.cut = FAKE_DROPPED;
	announce("refused", at, how);
	fake_storage_reset(FAKE_FREEZE, at, how);
	safe = tell(story).durable;
	if (safe > 0) {
		fake_storage_reset(FAKE_UNSYNCED, 0, FAKE_UNDONE);
		status = resume(story, true);
		assert_true(status.begun);
		assert_true(status.end >= safe);
		assert_int_equal(status.durable, status.end);
		fake_storage_cut_power(&power_seed);
		heal(story);
		check_prefix(story, status.end);
	}
	clear();
}

static void test_a_resume_that_is_refused_each_sync(void **unused)
{
	(void)unused;
	at_every_call(&simple, refuse_resume_at, true);
}

static bool has_ended(const struct take_status *status, uint64_t unused)
{
	return status->end != TAKE_FOREVER || is_over(status, unused);
}

/* As soon as it is known that it has ended, it is known how far it is safe. */
static void test_a_resume_whose_first_round_is_refused(void **unused)
{
	struct take_plan plan;
	struct take_status status;
	struct take *take;
	uint64_t safe;

	(void)unused;
	fake_storage_reset(FAKE_FREEZE, count_calls(&simple) / 2, FAKE_DONE);
	safe = tell(&simple).durable;
	assert_true(safe > 0);
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	plan = plan_take(&tape, NULL);
	plan.waits = true;
	plan.asks_for_link = true;
	assert_int_equal(take_resume(&take, &plan), 0);
	status = wait_until(take, has_synced, safe);
	assert_true(status.begun);
	fake_storage_reset(FAKE_FILL, 1, FAKE_UNDONE);
	take_go(take);
	status = wait_until(take, has_ended, 0);
	assert_true(status.begun);
	assert_true(status.end >= safe);
	take_link(take, NULL);
	take_destroy(take);
}

/* --- a sync has failed, and the writer was killed --- */

/* What is read again must be on the medium in the end, too. */
static void lose_at(const struct story *story, unsigned at, enum fake_how how)
{
	uint64_t safe;

	fake.keep = true;
	fake.cut = FAKE_DROPPED;
	announce("lost", at, how);
	fake_storage_reset(FAKE_FREEZE, at, how);
	safe = tell(story).durable;
	if (safe > 0) {
		fake_storage_lose();
		fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
		expect_done(resume(story, true));
		check_whole(story);
		fake_storage_cut_power(&power_seed);
		check_whole(story);
	}
	clear();
}

static void test_what_only_memory_has_is_not_believed(void **unused)
{
	(void)unused;
	at_every_call(&simple, lose_at, false);
}

static void test_what_only_memory_has_of_parts_is_not_believed(void **unused)
{
	(void)unused;
	at_every_call(&all, lose_at, false);
}

/* --- killed, and the tape is gone as well --- */

static void lose_tape_at(const struct story *story, unsigned at,
			 enum fake_how how)
{
	uint64_t safe;

	announce("lost", at, how);
	fake_storage_reset(FAKE_FREEZE, at, how);
	safe = tell(story).durable;
	if (has_started()) {
		heal(story);
		check_prefix(story, safe);
	}
	clear();
}

static void test_without_its_tape(void **unused)
{
	(void)unused;
	at_every_call(&all, lose_tape_at, false);
}

/* --- the power fails --- */

/* The file lacks its last line if no sync comes. */
static void forget_last_entry(void)
{
	struct fake_file *file = fake_find(LEDGER_NAME);

	do
		file->synced_size--;
	while (file->synced[file->synced_size - 1] != '\n');
}

static void test_an_end_that_only_memory_has_outlives_a_power_cut(void **unused)
{
	(void)unused;
	fake.keep = true;
	fake.cut = FAKE_DROPPED;
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	assert_int_equal(tell(&simple).state, TAKE_DONE);
	forget_last_entry();
	assert_int_equal(unlinkat(fake.dir, TAKE_JSON, 0), 0);
	expect_done(resume(&simple, true));
	fake_storage_cut_power(&power_seed);
	check_whole(&simple);
}

/* What says that it has ended has, wherever the process before it died. */
static void cut_power_when_over(const struct story *story, unsigned at,
				enum fake_how how)
{
	fake.keep = true;
	fake.cut = FAKE_DROPPED;
	announce("over", at, how);
	fake_storage_reset(FAKE_FREEZE, at, how);
	tell(story);
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	if (has_started()) {
		expect_done(resume(story, true));
		fake_storage_cut_power(&power_seed);
		check_whole(story);
	}
	clear();
}

static void test_what_a_resume_has_ended_outlives_a_power_cut(void **unused)
{
	(void)unused;
	at_every_call(&parts, cut_power_when_over, false);
}

static void cut_power_at(const struct story *story, unsigned at,
			 enum fake_how how)
{
	uint64_t safe;

	fake.keep = true;
	announce("power cut", at, how);
	fake_storage_reset(FAKE_FREEZE, at, how);
	safe = tell(story).durable;
	fake_storage_cut_power(&power_seed);
	if (has_started()) {
		heal(story);
		check_prefix(story, safe);
	} else {
		assert_int_equal(safe, 0);
	}
	clear();
}

static void test_power_cuts(void **unused)
{
	(void)unused;
	at_every_call(&all, cut_power_at, true);
}

/* --- the medium is full, or fails --- */

static void refuse_at(const struct story *story, enum fake_fault fault,
		      unsigned at)
{
	struct take_status status;

	fake_storage_reset(fault, at, FAKE_UNDONE);
	status = tell(story);
	if (status.state == TAKE_FAILED)
		assert_string_equal(status.reason, fault == FAKE_FILL
							   ? "medium full"
							   : "medium failed");
	if (has_started()) {
		heal(story);
		check_prefix(story, status.durable);
	}
	clear();
}

static void fill_up_at(const struct story *story, unsigned at,
		       enum fake_how how)
{
	announce("full", at, how);
	refuse_at(story, FAKE_FILL, at);
}

static void fail_at(const struct story *story, unsigned at, enum fake_how how)
{
	announce("failed", at, how);
	refuse_at(story, FAKE_FAIL, at);
}

static void test_medium_full(void **unused)
{
	(void)unused;
	at_every_call(&all, fill_up_at, false);
}

static void test_medium_failed(void **unused)
{
	(void)unused;
	at_every_call(&all, fail_at, false);
}

static void shorten_at(const struct story *story, unsigned at,
		       enum fake_how how)
{
	if (!wrote[at])
		return;
	announce("shortened", at, how);
	refuse_at(story, FAKE_SHORTEN, at);
}

static void test_medium_takes_half_a_write(void **unused)
{
	(void)unused;
	at_every_call(&all, shorten_at, false);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_killed),
		CASE(test_killed_with_parts),
		CASE(test_what_a_take_takes_up_is_known_after_it_was_killed),
		CASE(test_killed_with_late_arming),
		CASE(test_killed_with_everything),
		CASE(test_killed_again_while_being_resumed),
		CASE(test_killed_after_an_overrun),
		CASE(test_a_resume_that_is_refused_each_sync),
		CASE(test_a_resume_whose_first_round_is_refused),
		CASE(test_what_only_memory_has_is_not_believed),
		CASE(test_what_only_memory_has_of_parts_is_not_believed),
		CASE(test_without_its_tape),
		CASE(test_what_a_resume_has_ended_outlives_a_power_cut),
		CASE(test_an_end_that_only_memory_has_outlives_a_power_cut),
		CASE(test_power_cuts),
		CASE(test_medium_full),
		CASE(test_medium_failed),
		CASE(test_medium_takes_half_a_write),
	};

	return cmocka_run_group_tests_name("take_resume", tests, NULL, NULL);
}
