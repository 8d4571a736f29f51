/* A medium that cannot be read: whoever reads there stands still. Nobody else
 * does, the main thread least of all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>

#include "two_takes.h"

/* ---- a medium whose reads hang ---- */

static _Atomic(const char *) hangs_below; /* part of its paths; NULL */
static _Atomic bool hung;
static pthread_t main_thread;

int __real_openat64(int dir, const char *name, int flags, ...);
int __wrap_openat64(int dir, const char *name, int flags, ...);
int __real_open64(const char *name, int flags, ...);
int __wrap_open64(const char *name, int flags, ...);

static bool hangs(int dir, const char *name)
{
	const char *below = hangs_below;
	char link[64], path[2 * CONFIG_PATH_MAX] = "";
	ssize_t length = 0;

	if (!below)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	if (dir != AT_FDCWD && name[0] != '/')
		length = readlink(link, path, CONFIG_PATH_MAX);
	length = length > 0 ? length : 0;
	snprintf(path + length, sizeof(path) - (size_t)length, "/%s", name);
	return strstr(path, below) != NULL;
}

static void stand_still(int dir, const char *name)
{
	while (hangs(dir, name)) {
		if (pthread_equal(pthread_self(), main_thread))
			fail_msg("the main thread reads %s", name);
		hung = true;
		usleep(1000);
	}
}

int __wrap_openat64(int dir, const char *name, int flags, ...)
{
	mode_t mode;
	va_list list;

	va_start(list, flags);
	mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
	va_end(list);
	stand_still(dir, name);
	return __real_openat64(dir, name, flags, mode);
}

int __wrap_open64(const char *name, int flags, ...)
{
	mode_t mode;
	va_list list;

	va_start(list, flags);
	mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
	va_end(list);
	stand_still(AT_FDCWD, name);
	return __real_open64(name, flags, mode);
}

static bool is_hung(void)
{
	return hung;
}

static int release(void **state)
{
	hangs_below = NULL;
	return tear_down(state);
}

/* ---- media ---- */

static char other[CONFIG_PATH_MAX];

static void make_folder(const char *name)
{
	char path[CONFIG_PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s%s", other, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

/* With a take on it that was torn off, but nothing that could be healed. */
static void make_other(void)
{
	char path[CONFIG_PATH_MAX + 64];

	make_folder("");
	make_folder("/Takebox");
	make_folder("/Takebox/Show");
	make_folder("/Takebox/Show/Take-041");
	snprintf(path, sizeof(path), "%s/Takebox/Show/Take-041/take.ledger",
		 other);
	fclose(fopen(path, "we"));
}

/* It is B; not there yet. */
static void expect_other(void)
{
	end_bench();
	snprintf(other, sizeof(other), "%s", bench.config.next);
	assert_int_equal(rmdir(other), 0);
	strcpy(bench.config.session, "Show");
	hung = false;
	hangs_below = "/B/Takebox";
}

static bool has_written_more(void)
{
	static uint64_t before;
	struct take_status status;
	bool more;

	take_get_status(bench.transport->current->take, &status);
	more = status.encoded > before;
	before = status.encoded;
	return more;
}

/* ---- it comes while a take runs ---- */

static void test_a_medium_that_comes_and_hangs_holds_up_nobody(void **state)
{
	json_t *take;

	(void)state;
	expect_other();
	begin_bench();
	load_tape(bench.transport);
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_prepared);
	make_other();
	run_until(is_hung);
	ask(COMMAND_TO_MARK, RATE / 2);
	play_on();
	run_until(has_written_more);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	take = read_take(bench.config.folder, "Take-001");
	assert_int_equal(number_of(take, "frames"), RATE - RATE / 4);
	assert_int_equal(json_array_size(json_object_get(take, "markers")), 1);
	json_decref(take);
}

/* ---- it is there when REC is pressed ---- */

/* Answers, for as long as that is what it is to do. */
static void record_beside_other(const char *take)
{
	make_other();
	begin_bench();
	load_tape(bench.transport);
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_prepared);
	assert_string_equal(bench.transport->current->place.take, take);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
}

static void test_a_number_that_another_medium_has_is_not_given_again(
	void **state)
{
	(void)state;
	expect_other();
	hangs_below = NULL;
	record_beside_other("Take-042");
}

static void test_a_medium_that_hangs_does_not_keep_a_take_from_beginning(
	void **state)
{
	(void)state;
	expect_other();
	record_beside_other("Take-001");
}

static bool is_passed_over(void)
{
	struct volumes *volumes = bench.transport->volumes;
	int index = volumes_choose(volumes, VOLUME_FOR_TAKES, 0);
	struct volume volume = {0};

	if (index >= 0)
		volumes_get(volumes, (unsigned)index, &volume);
	return strcmp(volume.folder, bench.config.next) == 0;
}

static void test_a_medium_that_hangs_is_not_chosen_where_there_is_another(
	void **state)
{
	(void)state;
	end_bench();
	hung = false;
	hangs_below = "/A/Takebox";
	begin_bench();
	load_tape(bench.transport);
	run_until(is_hung);
	run_until(is_passed_over);
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(is_prepared);
	assert_int_equal(strncmp(bench.transport->current->place.folder,
				 bench.config.next, strlen(bench.config.next)),
			 0);
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
}

/* ---- it is there when the process before has left a take ---- */

static void record_with_session_until_killed(void)
{
	hangs_below = NULL;
	record_until_killed();
}

