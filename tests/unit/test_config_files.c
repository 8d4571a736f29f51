/*
 * config: printing, and files: those of the source tree, which have to agree
 * with the code, and broken ones. Run from the top of the source tree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "base/config_keys.h"

static struct config config;
static char error[256];

static int set_up(void **state)
{
	(void)state;
	memset(&config, 0xa5, sizeof(config));
	config_defaults(&config);
	return 0;
}

static void accept_text(const char *text)
{
	int result = config_add_string(&config, text, "t.conf", error,
				       sizeof(error));

	assert_string_equal(error, "");
	assert_int_equal(result, 0);
}

static char *print_to_text(const struct config *what)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(config_print(what, out), 0);
	fclose(out);
	return text;
}

static void what_is_printed_reads_back_equal(void **state)
{
	struct config before;
	char *text;

	(void)state;
	accept_text("interface: { device = \"a \\\"b\\\" \\\\ # ; ä\"; };"
		    "tape: { seconds = 86399.9; };"
		    "record: { sync = 0.1; preroll = 0.30000000000000004;"
		    " max_file_bytes = 4294967295; };"
		    "tracks = ( { name = \"Kick; = \\\"in\\\"\"; },"
		    " { channels = [7, 6]; armed = false; } );");
	before = config;
	text = print_to_text(&config);
	config_defaults(&config);
	accept_text(text);
	free(text);
	assert_memory_equal(&config, &before, sizeof(config));
}

static char *read_tree_file(const char *path)
{
	FILE *in = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	assert_non_null(in);
	assert_true(getdelim(&text, &size, '\0', in) > 0);
	fclose(in);
	return text;
}

static void the_file_to_start_from_holds_the_defaults(void **state)
{
	struct config defaults = config;
	char *text = print_to_text(&config);
	char *file = read_tree_file("board/takebox.conf");

	(void)state;
	memset(&config, 0, sizeof(config));
	assert_int_equal(config_add_file(&config, "board/takebox.conf", error,
					 sizeof(error)),
			 0);
	assert_memory_equal(&config, &defaults, sizeof(config));
	assert_string_equal(file, text);
	free(text);
	free(file);
}

static void the_manual_names_every_key(void **state)
{
	char *manual = read_tree_file("firmware/takebox.conf.5");
	char item[64];

	(void)state;
	for (const struct config_key *key = config_keys; key->name; key++) {
		snprintf(item, sizeof(item), "\n.It Ic %s.%s ", key->group,
			 key->name);
		assert_non_null(strstr(manual, item));
	}
	for (const struct config_key *key = config_track_keys; key->name;
	     key++) {
		snprintf(item, sizeof(item), "\n.It Ic %s ", key->name);
		assert_non_null(strstr(manual, item));
	}
	free(manual);
}

static char folder[] = "/tmp/test_config.XXXXXX";

static const char *put_file(const char *name, const char *text, size_t size)
{
	static char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, size, out), size);
	fclose(out);
	return path;
}

static void a_missing_file_is_told_from_a_broken_one(void **state)
{
	const char *path;
	char message[256];

	(void)state;
	assert_int_equal(config_add_file(&config, "/nonexistent/t.conf", error,
					 sizeof(error)),
			 -ENOENT);
	assert_string_equal(error, "");
	assert_int_equal(config_add_file(&config, folder, error, sizeof(error)),
			 -EINVAL);
	snprintf(message, sizeof(message), "%s: is not a file", folder);
	assert_string_equal(error, message);
	path = put_file("bad.conf", "\nx = 1;\n", 8);
	assert_int_equal(config_add_file(&config, path, error, sizeof(error)),
			 -EINVAL);
	snprintf(message, sizeof(message), "%s:2: unknown key 'x'", path);
	assert_string_equal(error, message);
	path = put_file("zero.conf", "a\0b", 3);
	assert_int_equal(config_add_file(&config, path, error, sizeof(error)),
			 -EINVAL);
	snprintf(message, sizeof(message),
		 "%s:1: there is a control character in this line", path);
	assert_string_equal(error, message);
}

static void a_fifo_in_the_place_of_a_file_does_not_block(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/fifo", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(config_add_file(&config, path, error, sizeof(error)),
			 -EINVAL);
}

static void an_enormous_file_is_refused(void **state)
{
	size_t size = (1 << 20) + 1;
	char *spaces = malloc(size);
	const char *path;

	(void)state;
	assert_non_null(spaces);
	memset(spaces, ' ', size);
	path = put_file("big.conf", spaces, size);
	assert_int_equal(config_add_file(&config, path, error, sizeof(error)),
			 -EFBIG);
	path = put_file("big.conf", spaces, size - 1);
	assert_int_equal(config_add_file(&config, path, error, sizeof(error)),
			 0);
	free(spaces);
}

static void a_file_that_was_asked_for_must_exist(void **state)
{
	const char *path = put_file("ok.conf", "meters: { clip = 5; };", 22);

	(void)state;
	assert_int_equal(config_load(&config, path, error, sizeof(error)), 0);
	assert_int_equal(config.clip_run, 5);
	assert_int_equal(config.level, 5);
	assert_int_equal(config_load(&config, "/nonexistent/t.conf", error,
				     sizeof(error)),
			 -ENOENT);
	assert_string_equal(error,
			    "/nonexistent/t.conf: there is no such file");
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const names[] = {"bad.conf", "zero.conf", "fifo",
					    "big.conf", "ok.conf"};
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

#define CASE(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_printed_reads_back_equal),
		CASE(the_file_to_start_from_holds_the_defaults),
		CASE(the_manual_names_every_key),
		CASE(a_missing_file_is_told_from_a_broken_one),
		CASE(a_fifo_in_the_place_of_a_file_does_not_block),
		CASE(an_enormous_file_is_refused),
		CASE(a_file_that_was_asked_for_must_exist),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
