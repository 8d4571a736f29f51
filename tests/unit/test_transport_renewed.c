/* A takeboxd that comes after another one, and what that has left: on the tape,
 * on media, and in recording.json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport_case.h"

static bool is_done_on(const char *medium)
{
	char path[CONFIG_PATH_MAX + 64];
	glob_t found;
	bool done;

	snprintf(path, sizeof(path), "%s/Takebox/*/*/take.json", medium);
	done = glob(path, 0, NULL, &found) == 0;
	globfree(&found);
	return done;
}

static size_t size_of(const json_t *take, const char *list)
{
	return json_array_size(json_object_get(take, list));
}

/* ---- nothing was being recorded ---- */

static bool is_idle(void)
{
	return !bench.transport->current && is_done_on(bench.config.next) &&
	       bench.transport->noted.kind == INTENT_NONE;
}

static void go_on_and_stop_until_killed(void)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(has_synced);
	fail_medium("/A/");
	run_until(records_on_b);
	ask(COMMAND_TO_STOP, RATE);
	run_until(is_idle);
	kill(getpid(), SIGKILL);
}

static bool is_healed(void)
{
	return is_done_on(bench.config.folder) && are_over();
}

/* Its medium is back: that is no reason to record. */
static void test_a_take_left_open_is_healed_when_nothing_ran(void **state)
{
	json_t *take;

	(void)state;
	be_killed(go_on_and_stop_until_killed);
	run_until(is_healed);
	take = read_take(bench.config.folder, "*");
	assert_true(json_is_integer(json_object_get(take, "healed_at")));
	assert_in_range(number_of(take, "frames"), 1, RATE);
	assert_int_equal(size_of(take, "gaps"), 0);
	json_decref(take);
}

/* ---- what was asked for ---- */

/* All of the tape, where a track was not armed for a while. */
static void keep_until_killed(void)
{
	struct command keep = {
		.kind = COMMAND_TO_KEEP,
		.position = RATE,
		.preroll = -1,
	};

	arm(false, RATE / 4);
	arm(true, RATE / 2);
	ask(COMMAND_TO_RECORD, RATE * 3 / 4);
	ask(COMMAND_TO_MARK, RATE * 7 / 8);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	trouble.of = "/A/";
	ask_for(&keep);
	run_until(stands_still);
	kill(getpid(), SIGKILL);
}

/* It keeps all tracks that were armed when it was asked for, and nobody has set
 * a marker in it. */
static void test_what_was_asked_for_before_keep_is_not_in_it(void **state)
{
	json_t *take;

	(void)state;
	be_killed(keep_until_killed);
	run_until(has_found);
	run_until(are_over);
	take = read_take(bench.config.folder, "Take-002");
	assert_int_equal(number_of(take, "frames"), RATE);
	assert_int_equal(size_of(take, "arms"), 0);
	assert_int_equal(size_of(take, "markers"), 0);
	json_decref(take);
}

static void disarm_while_waiting_until_renewed(void)
{
	break_medium(bench.config.next);
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(has_synced);
	fail_medium("/A/");
	run_until(waits_for_medium);
	play_on();
	arm(false, RATE * 7 / 4);
	transport_leave(bench.transport);
	kill(getpid(), SIGKILL);
}

/* And configured anew, as its tracks are. */
static void test_arming_of_before_is_in_the_take_that_goes_on(void **state)
{
	json_t *take, *arm;

	(void)state;
	be_killed(disarm_while_waiting_until_renewed);
	run_until(has_found);
	ask(COMMAND_TO_STOP, 2 * RATE);
	run_until(are_over);
	take = read_take(bench.config.folder, "Take-002");
	assert_int_equal(size_of(take, "arms"), 1);
	arm = json_array_get(json_object_get(take, "arms"), 0);
	assert_false(json_is_true(json_object_get(arm, "on")));
	assert_int_equal(
		size_of(json_array_get(json_object_get(take, "tracks"), 1),
			"files"),
		1);
	json_decref(take);
}

/* Acknowledged while the take was looked for: the next one knows. */
static void test_stop_outlives_two_who_look_for_the_take(void **state)
{
	static struct intent left;
	char away[CONFIG_PATH_MAX];

	(void)state;
	run_until_killed(record_until_killed);
	below(away, "away");
	assert_int_equal(rename(bench.config.folder, away), 0);
	be_renewed();
	transport_search_arrivals(bench.transport);
	assert_non_null(transport_recalled(bench.transport));
	ask(COMMAND_TO_STOP, RATE / 2);
	transport_leave(bench.transport);
	assert_int_equal(intent_read(bench.transport->intent_path, &left), 0);
	assert_int_equal(left.stop, RATE / 2);
}

/* ---- on a medium that stalls ---- */

