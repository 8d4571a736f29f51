/* A mirror that has nothing yet: what is copied there is safe with all names on
 * the way to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fill_case.h"

#define SYNCED_MAX 16

static struct {
	char synced[SYNCED_MAX][PATH_MAX];
	unsigned syncs;
	int fail; /* the sync with that number; -1: none */
} bench;

int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
	char link[64], *path = bench.synced[bench.syncs];
	ssize_t length;

	assert_in_range(bench.syncs, 0, SYNCED_MAX - 1);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, PATH_MAX - 1);
	path[length > 0 ? length : 0] = '\0';
	errno = EIO;
	return bench.fail == (int)bench.syncs++ ? -1 : 0;
}

static bool is_synced(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", to, name);
	for (unsigned i = 0; i < bench.syncs; i++)
		if (strcmp(bench.synced[i], path) == 0)
			return true;
	return false;
}

static int set_up_media(void **state)
{
	int error;

	bench.syncs = 0;
	bench.fail = -1;
	error = make_media(state);
	bench.syncs = 0;
	return error;
}

static int fill(void)
{
	return fill_mirror(from, to, 0, NULL, NULL, NULL);
}

static void test_all_folders_on_the_way_to_a_copy_are_synced(void **state)
{
	(void)state;
	assert_int_equal(fill(), 0);
	assert_true(is_synced(""));
	assert_true(is_synced("/Takebox"));
	assert_true(is_synced("/Takebox/Session"));
}

/* What is there already is taken for safe: so it is not there then. */
static void test_a_folder_that_could_not_be_synced_is_made_again(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		bench.syncs = 0;
		bench.fail = i;
		assert_int_not_equal(fill(), 0);
	}
	bench.syncs = 0;
	bench.fail = -1;
	assert_int_equal(fill(), 0);
	assert_true(is_synced("/Takebox"));
	assert_true(is_synced("/Takebox/Session"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_all_folders_on_the_way_to_a_copy_are_synced,
			set_up_media, remove_media),
		cmocka_unit_test_setup_teardown(
			test_a_folder_that_could_not_be_synced_is_made_again,
			set_up_media, remove_media),
	};

	return cmocka_run_group_tests_name("fill, folders", tests, NULL, NULL);
}
