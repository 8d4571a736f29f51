/* A takeboxd that comes after another one, which was still writing a take that
 * was stopped, or had its rest on the tape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "take/heal.h"
#include "two_takes.h"

/* The tape has what the medium of the first one would not take. */
static void test_a_stopped_take_is_closed_by_the_next_process(void **state)
{
	(void)state;
	be_killed(begin_two_until_killed);
	transport_search_arrivals(bench.transport);
	run_until(is_two);
	assert_non_null(transport_recorded(bench.transport));
	ask(COMMAND_TO_STOP, 2 * RATE);
	run_until(are_over);
	check_take(bench.config.folder, 1, RATE, NULL);
	check_take(bench.config.folder, 2, RATE - RATE / 4, NULL);
}

/* A has come back, after it was blamed, and was searched. */
static bool is_tried_again(void)
{
	struct volume volume;

	for (unsigned i = 0; i < volumes_count(bench.transport->volumes); i++) {
		volumes_get(bench.transport->volumes, i, &volume);
		if (strcmp(volume.folder, bench.config.folder) == 0 &&
		    bench.transport->arrivals[i] > 1)
			return is_one_left();
	}
	return false;
}

/* Its medium is tried again, since it takes something; what the tape has is
 * elsewhere by then. */
static void test_the_rest_of_a_stopped_take_is_written_once(void **state)
{
	(void)state;
	run_until_killed(begin_two_until_killed);
	break_file("Take-001");
	be_renewed();
	run_until(is_two);
	run_until(is_tried_again);
	ask(COMMAND_TO_STOP, 2 * RATE);
	run_until(are_over);
	json_decref(read_take(bench.config.next, "Take-*"));
}

/* The rest of the first one waits, and the second one behind it. */
static void wait_with_two_until_killed(void)
{
	break_medium(bench.config.next);
	begin_two_takes();
	trouble.of = "/A/";
	trouble.fail = true;
	run_until(waits_for_medium);
	play_on();
	run_until(are_ended);
	run_until(are_noted);
	kill(getpid(), SIGKILL);
}

static void test_what_waits_beside_the_take_that_runs_is_noted(void **state)
{
	(void)state;
	be_killed(wait_with_two_until_killed);
	transport_search_arrivals(bench.transport);
	run_until(is_two);
	ask(COMMAND_TO_STOP, RATE * 5 / 2);
	run_until(are_over);
	check_take(bench.config.folder, 1, RATE, NULL);
	check_take(bench.config.folder, 2, RATE + RATE / 4, NULL);
}

/* ---- that no medium has open any more ---- */

static void find_take(const char *name, char path[CONFIG_PATH_MAX + 64])
{
	char pattern[CONFIG_PATH_MAX + 64];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/Takebox/*/%s",
		 bench.config.folder, name);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	snprintf(path, CONFIG_PATH_MAX + 64, "%s", found.gl_pathv[0]);
	globfree(&found);
}

static uint64_t frames_of(const char *name)
{
	json_t *take = read_take(bench.config.folder, name);
	uint64_t frames = number_of(take, "frames");

	json_decref(take);
	return frames;
}

static bool are_all_written(void)
{
	return are_over() && !bench.transport->onward.wanted &&
	       !bench.transport->recalling && bench.transport->rests_known;
}

/* All that ran is over, and so is what was left. */
static bool are_rests_over(void)
{
	return bench.transport->rests_known && is_one_left();
}

/* As by somebody at whose computer the stick was meanwhile. */
static void test_the_rest_of_a_take_that_others_healed_is_written(void **state)
{
	char path[CONFIG_PATH_MAX + 64];
	json_t *first;
	uint64_t frames;

	(void)state;
	run_until_killed(begin_two_until_killed);
	find_take("Take-001", path);
	assert_int_equal(heal_folder(path, &storage_posix, NULL, NULL, NULL),
			 0);
	first = read_take(bench.config.folder, "Take-001");
	frames = number_of(first, "frames");
	assert_in_range(frames, 1, RATE - 1);
	json_decref(first);
	be_renewed();
	run_until(is_two);
	run_until(are_rests_over);
	assert_non_null(transport_recorded(bench.transport));
	ask(COMMAND_TO_STOP, 2 * RATE);
	run_until(are_over);
	check_take(bench.config.folder, 2, RATE - RATE / 4, NULL);
	check_take(bench.config.folder, 3, RATE - frames, "Take-001");
}

static void disarm_between_two_until_killed(void)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_prepared);
	trouble.of = "Take-001";
	play_on();
	ask(COMMAND_TO_MARK, RATE + RATE / 8);
	ask(COMMAND_TO_STOP, RATE + RATE / 4);
	arm(false, RATE + RATE / 4 + 1);
	ask(COMMAND_TO_RECORD, RATE + RATE / 3);
	play_on();
	run_until(is_prepared);
	run_until(are_noted);
	kill(getpid(), SIGKILL);
}

