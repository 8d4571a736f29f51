/* A take that was stopped and is still being written, one that runs, and media
 * and tapes that end them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>

#include "transport_case.h"

/* ---- a medium that hangs when a name is claimed there ---- */

static _Atomic(const char *) hangs_at_claims; /* part of its path; NULL */
static _Atomic bool hung;

int __real_openat64(int dir, const char *name, int flags, ...);
int __wrap_openat64(int dir, const char *name, int flags, ...);

static bool hangs(int dir, const char *name)
{
	const char *of = hangs_at_claims;
	char link[64], path[CONFIG_PATH_MAX];
	ssize_t length;

	if (!of || strncmp(name, ".last-", 6) != 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	length = readlink(link, path, sizeof(path) - 1);
	path[length > 0 ? length : 0] = '\0';
	return strstr(path, of) != NULL;
}

int __wrap_openat64(int dir, const char *name, int flags, ...)
{
	mode_t mode;
	va_list list;

	va_start(list, flags);
	mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
	va_end(list);
	while (hangs(dir, name)) {
		hung = true;
		usleep(1000);
	}
	return __real_openat64(dir, name, flags, mode);
}

/* ---- two takes ---- */

/* Take-001 is stopped, and cannot be closed; Take-002 runs. */
static void begin_two_takes(void)
{
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_prepared);
	trouble.of = "Take-001";
	play_on();
	ask(COMMAND_TO_STOP, RATE + RATE / 4);
	ask(COMMAND_TO_RECORD, RATE + RATE / 4);
	play_on();
	run_until(is_prepared);
	assert_string_equal(bench.transport->current->place.take, "Take-002");
}

static unsigned in_hand(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < HANDS_MAX; i++)
		count += bench.transport->hand[i].take != NULL;
	return count;
}

static bool is_one_left(void)
{
	return in_hand() == 1 && !bench.transport->onward.wanted;
}

/* What it lacks is none; takes are numbered in the order they were begun. */
static void check_take(const char *medium, unsigned number, uint64_t frames,
		       const char *continues)
{
	const char *of = NULL;
	json_t *take, *note;
	char name[16];
	size_t i;

	snprintf(name, sizeof(name), "Take-%03u", number);
	take = read_take(medium, name);
	if (frames)
		assert_int_equal(number_of(take, "frames"), frames);
	json_array_foreach(json_object_get(take, "notes"), i, note)
	{
		if (strcmp(json_string_value(json_object_get(note, "type")),
			   "continues") != 0)
			continue;
		of = json_string_value(json_object_get(note, "take"));
		assert_int_equal(number_of(note, "gap"), 0);
		assert_string_equal(of, continues);
	}
	assert_true((of != NULL) == (continues != NULL));
	json_decref(take);
}

/* The rest of one that was stopped goes elsewhere: that is not the take that
 * STOP means. */
static void test_the_rest_of_a_stopped_take_is_not_in_the_way(void **state)
{
	const struct hand *running;

	(void)state;
	begin_two_takes();
	running = bench.transport->current;
	trouble.fail = true;
	run_until(is_one_left);
	assert_ptr_equal(bench.transport->current, running);
	assert_true(transport_recorded(bench.transport) != NULL);
	trouble.of = NULL;
	play_on();
	ask(COMMAND_TO_STOP, 2 * RATE);
	run_until(are_over);
	check_take(bench.config.folder, 2, RATE - RATE / 4, NULL);
	check_take(bench.config.next, 3, 0, "Take-001");
}

static bool are_noted(void)
{
	return bench.transport->noted.closings == 1;
}

static void begin_two_until_killed(void)
{
	begin_two_takes();
	run_until(are_noted);
	kill(getpid(), SIGKILL);
}

static bool is_two(void)
{
	return bench.transport->current &&
	       strcmp(bench.transport->current->place.take, "Take-002") == 0;
}

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