static bool is_safe(void)
{
	return bench.transport->noted.frames > 4 * RATE;
}

static void record_long_until_killed(void)
{
	ask(COMMAND_TO_RECORD, 0);
	for (unsigned i = 0; i < 8; i++)
		play_on();
	run_until(is_safe);
	kill(getpid(), SIGKILL);
}

/* It has not said yet how much it has. What had been safe still is. */
static void test_a_take_that_is_slow_to_go_on_is_not_begun_anew(void **state)
{
	struct hand *hand;
	json_t *take;

	(void)state;
	run_until_killed(record_long_until_killed);
	trouble.of = "/A/";
	be_renewed();
	run_until(stands_still);
	hand = bench.transport->current;
	assert_non_null(hand);
	hand->encoded = 0;
	hand->encoded_ns = clock_now_ns() - 60 * NS_PER_S;
	transport_look_at_medium(hand);
	assert_false(hand->left);
	assert_false(bench.transport->onward.wanted);
	transport_note_intent(bench.transport);
	assert_true(is_safe());
	trouble.of = NULL;
	ask(COMMAND_TO_STOP, 5 * RATE);
	run_until(are_over);
	take = read_take(bench.config.folder, "*");
	assert_int_equal(number_of(take, "frames"), 5 * RATE);
	json_decref(take);
}

/* The next take had just been begun: what was safe was the one's before. */
static void test_a_take_does_not_have_what_the_one_before_had(void **state)
{
	static struct intent left;
	const char *path = bench.transport->intent_path;
	char *text, kept[PATH_MAX];

	(void)state;
	snprintf(kept, sizeof(kept), "%s", path);
	run_until_killed(record_until_killed);
	assert_int_equal(intent_read(kept, &left), 0);
	left.kind = INTENT_WAITING;
	strcpy(left.place.take, "Take-077");
	left.from = left.start;
	left.frames = 1800 * RATE;
	text = intent_text(&left);
	assert_int_equal(intent_write(kept, text, false), 0);
	free(text);
	be_renewed();
	run_until(has_found);
	assert_string_equal(bench.transport->current->place.take, "Take-001");
	assert_int_equal(bench.transport->current->safe, 0);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
}

static void record_mirrored_until_killed(void)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_mirrored);
	run_until(has_synced);
	kill(getpid(), SIGKILL);
}

static void test_a_mirror_that_is_found_after_stop_stops(void **state)
{
	char mirror[CONFIG_PATH_MAX], away[CONFIG_PATH_MAX];
	json_t *take;

	(void)state;
	have_mirror(mirror);
	run_until_killed(record_mirrored_until_killed);
	assert_int_equal(rename(mirror, below(away, "away")), 0);
	trouble.of = "/A/";
	be_renewed();
	run_until(has_found);
	bench.transport->recalling = false; /* as it is in a moment */
	play_on();
	ask(COMMAND_TO_STOP, RATE + RATE / 4);
	assert_int_equal(rename(away, mirror), 0);
	run_until(is_mirrored);
	trouble.of = NULL;
	run_until(are_over);
	take = read_take(mirror, "*");
	assert_int_equal(number_of(take, "frames"), RATE);
	json_decref(take);
}

/* Mirrors are found first. */
static void test_the_current_take_is_the_one_that_is_mirrored(void **state)
{
	static struct transport_status status;
	char mirror[CONFIG_PATH_MAX];

	(void)state;
	have_mirror(mirror);
	run_until_killed(record_mirrored_until_killed);
	be_renewed();
	run_until(is_mirrored);
	transport_get_status(bench.transport, &status);
	assert_string_equal(status.medium, bench.config.folder);
	for (unsigned i = 0; i < status.problems; i++)
		assert_null(strstr(status.problem[i].text, "mirror"));
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
}

/* ---- numbers ---- */

static void make_medium_anew(const char *folder)
{
	assert_int_equal(unlink(folder), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
}

/* The medium that has it is not there, and the session is dated. */
static void test_a_number_is_not_given_again_after_a_reload(void **state)
{
	char away[CONFIG_PATH_MAX];

	(void)state;
	run_until_killed(disarm_while_waiting_until_renewed);
	assert_int_equal(rename(bench.config.folder, below(away, "away")), 0);
	make_medium_anew(bench.config.next);
	be_renewed();
	run_until(records_on_b);
	assert_string_equal(bench.transport->current->place.take, "Take-002");
	ask(COMMAND_TO_STOP, 2 * RATE);
	run_until(are_over);
}

static void record_until_renewed(void)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(has_synced);
	transport_leave(bench.transport);
	kill(getpid(), SIGKILL);
}

