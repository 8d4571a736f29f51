/*
 * take: on a machine that is too slow. The linker puts a slow encoder_feed in
 * the place of the encoder's own (the makefile's --wrap): it takes as long as a
 * level is made to cost, and notes which levels there were.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "check_take.h"
#include "take/encoder.h"

#define RATE  96000u
#define RING  (8 * RATE)
#define PIECE (RATE / 2)

/* Nanoseconds per sample and step, by level; and which were used. */
static _Atomic unsigned cost_ns[9];
static _Atomic bool used[9];

int __real_encoder_feed(struct encoder *encoder, const int32_t *const *planes,
			unsigned count);
int __wrap_encoder_feed(struct encoder *encoder, const int32_t *const *planes,
			unsigned count);

/* It costs next to nothing. */
static bool is_silence(const int32_t *plane, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (plane[i])
			return false;
	return true;
}

int __wrap_encoder_feed(struct encoder *encoder, const int32_t *const *planes,
			unsigned count)
{
	unsigned level = encoder_level(encoder);
	struct timespec time = {.tv_nsec = (long)cost_ns[level] * count};

	used[level] = true;
	if (time.tv_nsec > 0 && !is_silence(planes[0], count))
		nanosleep(&time, NULL);
	return __real_encoder_feed(encoder, planes, count);
}

/* Loads by level: times what the sound lasts. */
static void make_slow(const double loads[9])
{
	for (unsigned i = 0; i < 9; i++) {
		cost_ns[i] = (unsigned)(loads[i] * 1e9 / RATE);
		used[i] = false;
	}
}

static void plan_slow(struct take_info *info, unsigned level)
{
	fake_tape_open(&tape, 1, 24, RATE, RING);
	plan_all(info, &tape, 0);
	info->level = level;
}

/* In real time, until the take is as it should be. */
static void play_until(struct take *take, wanted_fn wanted, uint64_t value)
{
	int64_t start = clock_now_ns(), deadline = start + DEADLINE_NS;
	uint64_t from = fake_tape_end(&tape);
	struct take_status status;

	for (;;) {
		int64_t now = clock_now_ns();
		uint64_t due = from + (uint64_t)(now - start) * RATE / NS_PER_S;

		take_get_status(take, &status);
		if (wanted(&status, value))
			return;
		assert_true(now < deadline);
		if (due > fake_tape_end(&tape))
			fake_tape_play(&tape, due - fake_tape_end(&tape));
		poll(NULL, 0, 5);
	}
}

/* The writer looks four times a second, or when there is a command. */
static void wake(struct take *take)
{
	assert_int_equal(take_arm(take, TAKE_TRACKS_MAX, true, 0), 0);
}

static bool has_level(const struct take_status *status, uint64_t level)
{
	return status->level == level && status->state == TAKE_RECORDING;
}

static bool is_close(const struct take_status *status, uint64_t unused)
{
	(void)unused;
	return status->encoded + RATE / 2 > fake_tape_end(&tape);
}

static bool has_gap(const struct take_status *status, uint64_t unused)
{
	(void)unused;
	return status->gap_count > 0;
}

static const json_t *note(const struct checked *checked, size_t number)
{
	size_t i;
	json_t *entry;

	json_array_foreach(checked->info.notes, i, entry)
	{
		const char *type =
			json_string_value(json_object_get(entry, "type"));

		if (strcmp(type, "compression") == 0 && number-- == 0)
			return entry;
	}
	return NULL;
}

static void assert_note(const struct checked *checked, size_t number,
			unsigned level)
{
	const json_t *entry = note(checked, number);

	assert_non_null(entry);
	assert_int_equal(member(entry, "level"), level);
	assert_int_equal(member(entry, "at") % ENCODER_BLOCK, 0);
	assert_true(member(entry, "at") <= checked->info.frames);
}

