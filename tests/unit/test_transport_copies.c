/* A mirrored take, and a takeboxd that comes after another one: which of its
 * copies goes on, and which does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "two_takes.h"

#define LATE_NS (60 * NS_PER_S)

static char mirror[CONFIG_PATH_MAX], away[CONFIG_PATH_MAX];

static struct hand *hand_on(const char *medium)
{
	for (unsigned i = 0; i < HANDS_MAX; i++)
		if (bench.transport->hand[i].take &&
		    strstr(bench.transport->hand[i].place.folder, medium))
			return &bench.transport->hand[i];
	return NULL;
}

static bool is_done_on(const char *medium)
{
	char path[CONFIG_PATH_MAX + 64];
	glob_t found;
	bool done;

	snprintf(path, sizeof(path), "%s/Takebox/*/Take-001/take.json", medium);
	done = glob(path, 0, NULL, &found) == 0;
	globfree(&found);
	return done;
}

static bool is_done_on_mirror(void)
{
	return is_done_on(mirror);
}

static bool is_done_on_a(void)
{
	return is_done_on(bench.config.folder);
}

static bool are_both_in_hand(void)
{
	return stands_still() && in_hand() == 2;
}

/* As if it had stood still for a long time. */
static void let_hang(struct hand *hand)
{
	struct take_status status;

	take_get_status(hand->take, &status);
	hand->encoded = status.encoded;
	hand->encoded_ns = clock_now_ns() - LATE_NS;
	transport_look_at_medium(hand);
}

static bool is_long_safe(void)
{
	return is_mirrored() && bench.transport->noted.frames > 4 * RATE;
}

static void record_long_until_killed(void)
{
	ask(COMMAND_TO_RECORD, 0);
	run_until(is_mirrored);
	for (unsigned i = 0; i < 9; i++)
		play_on();
	run_until(is_long_safe);
	kill(getpid(), SIGKILL);
}

/* The writers have been kept from all but the beginning. */
static void record_little_until_killed(void)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_mirrored);
	run_until(has_synced);
	trouble.of = "Take-001";
	trouble.met = false;
	for (unsigned i = 0; i < 9; i++)
		play_on();
	wait_for(stands_still);
	kill(getpid(), SIGKILL);
}

/* ---- the first one hangs before the mirror is found ---- */

/* Nothing can be made in its place meanwhile. */
static void pull_mirror(void)
{
	assert_int_equal(rename(mirror, below(away, "away")), 0);
	fclose(fopen(mirror, "we"));
}

static void bring_mirror(void)
{
	assert_int_equal(unlink(mirror), 0);
	assert_int_equal(rename(away, mirror), 0);
}

static void test_a_copy_found_when_the_take_has_gone_on_is_not_recorded(
	void **state)
{
	(void)state;
	have_mirror(mirror);
	run_until_killed(record_little_until_killed);
	pull_mirror();
	trouble.of = "/A/";
	trouble.met = false;
	be_renewed();
	run_until(has_found);
	run_until(stands_still);
	let_hang(hand_on("/A/"));
	run_until(records_on_b);
	bring_mirror();
	run_until(is_done_on_mirror);
	assert_true(records_on_b());
	ask(COMMAND_TO_STOP, RATE);
	assert_null(transport_recorded(bench.transport));
	trouble.of = NULL;
	run_until(are_over);
}

/* ---- both hang ---- */

static bool goes_on_as_second(void)
{
	return is_prepared() &&
	       strcmp(bench.transport->current->place.take, "Take-002") == 0;
}

static void test_two_copies_that_hang_are_both_left(void **state)
{
	(void)state;
	have_mirror(mirror);
	run_until_killed(record_little_until_killed);
	trouble.of = "Take-001";
	trouble.met = false;
	be_renewed();
	run_until(are_both_in_hand);
	let_hang(hand_on("/A/"));
	let_hang(hand_on("/M/"));
	run_until(goes_on_as_second);
	ask(COMMAND_TO_STOP, RATE);
	trouble.of = NULL;
	run_until(are_over);
}

/* ---- only the mirror is there ---- */