/* The next one would look for it, with the configuration of before. */
static void test_a_take_that_is_just_over_is_not_left(void **state)
{
	static struct intent left;

	(void)state;
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(has_synced);
	ask(COMMAND_TO_STOP, RATE);
	while (!are_over())
		transport_look_after_takes(bench.transport);
	assert_int_equal(bench.transport->noted.kind, INTENT_RECORDING);
	transport_leave(bench.transport);
	assert_int_equal(intent_read(bench.transport->intent_path, &left),
			 -ENOENT);
}

static bool is_b_next(void)
{
	struct volume volume;

	volumes_get(bench.transport->volumes, transport_volume(bench.transport),
		    &volume);
	return strcmp(volume.folder, bench.config.next) == 0;
}

/* Its folder has another name than the session. */
static void test_nor_in_a_session_whose_name_has_a_space(void **state)
{
	char away[CONFIG_PATH_MAX];

	(void)state;
	strcpy(bench.config.session, "Blue Moon");
	be_killed(record_until_renewed);
	run_until(has_found);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	assert_int_equal(rename(bench.config.folder, below(away, "away")), 0);
	run_until(is_b_next);
	ask(COMMAND_TO_RECORD, RATE);
	play_on();
	run_until(records_on_b);
	assert_string_equal(bench.transport->current->place.take, "Take-002");
	ask(COMMAND_TO_STOP, RATE + RATE / 4);
	run_until(are_over);
}

/* ---- a shutdown ---- */

static void leave_for_good(void)
{
	transport_shut_down(bench.transport);
	transport_destroy(bench.transport);
	kill(getpid(), SIGKILL);
}

static void wait_for_medium_until_shut_down(void)
{
	break_medium(bench.config.next);
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(has_synced);
	fail_medium("/A/");
	run_until(waits_for_medium);
	play_on();
	leave_for_good();
}

static bool is_whole(void)
{
	return is_done_on(bench.config.folder) && are_over() &&
	       bench.transport->noted.kind == INTENT_NONE &&
	       !bench.transport->recalling;
}

/* The tape held it; what is played after the shutdown nobody wants. */
static void test_what_waits_at_a_shutdown_is_written_up_to_there(void **state)
{
	json_t *first, *rest;

	(void)state;
	run_until_killed(wait_for_medium_until_shut_down);
	tape_writer_silence(&bench.writer, RATE);
	tape_writer_publish(&bench.writer, 3 * RATE);
	be_renewed();
	run_until(has_found);
	run_until(is_whole);
	first = read_take(bench.config.folder, "Take-001");
	rest = read_take(bench.config.folder, "Take-002");
	assert_int_equal(number_of(first, "frames") + number_of(rest, "frames"),
			 2 * RATE - RATE / 4);
	json_decref(first);
	json_decref(rest);
}

/* Its medium had not been seen yet. */
static void test_what_is_looked_for_at_a_shutdown_ends_there(void **state)
{
	char away[CONFIG_PATH_MAX];
	json_t *take;

	(void)state;
	run_until_killed(record_until_killed);
	assert_int_equal(rename(bench.config.folder, below(away, "away")), 0);
	be_renewed();
	transport_search_arrivals(bench.transport);
	assert_non_null(transport_recalled(bench.transport));
	transport_shut_down(bench.transport);
	transport_destroy(bench.transport);
	loop_destroy(bench.loop);
	assert_int_equal(rename(away, bench.config.folder), 0);
	tape_writer_silence(&bench.writer, RATE);
	tape_writer_publish(&bench.writer, 2 * RATE);
	be_renewed();
	run_until(is_whole);
	take = read_take(bench.config.folder, "*");
	assert_int_equal(number_of(take, "frames"), RATE - RATE / 4);
	json_decref(take);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_take_left_open_is_healed_when_nothing_ran),
		CASE(test_what_was_asked_for_before_keep_is_not_in_it),
		CASE(test_arming_of_before_is_in_the_take_that_goes_on),
		CASE(test_stop_outlives_two_who_look_for_the_take),
		CASE(test_a_take_that_is_slow_to_go_on_is_not_begun_anew),
		CASE(test_a_take_does_not_have_what_the_one_before_had),
		CASE(test_a_mirror_that_is_found_after_stop_stops),
		CASE(test_the_current_take_is_the_one_that_is_mirrored),
		CASE(test_a_number_is_not_given_again_after_a_reload),
		CASE(test_nor_in_a_session_whose_name_has_a_space),
		CASE(test_a_take_that_is_just_over_is_not_left),
		CASE(test_what_waits_at_a_shutdown_is_written_up_to_there),
		CASE(test_what_is_looked_for_at_a_shutdown_ends_there),
	};

	return cmocka_run_group_tests_name("transport, renewed", tests, NULL,
					   NULL);
}
