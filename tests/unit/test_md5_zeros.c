/* md5_zeros: what it says must be what md5_lanes comes to, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "take/md5_zeros.h"

#define STEP MD5_ZEROS_STEP

static struct md5_zeros zeros;

static int tear_down(void **unused)
{
	(void)unused;
	md5_zeros_finish(&zeros);
	return 0;
}

static void assert_at(uint64_t bytes)
{
	struct md5_state is = md5_zeros_at(&zeros, bytes), wanted;
	uint8_t digest[2][16];
	void *data = calloc(1, bytes + 1);

	assert_non_null(data);
	md5_init(&wanted);
	md5_update_bytes(&wanted, data, bytes);
	free(data);
	assert_int_equal(is.bytes, bytes);
	md5_digest(&is, digest[0]);
	md5_digest(&wanted, digest[1]);
	assert_memory_equal(digest[0], digest[1], 16);
}

static void assert_at_all(void)
{
	const uint64_t lengths[] = {0,
				    1,
				    64,
				    4096 * 3,
				    STEP - 1,
				    STEP,
				    STEP + 1,
				    2 * STEP,
				    2 * STEP + 77,
				    3 * STEP,
				    4 * STEP + 4096};

	for (unsigned i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
		assert_at(lengths[i]);
}

static void nothing_need_be_known(void **unused)
{
	(void)unused;
	assert_at_all();
}

static void the_state_is_right_before_and_behind_the_front(void **unused)
{
	(void)unused;
	assert_false(md5_zeros_advance(&zeros, 2 * STEP + 100, UINT32_MAX));
	assert_at_all();
	assert_false(md5_zeros_advance(&zeros, 3 * STEP, UINT32_MAX));
	assert_at_all();
}

static void it_advances_no_further_than_it_may(void **unused)
{
	(void)unused;
	assert_true(md5_zeros_advance(&zeros, 3 * STEP, STEP + 5));
	assert_int_equal(zeros.front.bytes, STEP + 5);
	assert_true(md5_zeros_advance(&zeros, 3 * STEP, STEP + 5));
	assert_false(md5_zeros_advance(&zeros, 3 * STEP, STEP + 5));
	assert_int_equal(zeros.front.bytes, 3 * STEP);
	assert_false(md5_zeros_advance(&zeros, STEP, STEP));
	assert_int_equal(zeros.front.bytes, 3 * STEP);
	assert_at_all();
}

static void more_steps_than_there_is_room_for_at_first(void **unused)
{
	struct md5_state is, wanted;
	size_t before;

	(void)unused;
	assert_false(md5_zeros_advance(&zeros, STEP, UINT32_MAX));
	before = zeros.room;
	assert_false(md5_zeros_advance(&zeros, (before + 2) * STEP,
				       UINT64_C(1) << 40));
	assert_true(zeros.room > before);
	wanted = zeros.front;
	is = md5_zeros_at(&zeros, (before + 2) * STEP);
	assert_memory_equal(is.word, wanted.word, sizeof(is.word));
	assert_at(2 * STEP);
}

#define CASE(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nothing_need_be_known),
		CASE(the_state_is_right_before_and_behind_the_front),
		CASE(it_advances_no_further_than_it_may),
		CASE(more_steps_than_there_is_room_for_at_first),
	};

	return cmocka_run_group_tests_name("md5_zeros", tests, NULL, NULL);
}
