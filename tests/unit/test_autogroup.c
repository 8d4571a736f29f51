/* autogroup: the kernel's own file says what came of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/autogroup.h"

/* -1: the kernel has no autogroups, or does not use them. */
static int number_in(const char *path, const char *format)
{
	FILE *file = fopen(path, "re");
	int value = -1;

	if (!file)
		return -1;
	if (fscanf(file, format, &value) != 1)
		value = -1;
	fclose(file);
	return value;
}

static int niceness(void)
{
	return number_in("/proc/self/autogroup", "/autogroup-%*d nice %d");
}

/* Others may have changed theirs just before. */
static int until_taken(int (*change)(void))
{
	struct timespec pause = {.tv_nsec = 20000000};
	int result = change();

	for (int i = 0; result == -EAGAIN && i < 500; i++) {
		nanosleep(&pause, NULL);
		result = change();
	}
	return result;
}

static int set_to_seven(void)
{
	return autogroup_set(7);
}

static void need_autogroups(void)
{
	if (number_in("/proc/sys/kernel/sched_autogroup_enabled", "%d") != 1) {
		printf("# this kernel does not group processes by session\n");
		skip();
	}
}

/* In a session of its own, so that nobody else is slowed down. */
static int in_a_session(int (*act)(void))
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		if (setsid() < 0)
			_exit(100);
		_exit(act());
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int set(void)
{
	return until_taken(set_to_seven) == 0 ? niceness() : 101;
}

static void the_session_has_what_was_set(void **state)
{
	(void)state;
	need_autogroups();
	assert_int_equal(in_a_session(set), 7);
}

static int follow(void)
{
	if (nice(-3) == -1)
		return 102; /* not allowed here */
	return until_taken(autogroup_follow) == 0 ? -niceness() : 101;
}

static void it_goes_before_others_with_its_process(void **state)
{
	int result;

	(void)state;
	need_autogroups();
	result = in_a_session(follow);
	if (result == 102) {
		printf("# a nice value below 0 is not allowed here\n");
		skip();
	}
	assert_int_equal(result, 3);
}

static int follow_a_nice_one(void)
{
	if (nice(4) == -1)
		return 102;
	return autogroup_follow() == 0 ? niceness() : 101;
}

static void a_shell_that_is_nice_is_left_as_it_is(void **state)
{
	(void)state;
	need_autogroups();
	assert_int_equal(in_a_session(follow_a_nice_one), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_session_has_what_was_set),
		cmocka_unit_test(it_goes_before_others_with_its_process),
		cmocka_unit_test(a_shell_that_is_nice_is_left_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
