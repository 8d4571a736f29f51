/*
 * The words of the control FIFO, and the thread behind it: a test's pipe at
 * one end, the device's queues at the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "drivers/virtual/command.h"
#include "drivers/virtual/control.h"

#define DEADLINE_MS 5000

static const char *const suffixes[] = {"", ".log", ".state", ".unplugged"};

struct bench {
	char path[64], error[256];
	struct control_link link;
	struct control *control;
	int fifo;
};

static void remove_all(const struct bench *b)
{
	for (unsigned i = 0; i < 4; i++) {
		char path[96];

		snprintf(path, sizeof(path), "%s%s", b->path, suffixes[i]);
		unlink(path);
	}
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		return -1;
	snprintf(b->path, sizeof(b->path), "/tmp/test_virtual_control.%d",
		 (int)getpid());
	remove_all(b);
	b->link.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	if (control_open(&b->control, b->path, &b->link, b->error,
			 sizeof(b->error)) < 0)
		return -1;
	b->fifo = open(b->path, O_WRONLY | O_NONBLOCK);
	*state = b;
	return b->fifo < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	control_close(b->control);
	close(b->fifo);
	close(b->link.timer);
	remove_all(b);
	free(b);
	return 0;
}

static void pause_ms(void)
{
	const struct timespec ms = {0, 1000000};

	nanosleep(&ms, NULL);
}

static void tell(struct bench *b, const char *line)
{
	assert_int_equal(write(b->fifo, line, strlen(line)), strlen(line));
}

static struct event next_command(struct bench *b)
{
	struct event e;

	for (int i = 0; i < DEADLINE_MS; i++, pause_ms())
		if (event_pop(&b->link.commands, &e))
			return e;
	fail_msg("no command came");
	return e;
}

static void wait_for_log(struct bench *b, const char *text)
{
	char path[96], log[4096];

	snprintf(path, sizeof(path), "%s.log", b->path);
	for (int i = 0; i < DEADLINE_MS; i++, pause_ms()) {
		FILE *f = fopen(path, "r");
		size_t n = f ? fread(log, 1, sizeof(log) - 1, f) : 0;

		log[n] = '\0';
		if (f)
			fclose(f);
		if (strstr(log, text))
			return;
	}
	fail_msg("the log does not say '%s'", text);
}

static bool is_unplugged(const struct bench *b)
{
	char path[96];

	snprintf(path, sizeof(path), "%s.unplugged", b->path);
	return access(path, F_OK) == 0;
}

static void reopen(struct bench *b)
{
	control_close(b->control);
	b->control = NULL;
	assert_int_equal(control_open(&b->control, b->path, &b->link, b->error,
				      sizeof(b->error)),
			 0);
}

static struct event parsed(const char *line)
{
	struct event e;
	char error[128] = "";

	if (command_parse(line, &e, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	return e;
}

/* ---- words --------------------------------------------------------------- */

static void commands_are_understood(void **state)
{
	struct event e = parsed("xrun 480");

	(void)state;
	assert_int_equal(e.kind, EVENT_XRUN);
	assert_int_equal((int)e.value, 480);
	assert_true(e.frame == EVENT_NOW);
	e = parsed("  at 48000   lose 5  ");
	assert_int_equal(e.kind, EVENT_LOSE);
	assert_int_equal(e.frame, 48000);
	e = parsed("ppm -12.5");
	assert_true(e.value == -12.5);
	assert_int_equal(parsed("stop").kind, EVENT_STOP);
	assert_int_equal(parsed("at 7 unplug\r").kind, EVENT_UNPLUG);
}

static void what_is_no_command_is_named(void **state)
{
	static const char *const wrong[] = {
		"jump",	     "xrun",	      "xrun 0",	   "xrun 1.5",
		"lose -1",   "lose 1 2",      "stop 1",	   "at",
		"at x stop", "at 5",	      "ppm nan",   "ppm 1e6",
		"start",     "at 5 plug",     "hold 1 ms", "jitter x",
		"overrun",   "at 5 at 6 stop"};
	struct event e;
	char error[128];

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		*error = '\0';
		if (command_parse(wrong[i], &e, error, sizeof(error)) == 0)
			fail_msg("'%s' was taken", wrong[i]);
		assert_true(strlen(error) > 5);
	}
}

static void notes_are_lines(void **state)
{
	struct event e = {.kind = EVENT_STALL,
			  .ns = 5,
			  .frame = 480,
			  .lost = 48,
			  .unread = 470,
			  .value = 1};
	char line[128];

	(void)state;
	command_format(&e, line, sizeof(line));
	assert_string_equal(line, "5 stall 480 48 470 1\n");
	e.kind = EVENT_XRUN;
	command_format(&e, line, sizeof(line));
	assert_string_equal(line, "5 xrun 480 48 470\n");
	e.kind = EVENT_IGNORED;
	e.value = EVENT_LOSE;
	command_format(&e, line, sizeof(line));
	assert_string_equal(line, "5 ignored 480 48 470 lose\n");
}

/* ---- the thread ---------------------------------------------------------- */