static size_t tracks_with_sound(const json_t *take)
{
	const json_t *track;
	size_t i, count = 0;

	json_array_foreach(json_object_get(take, "tracks"), i, track) count +=
		json_array_size(json_object_get(track, "files")) > 0;
	return count;
}

/* The take is gone with its folder; what is on the tape of it has its tracks
 * and its marker, and the next one has its own. */
static void test_a_rest_has_what_was_asked_for_then(void **state)
{
	char path[CONFIG_PATH_MAX + 64], away[CONFIG_PATH_MAX];
	json_t *take;

	(void)state;
	run_until_killed(disarm_between_two_until_killed);
	find_take("Take-001", path);
	assert_int_equal(rename(path, below(away, "away")), 0);
	be_renewed();
	run_until(is_two);
	run_until(are_rests_over);
	ask(COMMAND_TO_STOP, 2 * RATE);
	run_until(are_over);
	take = read_take(bench.config.folder, "Take-003");
	assert_int_equal(tracks_with_sound(take), 2);
	assert_int_equal(json_array_size(json_object_get(take, "markers")), 1);
	assert_int_equal(json_array_size(json_object_get(take, "arms")), 0);
	json_decref(take);
	take = read_take(bench.config.folder, "Take-002");
	assert_int_equal(tracks_with_sound(take), 1);
	assert_int_equal(json_array_size(json_object_get(take, "markers")), 0);
	json_decref(take);
}

static bool is_first_closed(void)
{
	char pattern[CONFIG_PATH_MAX + 64];
	glob_t found;
	bool closed;

	snprintf(pattern, sizeof(pattern), "%s/Takebox/*/Take-001/take.json",
		 bench.config.folder);
	closed = glob(pattern, 0, NULL, &found) == 0;
	globfree(&found);
	return closed;
}

/* In the moment in which the first one was closed. */
static void close_first_until_killed(void)
{
	begin_two_takes();
	run_until(are_noted);
	trouble.of = NULL;
	wait_for(is_first_closed);
	kill(getpid(), SIGKILL);
}

static void test_a_take_that_was_closed_in_the_end_has_no_rest(void **state)
{
	(void)state;
	be_killed(close_first_until_killed);
	assert_int_equal(bench.transport->left.closings, 1);
	run_until(is_two);
	run_until(are_rests_over);
	ask(COMMAND_TO_STOP, 2 * RATE);
	run_until(are_over);
	check_take(bench.config.folder, 1, RATE, NULL);
	check_take(bench.config.folder, 2, RATE - RATE / 4, NULL);
	assert_int_equal(bench.transport->number, 2);
}

/* Its ledger has an end, and the medium was full when the rest was written. */
static void test_a_take_that_is_all_but_closed_has_its_rest(void **state)
{
	char path[CONFIG_PATH_MAX + 64], file[CONFIG_PATH_MAX + 96];

	(void)state;
	run_until_killed(begin_two_until_killed);
	find_take("Take-001", path);
	assert_int_equal(heal_folder(path, &storage_posix, NULL, NULL, NULL),
			 0);
	snprintf(file, sizeof(file), "%s/take.json", path);
	assert_int_equal(unlink(file), 0);
	be_renewed();
	run_until(is_two);
	run_until(are_rests_over);
	ask(COMMAND_TO_STOP, 2 * RATE);
	run_until(are_over);
	check_take(bench.config.next, 3, RATE - frames_of("Take-001"),
		   "Take-001");
}