static void test_the_level_goes_down_before_sound_is_lost(void **unused)
{
	static const double loads[9] = {[0] = 0.05, [3] = 1.5, [5] = 2.0};
	struct checked checked;
	struct take_info info;
	struct take *take;

	(void)unused;
	plan_slow(&info, 5);
	make_slow(loads);
	take = begin_take(&info, TAKE_FOREVER);
	fake_tape_play(&tape, 3 * RATE / 2);
	play_until(take, has_level, 0);
	play_until(take, is_close, 0);
	take_stop(take, fake_tape_end(&tape), "stop");
	end_take(take, &checked);
	assert_int_equal(checked.info.gap_count, 0);
	assert_note(&checked, 0, 0);
	assert_null(note(&checked, 1));
	assert_true(member(note(&checked, 0), "waiting") > RATE);
	assert_true(used[5] && used[0]);
	checked_finish(&checked);
}

/* Half a minute of sound, as fast as it is encoded. */
static void test_the_level_comes_back_when_there_is_room(void **unused)
{
	static const double slow[9] = {[3] = 1.5, [5] = 2.0}, fast[9] = {0};
	struct take_status status;
	struct checked checked;
	struct take_info info;
	struct take *take;

	(void)unused;
	plan_slow(&info, 5);
	make_slow(slow);
	take = begin_take(&info, TAKE_FOREVER);
	fake_tape_play(&tape, 3 * RATE / 2);
	play_until(take, has_level, 0);
	make_slow(fast);
	do {
		fake_tape_play(&tape, PIECE);
		wake(take);
		wait_until(take, has_encoded, fake_tape_end(&tape) - RATE / 4);
		take_get_status(take, &status);
	} while (status.level == 0 && fake_tape_end(&tape) < 60 * RATE);
	assert_true(fake_tape_end(&tape) > 30 * RATE);
	for (int i = 0; i < 2; i++) {
		fake_tape_play(&tape, PIECE);
		wait_until(take, has_encoded, fake_tape_end(&tape) - RATE / 4);
	}
	take_stop(take, fake_tape_end(&tape), "stop");
	end_take(take, &checked);
	assert_true(used[0] && used[5]);
	assert_note(&checked, 0, 0);
	assert_note(&checked, 1, 5);
	assert_int_equal(checked.info.gap_count, 0);
	checked_finish(&checked);
}

/* The tape runs over at the lowest level, and what is lost then is named. */
static void test_only_then_is_sound_lost_and_named(void **unused)
{
	static const double loads[9] = {[0] = 4.0, [3] = 4.0, [5] = 4.0};
	struct checked checked;
	struct take_info info;
	struct take *take;

	(void)unused;
	plan_slow(&info, 5);
	make_slow(loads);
	take = begin_take(&info, TAKE_FOREVER);
	fake_tape_play(&tape, RING / 4);
	play_until(take, has_level, 0);
	fake_tape_play(&tape, RING);
	play_until(take, has_gap, 0);
	make_slow((const double[9]){0});
	play_until(take, is_close, 0);
	take_stop(take, fake_tape_end(&tape), "stop");
	end_take(take, &checked);
	assert_note(&checked, 0, 0);
	assert_true(checked.info.gap_count > 0);
	assert_true(member(json_array_get(checked.info.gaps, 0), "at") >=
		    member(note(&checked, 0), "at"));
	checked_finish(&checked);
}

static void test_a_take_that_fits_the_tape_keeps_its_level(void **unused)
{
	static const double loads[9] = {[5] = 2.0};
	struct checked checked;
	struct take_info info;
	struct take *take;

	(void)unused;
	plan_slow(&info, 5);
	make_slow(loads);
	take = begin_take(&info, 2 * RATE);
	fake_tape_play(&tape, 2 * RATE);
	end_take(take, &checked);
	assert_null(note(&checked, 0));
	checked_finish(&checked);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_the_level_goes_down_before_sound_is_lost),
		CASE(test_the_level_comes_back_when_there_is_room),
		CASE(test_only_then_is_sound_lost_and_named),
		CASE(test_a_take_that_fits_the_tape_keeps_its_level),
	};

	return cmocka_run_group_tests_name("take_pace", tests, NULL, NULL);
}