/* As where it cannot be read any more. */
static void break_file(const char *take)
{
	char pattern[CONFIG_PATH_MAX + 64];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/Takebox/*/%s/01-*.flac",
		 bench.config.folder, take);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(unlink(found.gl_pathv[0]), 0);
	assert_int_equal(mkdir(found.gl_pathv[0], 0700), 0);
	globfree(&found);
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

/* One waits for a medium, another one for that. */
static bool are_ended(void)
{
	struct take_status status;

	for (unsigned i = 0; i < HANDS_MAX; i++) {
		const struct hand *hand = &bench.transport->hand[i];

		if (!hand->take || hand->left)
			continue;
		take_get_status(hand->take, &status);
		if (status.error && bench.transport->onward.wanted)
			return true;
	}
	return false;
}

static bool is_one_going_on(void)
{
	return is_one_left() && is_prepared();
}

/* The medium ends both, and there is no other: both go on when it is back. */
static void test_two_takes_can_wait_for_a_medium(void **state)
{
	(void)state;
	break_medium(bench.config.next);
	begin_two_takes();
	fail_medium("/A/");
	run_until(are_ended);
	assert_non_null(transport_recorded(bench.transport));
	trouble.of = NULL;
	run_until(is_one_going_on);
	assert_non_null(transport_recorded(bench.transport));
	ask(COMMAND_TO_STOP, 2 * RATE);
	run_until(are_over);
	check_take(bench.config.folder, 3, 0, "Take-001");
	check_take(bench.config.folder, 4, 0, "Take-002");
}

static bool are_at_rest(void)
{
	struct take_status status;
	bool all = true;

	for (unsigned i = 0; i < HANDS_MAX; i++) {
		if (!bench.transport->hand[i].take)
			continue;
		take_get_status(bench.transport->hand[i].take, &status);
		all = all && status.state == TAKE_FAILED;
	}
	return all && in_hand() == 1;
}

/* It has nothing to do until there is a medium: that is no reason to end the
 * process, which alone has the rest of the first one. */
static void test_a_take_that_waits_behind_another_is_no_hanging_writer(
	void **state)
{
	int64_t now = clock_now_ns();

	(void)state;
	break_medium(bench.config.next);
	begin_two_takes();
	fail_medium("/A/");
	run_until(are_ended);
	run_until(are_at_rest);
	assert_true(transport_goes_on(bench.transport, now));
	assert_true(transport_goes_on(bench.transport, now + 600 * NS_PER_S));
	trouble.of = NULL;
	run_until(is_one_going_on);
	ask(COMMAND_TO_STOP, 2 * RATE);
	run_until(are_over);
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

static bool has_forgotten(void)
{
	answer_as_tape();
	return process.heard && !bench.transport->onward.wanted;
}

/* When its medium has been looked at again. */
static bool can_record(void)
{
	struct command command = {.kind = COMMAND_TO_RECORD,
				  .position = RATE / 8};
	struct command_reply reply;

	if (!bench.transport->current)
		transport_command(bench.transport, &command, &reply);
	return bench.transport->current != NULL;
}

/* What waits on a tape is nowhere on the next one. */
static void test_what_waits_is_not_looked_for_on_another_tape(void **state)
{
	struct tape_writer next;

	(void)state;
	break_medium(bench.config.next);
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_prepared);
	fail_medium("/A/");
	run_until(waits_for_medium);
	ask(COMMAND_TO_MARK, RATE / 2);
	tape_writer_state(&bench.writer, TAPE_ENDED);
	make_tape(&next);
	tape_writer_silence(&next, RATE);
	tape_writer_publish(&next, RATE);
	listen_as_tape();
	process.tape = &next;
	run_until(has_forgotten);
	assert_non_null(strstr(bench.transport->last_error, "Take-001"));
	trouble.of = NULL;
	run_until(are_over);
	run_until(can_record);
	run_until(is_prepared);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	check_take(bench.config.folder, 2, RATE - RATE / 8, NULL);
	leave_as_tape();
	tape_writer_destroy(&next);
}

static bool has_other_tape(void)
{
	answer_as_tape();
	return process.heard && bench.transport->tapes == 1;
}

/* The next process would go on recording there. */
static void test_a_take_of_another_tape_is_not_noted(void **state)
{
	struct tape_writer next;

	(void)state;
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_prepared);
	trouble.of = "/A/";
	play_on();
	run_until(stands_still);
	tape_writer_state(&bench.writer, TAPE_ENDED);
	make_tape(&next);
	listen_as_tape();
	process.tape = &next;
	run_until(has_other_tape);
	assert_non_null(bench.transport->current);
	transport_note_intent(bench.transport);
	assert_int_equal(bench.transport->noted.kind, INTENT_NONE);
	trouble.of = NULL;
	run_until(are_over);
	leave_as_tape();
	tape_writer_destroy(&next);
}

