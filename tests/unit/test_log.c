/*
 * log: what reaches standard error, read back through a pipe; and log_limit
 * with a clock of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_limit.h"

static int capture[2];
static int saved_stderr;
static char output[65536];

static int set_up(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	assert_int_equal(pipe2(capture, O_NONBLOCK | O_CLOEXEC), 0);
	saved_stderr = dup(STDERR_FILENO);
	assert_true(dup2(capture[1], STDERR_FILENO) >= 0);
	log_init("takeboxd", LOG_LEVEL_INFO);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(capture[0]);
	close(capture[1]);
	return 0;
}

static const char *written(void)
{
	ssize_t n = read(capture[0], output, sizeof(output) - 1);

	output[n > 0 ? n : 0] = '\0';
	return output;
}

static unsigned lines_written(void)
{
	unsigned lines = 0;

	for (const char *at = written(); *at; at++)
		lines += *at == '\n';
	return lines;
}

static void a_line_names_program_and_level(void **state)
{
	(void)state;
	log_error("the disk %s is full: %d MB left", "TAKES", 0);
	assert_string_equal(
		written(),
		"takeboxd: error: the disk TAKES is full: 0 MB left\n");
	log_warning("hm");
	assert_string_equal(written(), "takeboxd: warning: hm\n");
	log_info("ready");
	assert_string_equal(written(), "takeboxd: ready\n");
}

static void lines_below_the_level_are_not_written(void **state)
{
	(void)state;
	log_debug("detail");
	assert_string_equal(written(), "");
	log_init("takeboxd", LOG_LEVEL_DEBUG);
	log_debug("detail");
	assert_string_equal(written(), "takeboxd: debug: detail\n");
}

static void under_systemd_lines_carry_a_priority(void **state)
{
	struct stat st;
	char stream[64];

	(void)state;
	assert_int_equal(fstat(capture[1], &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init("takeboxd", LOG_LEVEL_INFO);
	log_error("a");
	log_warning("b");
	log_info("c");
	assert_string_equal(written(), "<3>a\n<4>b\n<6>c\n");
}

static void a_redirected_stream_is_not_the_journal(void **state)
{
	struct stat st;
	char stream[64];

	(void)state;
	assert_int_equal(fstat(capture[1], &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino + 1);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init("takeboxd", LOG_LEVEL_INFO);
	log_error("a");
	assert_string_equal(written(), "takeboxd: error: a\n");
}

static void control_characters_cannot_forge_a_line(void **state)
{
	(void)state;
	log_info("track '%s'", "Kick\ntakeboxd: error: \033[2Jfire\177");
	assert_string_equal(
		written(),
		"takeboxd: track 'Kick takeboxd: error:  [2Jfire '\n");
}

/* 2 bytes a letter and an odd prefix: a cut by bytes would split one. */
static void a_long_line_is_cut_between_characters(void **state)
{
	char text[4001] = "x";
	size_t length;

	(void)state;
	for (int i = 0; i < 1999; i++)
		strcat(text, "\xc3\xa4");
	log_info("%s", text);
	length = strlen(written());
	assert_true(length > 1000 && length < 1100);
	assert_string_equal(output + length - 6, "\xc3\xa4...\n");
}

static void errno_is_left_alone(void **state)
{
	(void)state;
	close(STDERR_FILENO); /* so that the write fails */
	errno = 77;
	log_info("ready");
	assert_int_equal(errno, 77);
	assert_true(dup2(capture[1], STDERR_FILENO) >= 0);
}

static void a_site_that_repeats_is_cut_off_after_ten(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++)
		log_warning("xrun %d", i);
	log_info("another site");
	assert_int_equal(lines_written(), 11);
	assert_non_null(strstr(output, "xrun 9\n"));
	assert_non_null(strstr(output, "another site\n"));
}

static void *log_from_thread(void *context)
{
	for (int i = 0; i < 10; i++)
		log_info("%s %d", (const char *)context, i);
	return NULL;
}

static void threads_write_whole_lines(void **state)
{
	pthread_t thread[4];
	unsigned lines = 0;
	char *at, *end;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL,
						log_from_thread, "thread"),
				 0);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	written();
	for (at = output; *at; at = end + 1, lines++) {
		end = strchr(at, '\n');
		assert_non_null(end);
		assert_int_equal(strncmp(at, "takeboxd: thread ", 17), 0);
		assert_int_equal(end - at, 18);
	}
	assert_int_equal(lines, 10);
}

static void a_closed_standard_error_is_harmless(void **state)
{
	(void)state;
	close(STDERR_FILENO);
	log_error("nobody hears this");
	assert_true(dup2(capture[1], STDERR_FILENO) >= 0);
	log_error("but this");
	assert_string_equal(written(), "takeboxd: error: but this\n");
}

static struct log_limit limit;

static bool pass(int line, int64_t now_ns)
{
	static const char file[] = "capture.c";

	return log_limit_pass(&limit, file, line, 1, "late", now_ns);
}

static void a_new_window_lets_lines_pass_again(void **state)
{
	struct log_site site;

	(void)state;
	memset(&limit, 0, sizeof(limit));
	for (int i = 0; i < LOG_LIMIT_LINES; i++)
		assert_true(pass(1, 1000 + i));
	assert_false(pass(1, 2000));
	assert_false(pass(1, 1000 + LOG_LIMIT_NS - 1));
	assert_false(log_limit_collect(&limit, 1000 + LOG_LIMIT_NS - 1, &site));
	assert_true(log_limit_collect(&limit, 1000 + LOG_LIMIT_NS, &site));
	assert_int_equal(site.suppressed, 2);
	assert_int_equal(site.line, 1);
	assert_string_equal(site.text, "late");
	assert_false(log_limit_collect(&limit, 1000 + LOG_LIMIT_NS, &site));
	assert_true(pass(1, 1000 + LOG_LIMIT_NS));
}

static void sites_are_counted_apart(void **state)
{
	(void)state;
	memset(&limit, 0, sizeof(limit));
	for (int i = 0; i < LOG_LIMIT_LINES; i++)
		assert_true(pass(1, 1000));
	assert_false(pass(1, 1000));
	assert_true(pass(2, 1000));
}

static void more_sites_than_slots_still_pass(void **state)
{
	(void)state;
	memset(&limit, 0, sizeof(limit));
	for (int line = 1; line <= 3 * LOG_LIMIT_SITES; line++)
		assert_true(pass(line, 1000 + line));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_line_names_program_and_level),
		CASE(lines_below_the_level_are_not_written),
		CASE(under_systemd_lines_carry_a_priority),
		CASE(a_redirected_stream_is_not_the_journal),
		CASE(control_characters_cannot_forge_a_line),
		CASE(a_long_line_is_cut_between_characters),
		CASE(errno_is_left_alone),
		CASE(a_site_that_repeats_is_cut_off_after_ten),
		CASE(threads_write_whole_lines),
		CASE(a_closed_standard_error_is_harmless),
		cmocka_unit_test(a_new_window_lets_lines_pass_again),
		cmocka_unit_test(sites_are_counted_apart),
		cmocka_unit_test(more_sites_than_slots_still_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