static bool has_given_up(void)
{
	return waits_for_medium() || bench.transport->current;
}

/* It is found, and cannot be gone on with. */
static void test_what_ran_goes_on_once(void **state)
{
	char pattern[CONFIG_PATH_MAX + 64];
	glob_t found;

	(void)state;
	run_until_killed(record_until_killed);
	break_file("Take-001");
	break_medium(bench.config.next);
	be_renewed();
	run_until(has_given_up);
	run_until(is_prepared);
	assert_int_equal(bench.transport->rests, 0);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	assert_false(bench.transport->onward.wanted);
	snprintf(pattern, sizeof(pattern), "%s/Takebox/*/Take-*",
		 bench.config.folder);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(found.gl_pathc, 2);
	globfree(&found);
}

static void keep_twice_until_killed(void)
{
	struct command keep = {
		.kind = COMMAND_TO_KEEP, .name = "Idea", .preroll = -1};

	trouble.of = "Idea";
	keep.position = RATE / 2;
	ask_for(&keep);
	keep.position = RATE;
	ask_for(&keep);
	ask(COMMAND_TO_RECORD, RATE);
	play_on();
	run_until(is_prepared);
	transport_note_intent(bench.transport);
	kill(getpid(), SIGKILL);
}

static unsigned takes_of(uint64_t least)
{
	char pattern[CONFIG_PATH_MAX + 64];
	unsigned count = 0;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/Takebox/*/Take-*-Idea",
		 bench.config.folder);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		count +=
			frames_of(strrchr(found.gl_pathv[i], '/') + 1) >= least;
	globfree(&found);
	return count;
}

/* All of the tape, twice: nobody had their names. */
static void test_takes_that_begin_at_the_same_frame_are_both_there(void **state)
{
	(void)state;
	strcpy(bench.config.session, "Show");
	be_killed(keep_twice_until_killed);
	assert_int_equal(bench.transport->left.closings, 2);
	run_until(has_found);
	run_until(are_rests_over);
	ask(COMMAND_TO_STOP, RATE * 5 / 4);
	run_until(are_over);
	assert_in_range(takes_of(RATE), 1, 2);
	assert_int_equal(takes_of(RATE / 2), 2);
}

static void note_power_until_killed(void)
{
	struct onward *rest = &bench.transport->rest[0];

	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_prepared);
	*rest = (struct onward){
		.wanted = true,
		.power = true,
		.stop = RATE / 4,
		.frames = 60 * RATE, /* on a tape that is gone */
		.place = {.session = "Show", .take = "Take-077"},
	};
	bench.transport->rests = 1;
	transport_note_intent(bench.transport);
	kill(getpid(), SIGKILL);
}

static void test_a_rest_from_behind_a_power_cut_is_noted(void **state)
{
	(void)state;
	be_killed(note_power_until_killed);
	assert_int_equal(bench.transport->left.closings, 1);
	run_until(has_found);
	run_until(are_rests_over);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	check_take(bench.config.folder, 1, RATE - RATE / 4, NULL);
	check_take(bench.config.folder, 2, RATE / 4, NULL);
}

static bool has_other_tape(void)
{
	answer_as_tape();
	return process.heard && bench.transport->tapes == 1;
}

/* Before the first one was looked for. */
static void test_a_rest_is_not_looked_for_on_another_tape(void **state)
{
	struct tape_writer next;

	(void)state;
	run_until_killed(begin_two_until_killed);
	be_renewed();
	bench.transport->recall_ns = 0;
	transport_search_arrivals(bench.transport);
	assert_true(transport_misses_rests(bench.transport));
	tape_writer_state(&bench.writer, TAPE_ENDED);
	make_tape(&next);
	tape_writer_silence(&next, 2 * RATE);
	tape_writer_publish(&next, 2 * RATE);
	listen_as_tape();
	process.tape = &next;
	run_until(has_other_tape);
	assert_false(transport_misses_rests(bench.transport));
	assert_null(transport_recalled(bench.transport));
	run_until(are_over);
	leave_as_tape();
	tape_writer_destroy(&next);
}

/* ---- a shutdown, and one that is killed once more ---- */

