/*
 * take: a medium without room. A take ends before the last byte is gone, whole,
 * and says so; the next one goes on with the very next frame.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "check_take.h"

#define RING  (1u << 19)
#define SOUND 400000u
#define MIB   (1u << 20)

static struct take *begin_limited(const struct take_plan *plan, uint64_t room)
{
	struct take *take;

	fake_storage_reset(FAKE_LIMIT, 0, FAKE_UNDONE);
	fake.room = room;
	assert_int_equal(take_start(&take, plan), 0);
	return take;
}

static void open_tape(struct take_info *info)
{
	fake_tape_open(&tape, 4, 24, 8000, RING);
	plan_all(info, &tape, 100);
	fake_tape_play(&tape, 100 + SOUND);
}

static const char *note_text(const struct checked *checked, const char *type,
			     const char *key)
{
	size_t i;
	json_t *note;

	json_array_foreach(checked->info.notes, i, note)
	{
		if (strcmp(json_string_value(json_object_get(note, "type")),
			   type) == 0)
			return json_string_value(json_object_get(note, key));
	}
	return "";
}

static void test_a_full_medium_ends_the_take_whole(void **unused)
{
	struct take_info info;

	(void)unused;
	open_tape(&info);
	/* From next to nothing to more than all of it takes. */
	for (uint64_t room = 3 * MIB; room < 8 * MIB; room += MIB / 4) {
		struct take_plan plan = plan_take(&tape, &info);
		struct take *take;
		struct take_status status;
		struct checked checked;

		plan.stop = 100 + SOUND;
		take = begin_limited(&plan, room);
		status = wait_done(take);
		assert_true(status.error == 0 || status.error == -ENOSPC);
		assert_string_equal(status.reason,
				    status.error ? "medium full" : "end");
		take_destroy(take);
		check_take(&checked, &tape);
		assert_int_equal(checked.info.frames, status.end);
		assert_true(status.error || status.end == SOUND);
		assert_int_equal(checked.info.gap_count, 0);
		checked_finish(&checked);
		fake_storage_empty();
	}
}

static void test_the_next_medium_has_the_next_frame(void **unused)
{
	struct take_info info;
	struct take_plan plan;
	struct take *take;
	struct take_status status;
	struct checked checked;
	json_t *from =
		json_pack("{ss ss}", "type", "continues", "take", "Take-001");

	(void)unused;
	open_tape(&info);
	plan = plan_take(&tape, &info);
	plan.asks_for_link = true;
	take = begin_limited(&plan, 5 * MIB);
	status = wait_until(take, is_finishing, 0);
	assert_int_equal(status.error, -ENOSPC);
	take_link(take, json_pack("{ss ss sI}", "type", "continued", "take",
				  "Take-002", "at", (json_int_t)status.end));
	wait_done(take);
	take_destroy(take);
	check_take(&checked, &tape);
	assert_int_equal(checked.info.frames, status.end);
	assert_string_equal(note_text(&checked, "continued", "take"),
			    "Take-002");
	checked_finish(&checked);

	fake_storage_empty();
	info.start += status.end;
	plan = plan_take(&tape, &info);
	plan.note = from;
	plan.stop = 100 + SOUND;
	take = begin_limited(&plan, 1000ull * MIB);
	wait_done(take);
	take_destroy(take);
	json_decref(from);
	check_take(&checked, &tape);
	assert_int_equal(checked.info.frames, SOUND - status.end);
	assert_int_equal(checked.info.gap_count, 0);
	assert_string_equal(note_text(&checked, "continues", "take"),
			    "Take-001");
	checked_finish(&checked);
}

/* The next take has begun at the end that was told when the last room goes. */
static void test_an_end_that_was_told_stands(void **unused)
{
	struct take_status told, status;
	struct take_info info;
	struct take_plan plan;
	struct take *take;

	(void)unused;
	open_tape(&info);
	plan = plan_take(&tape, &info);
	plan.asks_for_link = true;
	take = begin_limited(&plan, 5 * MIB);
	told = wait_until(take, is_finishing, 0);
	assert_int_equal(told.error, -ENOSPC);
	assert_true(told.end > 0);
	fake.room = 0;
	take_link(take, NULL);
	status = wait_over(take);
	assert_int_equal(status.end, told.end);
	assert_int_equal(status.durable, told.end);
	take_destroy(take);
}

/* Each write and each sync fails in turn: the next take goes on from where
 * the first one says that it ends. */
static void test_whoever_goes_on_lacks_no_frame(void **unused)
{
	struct take_info info;

	(void)unused;
	open_tape(&info);
	for (unsigned at = 20; at < 120; at += 3) {
		struct take_plan plan = plan_take(&tape, &info);
		struct take *take;
		struct take_status status;
		struct checked checked;

		plan.stop = 100 + SOUND / 2;
		fake_storage_reset(FAKE_FAIL, at, FAKE_UNDONE);
		assert_int_equal(take_start(&take, &plan), 0);
		status = wait_over(take);
		take_destroy(take);
		if (status.state == TAKE_FAILED) {
			assert_int_equal(status.error, -EIO);
			assert_string_equal(status.reason, "medium failed");
		}
		check_take(&checked, &tape);
		/* What it has is at least what the next one does not begin
		 * with. */
		assert_true(checked.info.frames >= status.end ||
			    status.end == SOUND / 2);
		checked_finish(&checked);
		fake_storage_empty();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_an_end_that_was_told_stands, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_full_medium_ends_the_take_whole, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_the_next_medium_has_the_next_frame, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_whoever_goes_on_lacks_no_frame, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
