/* JSON from a file: in parts, not byte for byte, and all of it or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json_text.h"

#define LONG_BYTES 5000

static json_t *read_text(const char *text, size_t size)
{
	int ends[2];
	json_t *root;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, size), size);
	close(ends[1]);
	root = json_read_file(ends[0], LONG_BYTES + 4);
	close(ends[0]);
	return root;
}

/* Of such a packet nothing is left for a second read. */
static void test_a_read_takes_more_than_a_byte(void **state)
{
	static const char text[] = "{\"verdict\": \"sample-complete\"}";
	json_t *root;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	assert_int_equal(send(ends[1], text, strlen(text), 0), strlen(text));
	close(ends[1]);
	root = json_read_file(ends[0], LONG_BYTES + 4);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "verdict")),
			    "sample-complete");
	json_decref(root);
	close(ends[0]);
}

static void test_a_long_text_comes_whole(void **state)
{
	static char text[LONG_BYTES + 5];
	json_t *root;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "[\"", 2);
	memcpy(text + 2 + LONG_BYTES, "\"]", 3);
	root = read_text(text, 4 + LONG_BYTES);
	assert_int_equal(json_string_length(json_array_get(root, 0)),
			 LONG_BYTES);
	json_decref(root);
}

static void test_more_than_wanted_is_none(void **state)
{
	static char text[2 * LONG_BYTES];

	(void)state;
	memset(text, ' ', sizeof(text)); /* JSON may end so */
	memcpy(text, "{}", 2);
	errno = 0;
	assert_null(read_text(text, LONG_BYTES + 5));
	assert_int_equal(errno, EFBIG);
	errno = 0;
	assert_null(read_text(text, sizeof(text)));
	assert_int_equal(errno, EFBIG);
}

static void expect_nothing(const char *text)
{
	errno = 0;
	assert_null(read_text(text, strlen(text)));
	assert_int_equal(errno, EINVAL);
}

static void test_half_a_text_or_more_than_one_is_none(void **state)
{
	(void)state;
	expect_nothing("");
	expect_nothing("{\"frames\": 48000");
	expect_nothing("{\"frames\": 48000}}");
}

static void test_what_cannot_be_read_is_none(void **state)
{
	int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(folder >= 0);
	errno = 0;
	assert_null(json_read_file(folder, LONG_BYTES));
	assert_int_equal(errno, EISDIR);
	close(folder);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_read_takes_more_than_a_byte),
		cmocka_unit_test(test_a_long_text_comes_whole),
		cmocka_unit_test(test_more_than_wanted_is_none),
		cmocka_unit_test(test_half_a_text_or_more_than_one_is_none),
		cmocka_unit_test(test_what_cannot_be_read_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
