/*
 * Lines out of bytes, however the bytes are cut and whatever they are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "tools/wire.h"

static void feed(struct wire *wire, const char *bytes, size_t size)
{
	while (size > 0) {
		size_t room;
		char *space = wire_room(wire, &room);

		assert_non_null(space);
		room = room < size ? room : size;
		memcpy(space, bytes, room);
		wire_filled(wire, room);
		bytes += room;
		size -= room;
	}
}

static void assert_next(struct wire *wire, int number)
{
	json_t *object = NULL;

	assert_int_equal(wire_next(wire, &object), 1);
	assert_int_equal(json_integer_value(json_object_get(object, "n")),
			 number);
	json_decref(object);
}

static void test_objects_come_whole_from_single_bytes(void **state)
{
	static const char text[] = "{\"n\":1}\n\n{\"n\":2}\r\n{\"n\":3}\n";
	struct wire wire;
	json_t *object;
	int got = 0;

	(void)state;
	wire_init(&wire);
	for (const char *c = text; *c; c++) {
		feed(&wire, c, 1);
		while (wire_next(&wire, &object) == 1) {
			got = got * 10 + (int)json_integer_value(
						 json_object_get(object, "n"));
			json_decref(object);
		}
	}
	assert_int_equal(got, 123);
	wire_finish(&wire);
}

static void test_many_objects_in_one_read_come_one_by_one(void **state)
{
	struct wire wire;
	json_t *object;

	(void)state;
	wire_init(&wire);
	feed(&wire, "{\"n\":1}\n{\"n\":2}\n{\"n\"", 20);
	assert_next(&wire, 1);
	assert_next(&wire, 2);
	assert_int_equal(wire_next(&wire, &object), 0);
	feed(&wire, ":3}\n", 4);
	assert_next(&wire, 3);
	wire_finish(&wire);
}

static void test_a_broken_line_costs_only_itself(void **state)
{
	static const char *const broken[] = {"{\"n\":",
					     "[1,2]",
					     "null",
					     "\377\376",
					     "{} {}",
					     "{\"n\":1e999}",
					     "{\"n\":99999999999999999999}"};

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		struct wire wire;
		json_t *object = NULL;

		wire_init(&wire);
		feed(&wire, broken[i], strlen(broken[i]));
		feed(&wire, "\n{\"n\":7}\n", 9);
		assert_int_equal(wire_next(&wire, &object), -EPROTO);
		assert_null(object);
		assert_next(&wire, 7);
		wire_finish(&wire);
	}
}

static void test_a_zero_byte_does_not_end_the_line(void **state)
{
	struct wire wire;
	json_t *object;

	(void)state;
	wire_init(&wire);
	feed(&wire, "{\"n\":1}\0{\n{\"n\":2}\n", 18);
	assert_int_equal(wire_next(&wire, &object), -EPROTO);
	assert_next(&wire, 2);
	wire_finish(&wire);
}

static void test_a_line_without_end_is_given_up(void **state)
{
	struct wire wire;
	json_t *object;
	size_t room;

	(void)state;
	wire_init(&wire);
	errno = 0;
	for (;;) {
		char *space = wire_room(&wire, &room);

		if (!space)
			break;
		memset(space, 'x', room);
		wire_filled(&wire, room);
		assert_int_equal(wire_next(&wire, &object), 0);
		assert_true(wire.capacity <= 3 * (size_t)WIRE_LINE_MAX);
	}
	assert_int_equal(errno, EMSGSIZE);
	wire_finish(&wire);
}

static void test_space_is_used_again(void **state)
{
	struct wire wire;

	(void)state;
	wire_init(&wire);
	for (int i = 0; i < 100000; i++) {
		feed(&wire, "{\"n\":5}\n", 8);
		assert_next(&wire, 5);
	}
	assert_true(wire.capacity < 65536);
	wire_finish(&wire);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects_come_whole_from_single_bytes),
		cmocka_unit_test(test_many_objects_in_one_read_come_one_by_one),
		cmocka_unit_test(test_a_broken_line_costs_only_itself),
		cmocka_unit_test(test_a_zero_byte_does_not_end_the_line),
		cmocka_unit_test(test_a_line_without_end_is_given_up),
		cmocka_unit_test(test_space_is_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
