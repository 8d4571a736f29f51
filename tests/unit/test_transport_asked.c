/* What is asked for before a take can have it: it begins later than it sounds,
 * or has still to be found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport_case.h"

static json_int_t place_of(json_t *take, const char *list)
{
	const json_t *entry = json_array_get(json_object_get(take, list), 0);

	assert_non_null(entry);
	return json_integer_value(json_object_get(entry, "at"));
}

/* Of a take from RATE / 4 on: track 2 until off, and Bridge. */
static void check_changes(const char *medium, uint64_t off, uint64_t bridge)
{
	json_t *take = read_take(medium, "*");
	json_t *tracks = json_object_get(take, "tracks");
	json_t *files = json_object_get(json_array_get(tracks, 1), "files");

	off -= RATE / 4;
	assert_int_equal(place_of(take, "markers"), bridge - RATE / 4);
	assert_in_range(place_of(take, "arms"), off, off + 4096);
	assert_int_equal(json_array_size(files), 1);
	json_decref(take);
}

/* Before the take has a word of it. */
static void ask_at_once(void)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	ask(COMMAND_TO_ARM, RATE / 2);
	ask(COMMAND_TO_MARK, RATE * 3 / 4);
}

/* Its medium fails before it has a word of it. */
static void test_a_take_that_goes_on_has_what_was_asked_for(void **state)
{

	(void)state;
	break_medium(bench.config.folder);
	ask_at_once();
	run_until(records_on_b);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	check_changes(bench.config.next, RATE / 2, RATE * 3 / 4);
}

static void test_a_take_goes_on_with_no_track_armed(void **state)
{
	struct command arming = {
		.kind = COMMAND_TO_ARM,
		.position = RATE / 4,
		.tracks = TRANSPORT_ALL_TRACKS,
	};
	json_t *take, *files;

	(void)state;
	break_medium(bench.config.folder);
	ask(COMMAND_TO_RECORD, RATE / 4);
	ask_for(&arming);
	run_until(records_on_b);
	arming.position = RATE / 2;
	arming.tracks = 1u << 0;
	arming.on = true;
	ask_for(&arming);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	take = read_take(bench.config.next, "*");
	files = json_object_get(
		json_array_get(json_object_get(take, "tracks"), 0), "files");
	assert_int_equal(json_array_size(files), 1);
	assert_int_equal(number_of(take, "frames"), RATE - RATE / 4);
	json_decref(take);
}

/* Its medium is found a moment after the tape. */
static void test_commands_do_not_wait_until_the_take_is_found(void **state)
{
	char away[CONFIG_PATH_MAX];
	struct command command = {.kind = COMMAND_TO_RECORD};
	struct command_reply reply;
	json_t *take;

	(void)state;
	below(away, "away");
	be_killed(record_until_killed);
	assert_int_equal(rename(bench.config.folder, away), 0);
	transport_search_arrivals(bench.transport);
	assert_null(bench.transport->current);
	assert_non_null(transport_recalled(bench.transport));
	bench.transport->recall_ns += 10 * NS_PER_S;
	play_on();
	play_on();
	ask(COMMAND_TO_ARM, RATE + RATE / 4);
	ask(COMMAND_TO_MARK, RATE + RATE / 2);
	transport_command(bench.transport, &command, &reply);
	assert_int_equal(reply.error, COMMAND_REFUSED);
	command.kind = COMMAND_TO_KEEP;
	command.position = RATE * 7 / 4;
	ask_for(&command);
	ask(COMMAND_TO_STOP, 2 * RATE - 1000);
	transport_command(bench.transport, &command, &reply); /* a new one */
	assert_int_equal(reply.error, COMMAND_REFUSED);
	assert_int_equal(rename(away, bench.config.folder), 0);
	bench.transport->arrivals[0] = 0; /* it may not have been missed */
	run_until(has_found);
	run_until(are_over);
	check_changes(bench.config.folder, RATE + RATE / 4, RATE + RATE / 2);
	take = read_take(bench.config.folder, "*");
	assert_int_equal(json_array_size(json_object_get(take, "markers")), 2);
	assert_int_equal(number_of(take, "frames"), 2 * RATE - 1000 - RATE / 4);
	json_decref(take);
}