static void test_a_medium_that_hangs_does_not_keep_a_take_from_going_on(
	void **state)
{
	json_t *take;

	(void)state;
	expect_other();
	begin_bench();
	load_tape(bench.transport);
	run_until_killed(record_with_session_until_killed);
	make_other();
	be_renewed();
	run_until(has_found);
	run_until(is_hung);
	play_on();
	ask(COMMAND_TO_STOP, RATE + RATE / 4);
	run_until(are_over);
	take = read_take(bench.config.folder, "Take-001");
	assert_int_equal(number_of(take, "frames"), RATE);
	json_decref(take);
}

/* The same medium, but not where that take is: it is looked at first. */
static void test_old_takes_that_cannot_be_read_do_not_keep_a_take_from_going_on(
	void **state)
{
	char old[CONFIG_PATH_MAX + 64];

	(void)state;
	expect_other();
	begin_bench();
	load_tape(bench.transport);
	run_until_killed(record_with_session_until_killed);
	snprintf(old, sizeof(old), "%s/Takebox/Old", bench.config.folder);
	assert_int_equal(mkdir(old, 0700), 0);
	hangs_below = "/A/Takebox/Old";
	be_renewed();
	run_until(has_found);
	run_until(is_hung);
	play_on();
	ask(COMMAND_TO_STOP, RATE + RATE / 4);
	run_until(are_over);
	json_decref(read_take(bench.config.folder, "Take-001"));
}

/* ---- it hangs behind the take that was left ---- */

static void make_hanging_session(void)
{
	char path[CONFIG_PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/Takebox/Zed", bench.config.folder);
	assert_int_equal(mkdir(path, 0700), 0);
	hung = false;
	hangs_below = "/A/Takebox/Zed";
}

static int64_t moment_ns;

static bool is_a_second_later(void)
{
	return clock_now_ns() > moment_ns + NS_PER_S;
}

/* It is not found again and again. */
static void test_a_take_that_cannot_be_whole_is_tried_once(void **state)
{
	uint64_t tickets;

	(void)state;
	run_until_killed(record_until_killed);
	break_file("Take-001");
	make_hanging_session();
	be_renewed();
	run_until(records_on_b);
	run_until(is_hung);
	tickets = bench.transport->tickets;
	moment_ns = clock_now_ns();
	run_until(is_a_second_later);
	assert_in_range(bench.transport->tickets - tickets, 0, 2);
	ask(COMMAND_TO_STOP, RATE);
	hangs_below = NULL;
	run_until(are_over);
}

static bool are_rests_known(void)
{
	return bench.transport->rests_known;
}

/* The medium may have all of the first one. */
static void test_a_rest_is_not_read_where_somebody_hangs(void **state)
{
	(void)state;
	run_until_killed(begin_two_until_killed);
	make_hanging_session();
	be_renewed();
	run_until(is_two);
	run_until(is_hung);
	hangs_below = "/A/Takebox";
	bench.transport->recall_ns -= 10 * NS_PER_S;
	transport_recall_rests(bench.transport);
	assert_false(are_rests_known());
	bench.transport->recall_ns -= 60 * NS_PER_S;
	run_until(are_rests_known);
	hangs_below = NULL;
	ask(COMMAND_TO_STOP, 2 * RATE);
	run_until(are_over);
}

/* But not until the tape has lost it: another medium can have it before. */
static void test_a_rest_does_not_wait_until_the_tape_has_lost_it(void **state)
{
	(void)state;
	run_until_killed(begin_two_until_killed);
	make_hanging_session();
	be_renewed();
	run_until(is_two);
	run_until(is_hung);
	hangs_below = "/A/Takebox";
	for (unsigned i = 0; i < 12; i++)
		play_on();
	assert_false(are_rests_known());
	bench.transport->recall_ns -= 10 * NS_PER_S;
	transport_recall_rests(bench.transport);
	assert_true(are_rests_known());
	hangs_below = NULL;
	ask(COMMAND_TO_STOP, tape_published(&bench.transport->client.tape));
	run_until(are_over);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_a_medium_that_comes_and_hangs_holds_up_nobody,
			set_up, release),
		cmocka_unit_test_setup_teardown(
			test_a_number_that_another_medium_has_is_not_given_again,
			set_up, release),
		cmocka_unit_test_setup_teardown(
			test_a_medium_that_hangs_does_not_keep_a_take_from_beginning,
			set_up, release),
		cmocka_unit_test_setup_teardown(
			test_a_medium_that_hangs_is_not_chosen_where_there_is_another,
			set_up, release),
		cmocka_unit_test_setup_teardown(
			test_a_medium_that_hangs_does_not_keep_a_take_from_going_on,
			set_up, release),
		cmocka_unit_test_setup_teardown(
			test_old_takes_that_cannot_be_read_do_not_keep_a_take_from_going_on,
			set_up, release),
		cmocka_unit_test_setup_teardown(
			test_a_take_that_cannot_be_whole_is_tried_once, set_up,
			release),
		cmocka_unit_test_setup_teardown(
			test_a_rest_is_not_read_where_somebody_hangs, set_up,
			release),
		cmocka_unit_test_setup_teardown(
			test_a_rest_does_not_wait_until_the_tape_has_lost_it,
			set_up, release),
	};

	main_thread = pthread_self();
	return cmocka_run_group_tests_name("transport, hangs", tests, NULL,
					   NULL);
}
