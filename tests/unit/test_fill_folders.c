/* A mirror that has nothing yet: what is copied there is safe with all names on
 * the way to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "take/fill.h"
#include "take/ledger.h"

#define SYNCED_MAX 16

static struct {
	char folder[64], from[80], to[80];
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

	snprintf(path, sizeof(path), "%s%s", bench.to, name);
	for (unsigned i = 0; i < bench.syncs; i++)
		if (strcmp(bench.synced[i], path) == 0)
			return true;
	return false;
}

static void make(char *path, size_t size, const char *parent, const char *name)
{
	snprintf(path, size, "%s/%s", parent, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void make_take(const char *medium)
{
	char takebox[100], session[120], take[140], json[160];
	json_t *entry = json_pack("{ss}", "type", "start");
	struct ledger ledger;
	FILE *file;
	int dir;

	make(takebox, sizeof(takebox), medium, "Takebox");
	make(session, sizeof(session), takebox, "Show");
	make(take, sizeof(take), session, "Take-001");
	dir = open(take, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(ledger_create(&ledger, &storage_posix, dir), 0);
	assert_int_equal(ledger_append(&ledger, entry), 0);
	ledger_close(&ledger);
	close(dir);
	json_decref(entry);
	snprintf(json, sizeof(json), "%s/take.json", take);
	file = fopen(json, "we");
	fputs("{}", file);
	fclose(file);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(bench.folder, "/tmp/test_fill_folders.XXXXXX");
	assert_non_null(mkdtemp(bench.folder));
	make(bench.from, sizeof(bench.from), bench.folder, "A");
	make(bench.to, sizeof(bench.to), bench.folder, "M");
	make_take(bench.from);
	bench.syncs = 0;
	bench.fail = -1;
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", bench.folder);
	return system(command);
}

static int fill(void)
{
	return fill_mirror(bench.from, bench.to, 0, NULL, NULL, NULL);
}

static void test_all_folders_on_the_way_to_a_copy_are_synced(void **state)
{
	(void)state;
	assert_int_equal(fill(), 0);
	assert_true(is_synced(""));
	assert_true(is_synced("/Takebox"));
	assert_true(is_synced("/Takebox/Show"));
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
	assert_true(is_synced("/Takebox/Show"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_all_folders_on_the_way_to_a_copy_are_synced,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_folder_that_could_not_be_synced_is_made_again,
			set_up, tear_down),
	};

	return cmocka_run_group_tests_name("fill, folders", tests, NULL, NULL);
}
