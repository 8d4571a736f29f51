/* mountinfo as kernels write it, with media on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "take/media.h"

#define SYSTEM                                                                 \
	"22 28 0:20 / /sys rw,nosuid,nodev shared:7 - sysfs sysfs rw\n"        \
	"28 1 179:2 / / rw,noatime shared:1 - ext4 /dev/root rw\n"             \
	"90 28 179:1 / /boot/firmware rw shared:44 - vfat /dev/sda1 rw\n"      \
	"91 28 8:33 / /media/takebox rw - ext4 /dev/sdc1 rw\n"                 \
	"92 28 8:33 / /media/takeboxes/A rw - ext4 /dev/sdc1 rw\n"

static void read_text(struct media *media, const char *text)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	assert_non_null(file);
	media_read(media, file, MEDIA_ROOT);
	fclose(file);
}

static void without_media_there_is_none(void **state)
{
	struct media media;

	(void)state;
	read_text(&media, SYSTEM);
	assert_int_equal(media.count, 0);
	assert_null(media_newest(&media, 0, ""));
}

static void the_newest_is_the_one_mounted_last(void **state)
{
	struct media media;
	char path[64];

	(void)state;
	read_text(&media, SYSTEM "200 28 8:1 / /media/takebox/OLD rw,nosuid "
				 "shared:9 - vfat /dev/sda1 rw,utf8\n"
				 "45 28 8:17 / /media/takebox/NEW rw - exfat "
				 "/dev/sdb1 rw,iocharset=utf8\n");
	assert_int_equal(media.count, 2);
	assert_string_equal(media_newest(&media, 0, "")->name, "NEW");
	assert_int_equal(media_newest(&media, 0, "")->id, 45);
	assert_string_equal(media_newest(&media, 45, "")->name, "OLD");
	assert_string_equal(
		media_newest(&media, 0, "/media/NEW:/media/takebox/NEW")->name,
		"OLD");
	assert_string_equal(
		media_newest(&media, 0, "/media/takebox/NEWER:/media")->name,
		"NEW");
	assert_null(media_newest(&media, 200, "/media/takebox/NEW"));
	media_path(path, sizeof(path), media_newest(&media, 0, ""));
	assert_string_equal(path, "/media/takebox/NEW");
	assert_true(media_has(&media, 200));
	assert_false(media_has(&media, 201));
}

static void a_medium_that_cannot_be_written_to_does_not_count(void **state)
{
	struct media media;

	(void)state;
	read_text(&media,
		  "1 28 8:1 / /media/takebox/A ro,noatime - vfat /dev/a rw\n"
		  "2 28 8:1 / /media/takebox/B rw - ext4 /dev/b ro,errors=x\n"
		  "3 28 8:1 / /media/takebox/C rw,roomy - ext4 /dev/c rw\n");
	assert_int_equal(media.count, 1);
	assert_string_equal(media.medium[0].name, "C");
}

static void what_is_mounted_deeper_is_no_medium(void **state)
{
	struct media media;

	(void)state;
	read_text(&media, "1 28 8:1 / /media/takebox/A/x rw - ext4 /dev/a rw\n"
			  "2 28 8:1 / /media/takebox/ rw - ext4 /dev/a rw\n"
			  "3 28 8:1 / /mnt/media/takebox/A rw - ext4 /dev/a "
			  "rw\n");
	assert_int_equal(media.count, 0);
}

static void names_are_read_as_they_are(void **state)
{
	struct media media;

	(void)state;
	read_text(&media, "1 28 8:1 / /media/takebox/Live\\0402026 rw - ext4 "
			  "/dev/a rw\n"
			  "2 28 8:1 / /media/takebox/a\\134b rw - ext4 /dev/b "
			  "rw\n");
	assert_non_null(media_find(&media, "Live 2026"));
	assert_non_null(media_find(&media, "a\\b"));
	assert_null(media_find(&media, "Live"));
}

static void of_two_at_one_place_the_upper_counts(void **state)
{
	struct media media;

	(void)state;
	read_text(&media, "1 28 8:1 / /media/takebox/A rw - ext4 /dev/a rw\n"
			  "2 28 8:1 / /media/takebox/A rw - ext4 /dev/b rw\n");
	assert_int_equal(media_find(&media, "A")->id, 2);
}

static void nonsense_is_passed_over(void **state)
{
	struct media media;
	char *line = malloc(10000);

	(void)state;
	read_text(&media, "\n \n-\n - \nx y z\n1 2 3 4\n"
			  "1 28 8:1 / /media/takebox/A rw\n"
			  "1 28 8:1 / /media/takebox/B rw - ext4\n");
	assert_int_equal(media.count, 0);
	/* Longer than any path, or than a name. */
	snprintf(line, 10000, "1 28 8:1 / /media/takebox/%0*d rw - e /d rw\n",
		 9000, 0);
	read_text(&media, line);
	assert_int_equal(media.count, 0);
	snprintf(line, 10000, "1 28 8:1 / /media/takebox/%0*d rw - e /d rw\n",
		 MEDIA_NAME_MAX, 0);
	read_text(&media, line);
	assert_int_equal(media.count, 0);
	free(line);
}

static void of_too_many_the_newest_are_kept(void **state)
{
	struct media media;
	char text[4096] = "";

	(void)state;
	for (unsigned i = 1; i <= MEDIA_MAX + 3; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "%u 28 8:1 / /media/takebox/M%u rw - vfat /dev/x "
			 "rw\n",
			 i, i);
	read_text(&media, text);
	assert_int_equal(media.count, MEDIA_MAX);
	assert_int_equal(media.medium[0].id, 4);
	assert_int_equal(media_newest(&media, 0, "")->id, MEDIA_MAX + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_media_there_is_none),
		cmocka_unit_test(the_newest_is_the_one_mounted_last),
		cmocka_unit_test(
			a_medium_that_cannot_be_written_to_does_not_count),
		cmocka_unit_test(what_is_mounted_deeper_is_no_medium),
		cmocka_unit_test(names_are_read_as_they_are),
		cmocka_unit_test(of_two_at_one_place_the_upper_counts),
		cmocka_unit_test(nonsense_is_passed_over),
		cmocka_unit_test(of_too_many_the_newest_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