/* It begins when the first one has its name. */
static void test_a_mirror_has_what_was_asked_for_before_it_began(void **state)
{
	char mirror[CONFIG_PATH_MAX];

	(void)state;
	have_mirror(mirror);
	ask_at_once();
	run_until(is_mirrored);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	check_changes(bench.config.folder, RATE / 2, RATE * 3 / 4);
	check_changes(mirror, RATE / 2, RATE * 3 / 4);
}

/* ---- asked for while a medium stands still, and then killed ---- */

static void be_stalled(const char *of)
{
	trouble.of = of;
	play_on(); /* until 3/2 RATE */
	run_until(stands_still);
}

static void disarm_and_arm_until_killed(void)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(has_synced);
	be_stalled("/A/");
	arm(false, RATE * 7 / 4);
	arm(true, RATE * 2);
	play_on();
	play_on();
	kill(getpid(), SIGKILL);
}

static void check_arm(json_t *take, size_t index, bool on, uint64_t least)
{
	json_t *arm = json_array_get(json_object_get(take, "arms"), index);

	assert_non_null(arm);
	assert_int_equal(json_is_true(json_object_get(arm, "on")), on);
	assert_in_range(number_of(arm, "at"), least, least + 4096);
}

static void test_a_track_off_and_on_again_while_the_medium_stalls(void **state)
{
	json_t *take;

	(void)state;
	be_killed(disarm_and_arm_until_killed);
	run_until(has_found);
	ask(COMMAND_TO_STOP, RATE * 9 / 4);
	run_until(are_over);
	take = read_take(bench.config.folder, "*");
	assert_int_equal(json_array_size(json_object_get(take, "arms")), 2);
	check_arm(take, 0, false, RATE * 3 / 2);
	check_arm(take, 1, true, RATE * 7 / 4 - 4096);
	json_decref(take);
}

/* The first one has all of it and has said so. */
static bool has_gone_past(void)
{
	struct take_status status;

	take_get_status(bench.transport->current->take, &status);
	return bench.transport->current->start + status.durable > RATE * 2;
}

static void stall_mirror_until_killed(void)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_mirrored);
	be_stalled("/M/");
	ask(COMMAND_TO_ARM, RATE * 7 / 4);
	ask(COMMAND_TO_MARK, RATE * 2);
	play_on();
	play_on();
	run_until(has_gone_past);
	kill(getpid(), SIGKILL);
}

static void test_a_mirror_that_stalls_alone_has_what_was_asked_for(void **state)
{
	char mirror[CONFIG_PATH_MAX];

	(void)state;
	have_mirror(mirror);
	be_killed(stall_mirror_until_killed);
	run_until(is_mirrored);
	ask(COMMAND_TO_STOP, RATE * 9 / 4);
	run_until(are_over);
	check_changes(bench.config.folder, RATE * 7 / 4, RATE * 2);
	check_changes(mirror, RATE * 7 / 4, RATE * 2);
}

static bool is_ended_by_medium(void)
{
	struct take_status status;

	take_get_status(bench.transport->current->take, &status);
	return status.error && status.end != TAKE_FOREVER;
}

/* The take says so in its ledger by then: a process that came after a kill and
 * knew nothing of it would take that for the end. */
static void test_that_a_take_waits_is_noted_at_once(void **state)
{
	(void)state;
	break_medium(bench.config.next);
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(has_synced);
	trouble.of = "/A/";
	trouble.fail = true;
	play_on();
	wait_for(is_ended_by_medium);
	transport_look_after_takes(bench.transport);
	assert_true(waits_for_medium());
	assert_int_equal(bench.transport->noted.kind, INTENT_WAITING);
	trouble.of = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_take_that_goes_on_has_what_was_asked_for),
		CASE(test_a_take_goes_on_with_no_track_armed),
		CASE(test_commands_do_not_wait_until_the_take_is_found),
		CASE(test_a_mirror_has_what_was_asked_for_before_it_began),
		CASE(test_a_track_off_and_on_again_while_the_medium_stalls),
		CASE(test_a_mirror_that_stalls_alone_has_what_was_asked_for),
		CASE(test_that_a_take_waits_is_noted_at_once),
	};

	return cmocka_run_group_tests_name("transport, what is asked", tests,
					   NULL, NULL);
}