static bool is_hung(void)
{
	return hung;
}

static bool records_on_c(void)
{
	return bench.transport->current && bench.transport->current->prepared &&
	       strstr(bench.transport->current->place.folder, "/C/");
}

/* The next one cannot know the number that the one there will get. */
static void test_a_number_is_not_given_twice_while_a_medium_hangs(void **state)
{
	char other[CONFIG_PATH_MAX], list[CONFIG_PATH_MAX];

	(void)state;
	end_bench();
	mkdir(below(other, "C"), 0700);
	snprintf(list, sizeof(list), "%s", bench.config.next);
	snprintf(bench.config.next, sizeof(bench.config.next), "%.200s:%.200s",
		 list, other);
	begin_bench();
	load_tape(bench.transport);
	hung = false;
	hangs_at_claims = "/B/";
	ask(COMMAND_TO_RECORD, 0);
	run_until(is_prepared);
	fail_medium("/A/");
	run_until(is_hung);
	for (unsigned i = 0; i < 9; i++)
		play_on();
	bench.transport->current->encoded_ns = clock_now_ns() - 60 * NS_PER_S;
	run_until(records_on_c);
	hangs_at_claims = NULL;
	trouble.of = NULL;
	ask(COMMAND_TO_STOP, 5 * RATE);
	run_until(are_over);
	json_decref(read_take(list, "Take-002"));
	json_decref(read_take(other, "Take-003"));
}

/* ---- a medium that hangs until the tape of its take is gone ---- */

static bool is_answered(void)
{
	answer_as_tape();
	return process.heard && bench.transport->answered &&
	       transport_has_tape(bench.transport) == (process.tape != NULL);
}

/* A take that is to be mirrored has no folder yet when takebox-tape is started
 * anew; next: the tape that it has then, or NULL. */
static void begin_until_tape_is_gone(struct tape_writer *next)
{
	char mirror[CONFIG_PATH_MAX];

	have_mirror(mirror);
	hung = false;
	hangs_at_claims = "/A/";
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_hung);
	tape_writer_state(&bench.writer, TAPE_ENDED);
	listen_as_tape();
	process.tape = next;
	run_until(is_answered);
	hangs_at_claims = NULL;
}

static bool is_mirror_only(void)
{
	return in_hand() == 1 && bench.transport->hand[0].take == NULL;
}

static bool are_over_or_mirror_only(void)
{
	return are_over() || is_mirror_only();
}

static void test_a_take_without_a_tape_is_not_mirrored(void **state)
{
	(void)state;
	begin_until_tape_is_gone(NULL);
	run_until(are_over_or_mirror_only);
	assert_false(is_mirror_only());
	check_take(bench.config.folder, 1, RATE - RATE / 4, NULL);
	leave_as_tape();
}

/* Nobody would ever stop that. */
static void test_a_take_is_not_mirrored_from_another_tape(void **state)
{
	struct tape_writer next;

	(void)state;
	make_tape(&next);
	tape_writer_silence(&next, RATE);
	tape_writer_publish(&next, RATE);
	begin_until_tape_is_gone(&next);
	run_until(are_over_or_mirror_only);
	assert_false(is_mirror_only());
	leave_as_tape();
	tape_writer_destroy(&next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_the_rest_of_a_stopped_take_is_not_in_the_way),
		CASE(test_two_takes_can_wait_for_a_medium),
		CASE(test_a_take_that_waits_behind_another_is_no_hanging_writer),
		CASE(test_a_number_is_not_given_twice_while_a_medium_hangs),
		CASE(test_a_stopped_take_is_closed_by_the_next_process),
		CASE(test_the_rest_of_a_stopped_take_is_written_once),
		CASE(test_what_waits_beside_the_take_that_runs_is_noted),
		CASE(test_what_waits_is_not_looked_for_on_another_tape),
		CASE(test_a_take_of_another_tape_is_not_noted),
		CASE(test_a_take_without_a_tape_is_not_mirrored),
		CASE(test_a_take_is_not_mirrored_from_another_tape),
	};

	return cmocka_run_group_tests_name("transport, two takes", tests, NULL,
					   NULL);
}
