/* What counts as an arrival. Media are memory, mounted in a namespace that is
 * this program's own; without the right to that there is nothing to see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "transport/volumes.h"

#define DEADLINE_NS (20 * NS_PER_S)

static struct {
	char folder[64], medium[80], other[80];
	struct volumes *volumes;
	bool alone; /* with its mounts, which nobody else sees */
} bench;

/* In a chroot there is no mount at the root that could be made private. */
static bool is_alone(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ||
		errno == EINVAL);
}

static void mount_at(const char *folder)
{
	assert_int_equal(mount("none", folder, "tmpfs", 0, "size=16m"), 0);
}

static int set_up(void **state)
{
	(void)state;
	if (!bench.alone)
		return 0;
	strcpy(bench.folder, "/tmp/test_volumes.XXXXXX");
	assert_non_null(mkdtemp(bench.folder));
	snprintf(bench.medium, sizeof(bench.medium), "%s/medium", bench.folder);
	snprintf(bench.other, sizeof(bench.other), "%s/other", bench.folder);
	mkdir(bench.medium, 0700);
	mkdir(bench.other, 0700);
	mount_at(bench.medium);
	bench.volumes = volumes_create();
	assert_non_null(bench.volumes);
	return volumes_add(bench.volumes, bench.medium, VOLUME_FOR_TAKES);
}

static int tear_down(void **state)
{
	(void)state;
	if (!bench.alone)
		return 0;
	volumes_destroy(bench.volumes);
	umount2(bench.medium, MNT_DETACH);
	umount2(bench.other, MNT_DETACH);
	rmdir(bench.medium);
	rmdir(bench.other);
	return rmdir(bench.folder);
}

static struct volume get(void)
{
	struct volume volume;

	volumes_get(bench.volumes, 0, &volume);
	return volume;
}

/* It is seen that there is less room than before. */
static void be_looked_at(void)
{
	static unsigned files;
	uint64_t before = get().space.free_bytes;
	int64_t deadline = clock_now_ns() + DEADLINE_NS;
	char path[128], bytes[65536] = {1};
	FILE *file;

	snprintf(path, sizeof(path), "%s/%u", bench.medium, files++);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, sizeof(bytes), 1, file), 1);
	fclose(file);
	while (get().space.free_bytes >= before) {
		assert_true(clock_now_ns() < deadline);
		volumes_look_again(bench.volumes, 0);
		usleep(1000);
	}
}

static void need_mounts(void)
{
	if (bench.alone)
		return;
	print_message("only root can mount what is tested here\n");
	skip();
}

static void test_other_mounts_are_no_arrival(void **state)
{
	unsigned arrivals;

	(void)state;
	need_mounts();
	be_looked_at();
	arrivals = get().arrivals;
	mount_at(bench.other);
	be_looked_at();
	assert_int_equal(umount(bench.other), 0);
	be_looked_at();
	assert_int_equal(get().arrivals, arrivals);
}

static void test_a_medium_that_is_mounted_again_arrives(void **state)
{
	int64_t deadline = clock_now_ns() + DEADLINE_NS;
	unsigned arrivals;

	(void)state;
	need_mounts();
	be_looked_at();
	arrivals = get().arrivals;
	while (umount(bench.medium) < 0) /* it may be being looked at */
		usleep(1000);
	mount_at(bench.medium);
	while (get().arrivals == arrivals) {
		assert_true(clock_now_ns() < deadline);
		usleep(1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_other_mounts_are_no_arrival, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_medium_that_is_mounted_again_arrives, set_up,
			tear_down),
	};

	bench.alone = is_alone();
	return cmocka_run_group_tests_name("volumes", tests, NULL, NULL);
}