/* It has as much as had been written down, and takes its time to be read. */
static void test_a_mirror_that_is_found_alone_has_what_was_safe(void **state)
{
	struct hand *hand;
	uint64_t end;

	(void)state;
	have_mirror(mirror);
	run_until_killed(record_long_until_killed);
	assert_int_equal(rename(bench.config.folder, below(away, "away")), 0);
	trouble.of = "/M/";
	trouble.met = false;
	be_renewed();
	run_until(has_found);
	run_until(stands_still);
	hand = hand_on("/M/");
	let_hang(hand);
	assert_false(hand->left);
	trouble.of = NULL;
	end = tape_published(&bench.transport->client.tape);
	ask(COMMAND_TO_STOP, end);
	run_until(are_over);
	check_take(mirror, 1, end, NULL);
}

/* ---- one had been torn off long before ---- */

static uint64_t wanted;

static bool has_written(void)
{
	struct take_status status;

	if (!bench.transport->current)
		return false;
	take_get_status(bench.transport->current->take, &status);
	return status.durable >= wanted;
}

static bool is_alone(void)
{
	return bench.transport->current &&
	       strstr(bench.transport->current->place.folder, "/M/");
}

static bool is_noted_alone(void)
{
	return bench.transport->noted.alone &&
	       bench.transport->noted.frames > 30 * RATE;
}

static void in_folder(const char *command)
{
	char line[3 * CONFIG_PATH_MAX];

	snprintf(line, sizeof(line), "cd '%.200s' && %s", bench.folder,
		 command);
	assert_int_equal(system(line), 0);
}

/* For longer than the tape is. What A had until then is kept as it was: one
 * that is pulled does not hear of it. */
static void lose_a_until_killed(void)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_mirrored);
	run_until(has_synced);
	in_folder("cp -a A kept");
	fail_medium("/A/");
	run_until(is_alone);
	for (unsigned i = 0; i < 32; i++) {
		play_on();
		play_on();
		wanted = i * RATE;
		run_until(has_written);
	}
	run_until(is_noted_alone);
	kill(getpid(), SIGKILL);
}

/* It is not gone on with: the tape does not have what it lacks. */
static void test_a_copy_that_was_torn_off_long_before_is_healed(void **state)
{
	json_t *take;
	uint64_t end;

	(void)state;
	have_mirror(mirror);
	run_until_killed(lose_a_until_killed);
	in_folder("rm -r A && mv kept A");
	be_renewed();
	end = tape_published(&bench.transport->client.tape);
	run_until(is_alone);
	run_until(is_done_on_a);
	take = read_take(bench.config.folder, "Take-001");
	assert_in_range(number_of(take, "frames"), 1, 2 * RATE);
	assert_int_equal(json_array_size(json_object_get(take, "gaps")), 0);
	json_decref(take);
	assert_true(is_alone());
	ask(COMMAND_TO_STOP, end);
	run_until(are_over);
	check_take(mirror, 1, end - RATE / 4, NULL);
}

/* It is not what recording goes on behind either. */
static void test_a_copy_torn_off_long_before_is_not_what_ran(void **state)
{
	uint64_t end;

	(void)state;
	have_mirror(mirror);
	run_until_killed(lose_a_until_killed);
	in_folder("rm -r A && mv kept A");
	pull_mirror();
	be_renewed();
	end = tape_published(&bench.transport->client.tape);
	run_until(is_done_on_a);
	run_until(goes_on_as_second);
	assert_int_equal(bench.transport->lost_between, false);
	ask(COMMAND_TO_STOP, end);
	run_until(are_over);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_copy_found_when_the_take_has_gone_on_is_not_recorded),
		CASE(test_two_copies_that_hang_are_both_left),
		CASE(test_a_mirror_that_is_found_alone_has_what_was_safe),
		CASE(test_a_copy_that_was_torn_off_long_before_is_healed),
		CASE(test_a_copy_torn_off_long_before_is_not_what_ran),
	};

	return cmocka_run_group_tests_name("transport, copies", tests, NULL,
					   NULL);
}
