/* A take that was stopped and is still being written, one that runs, and media
 * and tapes that end them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>

#include "two_takes.h"

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

/* Its medium hangs, and what was begun after it is over. */
static void test_a_stopped_take_without_a_folder_is_noted(void **state)
{
	(void)state;
	hung = false;
	hangs_at_claims = "/A/";
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_hung);
	ask(COMMAND_TO_STOP, RATE / 2);
	bench.transport->current = NULL;
	transport_note_intent(bench.transport);
	assert_int_equal(bench.transport->noted.kind, INTENT_WAITING);
	assert_int_equal(bench.transport->noted.start, RATE / 4);
	assert_int_equal(bench.transport->noted.stop, RATE / 2);
	hangs_at_claims = NULL;
	run_until(are_over);
	check_take(bench.config.folder, 1, RATE / 4, NULL);
}

static bool is_all_noted(void)
{
	return bench.transport->current &&
	       bench.transport->noted.kind == INTENT_RECORDING &&
	       bench.transport->noted.closings == 0;
}

/* A mirror that hangs has nothing that the take itself has not. */
static void test_a_mirror_without_a_folder_is_not_noted(void **state)
{
	char mirror[CONFIG_PATH_MAX];

	(void)state;
	have_mirror(mirror);
	hung = false;
	hangs_at_claims = "/M/";
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_hung);
	ask(COMMAND_TO_STOP, RATE / 2);
	ask(COMMAND_TO_RECORD, RATE / 2);
	run_until(is_all_noted);
	assert_true(in_hand() > 1);
	hangs_at_claims = NULL;
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
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
		CASE(test_what_waits_is_not_looked_for_on_another_tape),
		CASE(test_a_take_of_another_tape_is_not_noted),
		CASE(test_a_stopped_take_without_a_folder_is_noted),
		CASE(test_a_mirror_without_a_folder_is_not_noted),
		CASE(test_a_take_without_a_tape_is_not_mirrored),
		CASE(test_a_take_is_not_mirrored_from_another_tape),
	};

	return cmocka_run_group_tests_name("transport, two takes", tests, NULL,
					   NULL);
}
