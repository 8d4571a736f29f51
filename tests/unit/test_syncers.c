/* syncers: all files, at the same time, and whoever fails is heard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "take/syncers.h"

#define FILES	 32
#define TOGETHER 4 /* at least so many wait for one flush */

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t more;
	unsigned calls[FILES];
	unsigned inside, most;
	bool alone;  /* nobody came for ten seconds */
	int failing; /* file; -1: none */
} disk = {
	.mutex = PTHREAD_MUTEX_INITIALIZER,
	.more = PTHREAD_COND_INITIALIZER,
	.failing = -1,
};

/* Like a flush that begins when enough are waiting for it, or gives up. */
static int slow_sync(int file)
{
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 10;
	pthread_mutex_lock(&disk.mutex);
	disk.calls[file]++;
	if (++disk.inside > disk.most)
		disk.most = disk.inside;
	pthread_cond_broadcast(&disk.more);
	while (disk.most < TOGETHER && !disk.alone)
		disk.alone = pthread_cond_timedwait(&disk.more, &disk.mutex,
						    &deadline) != 0;
	disk.inside--;
	pthread_mutex_unlock(&disk.mutex);
	return file == disk.failing ? -EIO : 0;
}

static const struct storage slow_storage = {.sync = slow_sync};

static void sync_all(unsigned count, int wanted)
{
	struct syncers *syncers = syncers_create(&slow_storage);
	int file[FILES];

	assert_non_null(syncers);
	for (int i = 0; i < FILES; i++) {
		file[i] = i;
		disk.calls[i] = 0;
	}
	assert_int_equal(syncers_sync(syncers, file, count), wanted);
	for (unsigned i = 0; i < FILES; i++)
		assert_int_equal(disk.calls[i], i < count);
	syncers_destroy(syncers);
}

static void test_several_wait_at_the_same_time(void **unused)
{
	(void)unused;
	disk.most = 0;
	disk.failing = -1;
	sync_all(FILES, 0);
	assert_true(disk.most >= TOGETHER);
}

static void test_one_that_fails_is_heard_and_all_are_tried(void **unused)
{
	(void)unused;
	for (disk.failing = 0; disk.failing < FILES; disk.failing++)
		sync_all(FILES, -EIO);
}

static void test_an_error_is_not_remembered(void **unused)
{
	struct syncers *syncers = syncers_create(&slow_storage);
	int file[2] = {0, 1};

	(void)unused;
	disk.failing = 1;
	assert_int_equal(syncers_sync(syncers, file, 2), -EIO);
	disk.failing = -1;
	assert_int_equal(syncers_sync(syncers, file, 2), 0);
	syncers_destroy(syncers);
}

static void test_one_file_and_none(void **unused)
{
	(void)unused;
	disk.failing = -1;
	sync_all(1, 0);
	sync_all(0, 0);
	syncers_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_several_wait_at_the_same_time),
		cmocka_unit_test(
			test_one_that_fails_is_heard_and_all_are_tried),
		cmocka_unit_test(test_an_error_is_not_remembered),
		cmocka_unit_test(test_one_file_and_none),
	};

	return cmocka_run_group_tests_name("syncers", tests, NULL, NULL);
}