static void wait_with_two_until_shut_down(void)
{
	break_medium(bench.config.next);
	begin_two_takes();
	fail_medium("/A/");
	run_until(are_ended);
	run_until(are_at_rest);
	transport_shut_down(bench.transport);
	transport_destroy(bench.transport);
	kill(getpid(), SIGKILL);
}

/* Nobody wants what is played behind the shutdown. */
static void test_two_that_wait_at_a_shutdown_are_written(void **state)
{
	(void)state;
	run_until_killed(wait_with_two_until_shut_down);
	tape_writer_silence(&bench.writer, RATE);
	tape_writer_publish(&bench.writer, RATE * 7 / 2);
	be_renewed();
	run_until(are_all_written);
	check_take(bench.config.folder, 3, RATE * 5 / 4 - frames_of("Take-002"),
		   "Take-002");
	check_take(bench.config.folder, 4, RATE - frames_of("Take-001"),
		   "Take-001");
}

static bool is_left_waiting(void)
{
	return waits_for_medium() && !bench.transport->recalling;
}

/* The next process finds the first one, whose medium fails it once more, and
 * the second one nowhere. */
static void test_what_ran_goes_on_before_what_was_stopped(void **state)
{
	char path[CONFIG_PATH_MAX + 64], away[CONFIG_PATH_MAX];

	(void)state;
	run_until_killed(begin_two_until_killed);
	find_take("Take-002", path);
	assert_int_equal(rename(path, below(away, "away")), 0);
	break_medium(bench.config.next);
	trouble.of = "/A/";
	be_renewed();
	run_until(stands_still);
	trouble.fail = true;
	run_until(is_left_waiting);
	assert_int_equal(bench.transport->rests, 1);
	assert_non_null(transport_recorded(bench.transport));
	ask(COMMAND_TO_STOP, 2 * RATE);
	trouble.of = NULL;
	run_until(is_first_closed);
	run_until(are_all_written);
	check_take(bench.config.folder, 3, 0, "Take-002");
	check_take(bench.config.folder, 4, RATE - frames_of("Take-001"),
		   "Take-001");
}

static void find_two_until_killed(void)
{
	run_until(is_two);
	assert_false(bench.transport->rests_known);
	transport_note_intent(bench.transport);
	kill(getpid(), SIGKILL);
}

/* It had not looked for the rest of the first one yet. */
static void test_a_rest_outlives_two_processes(void **state)
{
	char path[CONFIG_PATH_MAX + 64];
	pid_t child;
	int status;

	(void)state;
	run_until_killed(begin_two_until_killed);
	find_take("Take-001", path);
	assert_int_equal(heal_folder(path, &storage_posix, NULL, NULL, NULL),
			 0);
	child = fork();
	if (child == 0) {
		be_renewed();
		find_two_until_killed();
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	be_renewed();
	run_until(is_two);
	run_until(are_rests_over);
	ask(COMMAND_TO_STOP, 2 * RATE);
	run_until(are_over);
	assert_int_equal(frames_of("Take-001") + frames_of("Take-003"), RATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_stopped_take_is_closed_by_the_next_process),
		CASE(test_the_rest_of_a_stopped_take_is_written_once),
		CASE(test_what_waits_beside_the_take_that_runs_is_noted),
		CASE(test_the_rest_of_a_take_that_others_healed_is_written),
		CASE(test_a_rest_has_what_was_asked_for_then),
		CASE(test_a_take_that_was_closed_in_the_end_has_no_rest),
		CASE(test_a_take_that_is_all_but_closed_has_its_rest),
		CASE(test_what_ran_goes_on_once),
		CASE(test_takes_that_begin_at_the_same_frame_are_both_there),
		CASE(test_a_rest_from_behind_a_power_cut_is_noted),
		CASE(test_a_rest_is_not_looked_for_on_another_tape),
		CASE(test_two_that_wait_at_a_shutdown_are_written),
		CASE(test_what_ran_goes_on_before_what_was_stopped),
		CASE(test_a_rest_outlives_two_processes),
	};

	return cmocka_run_group_tests_name("transport, rests", tests, NULL,
					   NULL);
}
