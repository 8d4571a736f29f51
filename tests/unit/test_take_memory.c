/*
 * take: its memory is there from the beginning, and does not grow however often
 * the encoders are made anew. The linker puts a pace that never rests in the
 * place of take/pace.c's (the makefile's --wrap).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "check_take.h"
#include "take/encoder.h"
#include "take/pace.h"

#define RATE	 48000u
#define CHANNELS 32u
#define RING	 (2 * RATE)
#define PIECE	 (RATE / 4)
#define CHANGES	 40u
/* What malloc's arenas keep for threads varies by 600; the encoders alone take
 * five times this each time that they are made. */
#define MOST_KIB 1024

static _Atomic bool restless;

unsigned __wrap_pace_look(struct pace *pace, const struct pace_view *view);

unsigned __wrap_pace_look(struct pace *pace, const struct pace_view *view)
{
	static const unsigned levels[] = {0, 5, 3, 8, 1, 6};
	static unsigned next;

	(void)view;
	if (restless)
		pace->level = levels[next++ % 6];
	return pace->level;
}

/* KiB of memory that no file is behind. */
static long own_memory(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[128];
	long kib = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "RssAnon: %ld", &kib) == 1)
			break;
	fclose(file);
	assert_true(kib > 0);
	return kib;
}

/* A piece at a time, each of it encoded before the next: a look for each. */
static void play(struct take *take, unsigned pieces)
{
	for (unsigned i = 0; i < pieces; i++) {
		fake_tape_play(&tape, PIECE);
		/* The writer looks when there is a command. */
		assert_int_equal(take_arm(take, TAKE_TRACKS_MAX, true, 0), 0);
		wait_until(take, has_encoded,
			   fake_tape_end(&tape) / ENCODER_BLOCK *
				   ENCODER_BLOCK);
	}
}

static void test_changes_of_the_level_take_no_more_memory(void **unused)
{
	struct take_plan plan;
	struct checked checked;
	struct take_info info;
	struct take *take;
	long before, after;

	(void)unused;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	printf("# a sanitizer keeps what is freed\n");
	skip();
#endif
	fake_tape_open(&tape, CHANNELS, 24, RATE, RING);
	plan_all(&info, &tape, 0);
	info.level = 5;
	plan = plan_take(&tape, &info);
	plan.storage = &storage_posix;
	plan.sync_seconds = 1;
	assert_int_equal(take_start(&take, &plan), 0);
	play(take, 8);
	before = own_memory();
	restless = true;
	play(take, 2 * CHANGES);
	after = own_memory();
	if (after > before + MOST_KIB)
		fail_msg("%ld KiB before, %ld KiB after", before, after);
	restless = false;
	take_stop(take, fake_tape_end(&tape), "stop");
	end_take(take, &checked);
	assert_true(json_array_size(checked.info.notes) >= CHANGES);
	checked_finish(&checked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_changes_of_the_level_take_no_more_memory, set_up,
			tear_down),
	};

	return cmocka_run_group_tests_name("take_memory", tests, NULL, NULL);
}