static void commands_arrive_in_order_and_wake_the_device(void **state)
{
	struct bench *b = *state;
	uint64_t ticks;

	tell(b, "lose 1\nlose 2\n\n# three\nlo");
	assert_int_equal((int)next_command(b).value, 1);
	assert_int_equal((int)next_command(b).value, 2);
	tell(b, "se 3\n");
	assert_int_equal((int)next_command(b).value, 3);
	for (int i = 0; i < DEADLINE_MS; i++, pause_ms())
		if (read(b->link.timer, &ticks, sizeof(ticks)) > 0)
			break;
	assert_true(atomic_load(&b->link.kicked));
}

static void errors_are_logged(void **state)
{
	struct bench *b = *state;

	tell(b, "explode\n");
	wait_for_log(b, " error not a command: explode\n");
}

static void endless_lines_do_no_harm(void **state)
{
	struct bench *b = *state;
	char block[1024];

	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 16; i++)
		assert_int_equal(write(b->fifo, block, sizeof(block)),
				 sizeof(block));
	tell(b, "\nstop\n");
	assert_int_equal(next_command(b).kind, EVENT_STOP);
}

static void notes_are_logged(void **state)
{
	struct bench *b = *state;
	struct event e = {.kind = EVENT_LOSE, .ns = 77, .frame = 9, .lost = 5};

	assert_true(event_push(&b->link.notes, &e));
	control_notify(b->control);
	wait_for_log(b, "77 lose 9 5 0 0\n");
}

static void the_last_notes_are_logged_at_the_end(void **state)
{
	struct bench *b = *state;
	struct event e = {.kind = EVENT_STOP, .ns = 78};

	assert_true(event_push(&b->link.notes, &e));
	control_close(b->control);
	b->control = NULL;
	wait_for_log(b, "78 stop ");
}

static void only_one_has_it_open(void **state)
{
	struct bench *b = *state;
	struct control_link link = {.timer = -1};
	struct control *second = NULL;

	assert_int_equal(control_open(&second, b->path, &link, b->error,
				      sizeof(b->error)),
			 -EBUSY);
	assert_non_null(strstr(b->error, "another program"));
}

static void unplugged_until_it_is_plugged_in(void **state)
{
	struct bench *b = *state;
	struct event e = {.kind = EVENT_UNPLUG};
	struct control *none = NULL;

	assert_true(event_push(&b->link.notes, &e));
	control_notify(b->control);
	wait_for_log(b, " unplug ");
	assert_true(is_unplugged(b));
	control_close(b->control);
	b->control = NULL;
	assert_int_equal(control_open(&none, b->path, &b->link, b->error,
				      sizeof(b->error)),
			 -ENODEV);
	remove_all(b);
	reopen(b);
}

static void plug_works_on_a_dead_handle(void **state)
{
	struct bench *b = *state;
	struct event e = {.kind = EVENT_UNPLUG};

	assert_true(event_push(&b->link.notes, &e));
	control_notify(b->control);
	wait_for_log(b, " unplug ");
	tell(b, "plug\n");
	wait_for_log(b, " plug ");
	assert_false(is_unplugged(b));
	reopen(b);
}

static void the_crystal_outlives_the_handle(void **state)
{
	struct bench *b = *state;
	struct crystal first, again;
	struct event e = {.kind = EVENT_PPM};

	control_keep_crystal(b->control, 48000, 10, &first);
	assert_int_equal(first.frame, 0);
	reopen(b);
	control_keep_crystal(b->control, 48000, 10, &again);
	assert_memory_equal(&first, &again, sizeof(first));

	e.crystal = (struct crystal){first.ns + 5, 77, 48001.25};
	assert_true(event_push(&b->link.notes, &e));
	control_notify(b->control);
	wait_for_log(b, " ppm ");
	reopen(b);
	control_keep_crystal(b->control, 48000, 10, &again);
	assert_memory_equal(&e.crystal, &again, sizeof(again));

	control_keep_crystal(b->control, 44100, 10, &again);
	assert_int_equal(again.frame, 0);
	assert_true(again.ns >= first.ns);
}

static void a_file_in_its_place_is_left_alone(void **state)
{
	struct bench *b = *state;
	struct control *none = NULL;
	FILE *f;

	control_close(b->control);
	b->control = NULL;
	remove_all(b);
	f = fopen(b->path, "w");
	assert_non_null(f);
	fputs("mine\n", f);
	fclose(f);
	assert_int_equal(control_open(&none, b->path, &b->link, b->error,
				      sizeof(b->error)),
			 -EEXIST);
	assert_non_null(strstr(b->error, "not a FIFO"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_understood),
		cmocka_unit_test(what_is_no_command_is_named),
		cmocka_unit_test(notes_are_lines),
		CASE(commands_arrive_in_order_and_wake_the_device),
		CASE(errors_are_logged),
		CASE(endless_lines_do_no_harm),
		CASE(notes_are_logged),
		CASE(the_last_notes_are_logged_at_the_end),
		CASE(only_one_has_it_open),
		CASE(unplugged_until_it_is_plugged_in),
		CASE(plug_works_on_a_dead_handle),
		CASE(the_crystal_outlives_the_handle),
		CASE(a_file_in_its_place_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
