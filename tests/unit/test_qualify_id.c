/* qualify_id: a medium is known again by its UUID, or as it was known before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "take/qualify_id.h"

#define NO_UDEV "/nonexistent"

static char udev[64], database[128];
static int dir;

static int set_up(void **unused)
{
	struct stat stat;

	(void)unused;
	strcpy(udev, "/tmp/qualify-id-XXXXXX");
	dir = mkdtemp(udev) ? open(udev, O_RDONLY | O_DIRECTORY) : -1;
	if (dir < 0 || fstat(dir, &stat) < 0)
		return -1;
	snprintf(database, sizeof(database), "%s/b%u:%u", udev,
		 major(stat.st_dev), minor(stat.st_dev));
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	close(dir);
	unlink(database);
	return rmdir(udev);
}

static void udev_says(const char *text)
{
	FILE *file = fopen(database, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* As it was kept before UUIDs were. */
static void kernels_word(char id[QUALIFY_ID_MAX])
{
	struct statvfs vfs;

	assert_int_equal(fstatvfs(dir, &vfs), 0);
	snprintf(id, QUALIFY_ID_MAX, "%016lx-%lx", (unsigned long)vfs.f_fsid,
		 (unsigned long)vfs.f_blocks);
}

static void test_the_uuid_is_what_counts(void **unused)
{
	struct statvfs vfs;
	char id[QUALIFY_ID_MAX], wanted[QUALIFY_ID_MAX];

	(void)unused;
	udev_says("S:disk/by-uuid/1A2B-3C4D\nI:4711\nE:ID_BUS=usb\n"
		  "E:ID_FS_UUID_ENC=9999-9999\nE:ID_FS_UUID=1A2B-3C4D\n"
		  "E:ID_FS_VERSION=FAT32\nG:systemd\n");
	assert_int_equal(fstatvfs(dir, &vfs), 0);
	snprintf(wanted, sizeof(wanted), "1A2B-3C4D-%lx",
		 (unsigned long)vfs.f_blocks);
	qualify_id(id, dir, udev);
	assert_string_equal(id, wanted);
	assert_true(qualify_id_fits(id, dir, udev));
	udev_says("E:ID_FS_UUID=1A2B-3C4E\n");
	assert_false(qualify_id_fits(id, dir, udev));
	assert_false(qualify_id_fits(id, dir, NO_UDEV));
}

static void test_without_udev_it_is_the_kernels_word(void **unused)
{
	char id[QUALIFY_ID_MAX], wanted[QUALIFY_ID_MAX];

	(void)unused;
	kernels_word(wanted);
	qualify_id(id, dir, NO_UDEV);
	assert_string_equal(id, wanted);
	udev_says("E:ID_BUS=usb\nE:ID_FS_UUID=\n");
	qualify_id(id, dir, udev);
	assert_string_equal(id, wanted);
}

static void test_what_was_known_by_the_kernels_word_is_known(void **unused)
{
	char id[QUALIFY_ID_MAX];

	(void)unused;
	udev_says("E:ID_FS_UUID=1A2B-3C4D\n");
	kernels_word(id);
	assert_true(qualify_id_fits(id, dir, udev));
	id[0] = id[0] == '0' ? '1' : '0';
	assert_false(qualify_id_fits(id, dir, udev));
	assert_false(qualify_id_fits("", dir, udev));
}

static void test_a_long_uuid_is_cut(void **unused)
{
	char id[QUALIFY_ID_MAX], text[512] = "E:ID_FS_UUID=";

	(void)unused;
	memset(text + strlen(text), 'a', 400);
	strcat(text, "\n");
	udev_says(text);
	qualify_id(id, dir, udev);
	assert_int_equal(strspn(id, "a"), 36);
	assert_int_equal(id[36], '-');
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_the_uuid_is_what_counts),
		TEST(test_without_udev_it_is_the_kernels_word),
		TEST(test_what_was_known_by_the_kernels_word_is_known),
		TEST(test_a_long_uuid_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
