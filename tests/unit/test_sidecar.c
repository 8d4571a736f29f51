/*
 * sidecar: what Audacity and REAPER are given to read. The REAPER project is
 * read back by a small reader of its quoting and nesting rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "take/sidecar.h"

static const struct sidecar_file kick[] = {{"01-Kick.flac", 0, 480000}};
static const struct sidecar_file bass[] = {
	{"02-Bass.flac", 0, 300000},
	{"02-Bass_2.flac", 300000, 180000},
};
static const struct sidecar_track tracks[] = {
	{1, "Kick", kick, 1},
	{2, "Bass \"DI\"", bass, 2},
};
static const struct sidecar_marker markers[] = {
	{48000, "Verse"},
	{100001, NULL},
	{479999, "tab\there\nand \"quotes\", 'all' `three`"},
};
static const struct sidecar_gap gaps[] = {
	{96000, 512, "late read"},
	{200000, 1, NULL},
};
static const struct sidecar whole = {
	.session = "2026-11-21",
	.take = "Take-003",
	.artist = "The \"Böhms\"",
	.date = "2026-11-21T20:15:00+01:00",
	.folder = "Take-003",
	.rate = 48000,
	.bits = 24,
	.frames = 480000,
	.tracks = tracks,
	.track_count = 2,
	.markers = markers,
	.marker_count = 3,
	.gaps = gaps,
	.gap_count = 2,
};

static char *text;
static size_t size;

static int free_text(void **state)
{
	(void)state;
	free(text);
	text = NULL;
	return 0;
}

static void labels_have_start_end_and_text(void **state)
{
	(void)state;
	assert_int_equal(sidecar_make_labels(&whole, &text, &size), 0);
	assert_string_equal(
		text,
		"1.000000000\t1.000000000\tVerse\n"
		"2.083354167\t2.083354167\tMarker 2\n"
		"9.999979167\t9.999979167\ttab here and \"quotes\", 'all' "
		"`three`\n"
		"2.000000000\t2.010666667\tGap: 512 frames, late read\n"
		"4.166666667\t4.166687500\tGap: 1 frame\n");
	assert_int_equal(size, strlen(text));
}

static void a_take_without_markers_has_no_labels(void **state)
{
	const struct sidecar empty = {.rate = 48000};

	(void)state;
	assert_int_equal(sidecar_make_labels(&empty, &text, &size), 0);
	assert_string_equal(text, "");
}

/* Frames to seconds and back, where rounding is hardest. */
static void seconds_name_the_very_frame(void **state)
{
	static const unsigned rates[] = {44100, 48000, 96000, 192000, 44099};
	struct sidecar_marker marker = {0, "m"};
	struct sidecar one = {.markers = &marker, .marker_count = 1};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		one.rate = rates[i];
		for (uint64_t day = 0; day < 2; day++) {
			marker.position = day * 86400 * rates[i] + rates[i] - 1;
			free(text);
			assert_int_equal(
				sidecar_make_labels(&one, &text, &size), 0);
			assert_int_equal(
				(uint64_t)(strtod(text, NULL) * rates[i] + 0.5),
				marker.position);
		}
	}
}

/* A word of a REAPER line: bare, or in one of three quotes. */
static char *next_word(char **at)
{
	char *start = *at + strspn(*at, " ");
	char end = strchr("\"'`", *start) && *start ? *start++ : ' ';
	char *stop = strchr(start, end);

	if (stop)
		*stop++ = '\0';
	else
		stop = start + strlen(start);
	*at = stop;
	return start;
}

/* The nth line that begins with key, as up to 6 words. */
static bool find_line(const char *key, int n, char *words[6])
{
	static char copy[8192], *line;
	char *rest = copy;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((line = strsep(&rest, "\n")) != NULL) {
		for (int i = 0; i < 6; i++)
			words[i] = next_word(&line);
		if (strcmp(words[0], key) == 0 && n-- == 0)
			return true;
	}
	return false;
}

static void expect_line(const char *key, int n, const char *a, const char *b,
			const char *c, const char *d)
{
	const char *expected[] = {key, a, b, c, d};
	char *words[6];

	assert_true(find_line(key, n, words));
	for (int i = 1; i < 5 && expected[i]; i++)
		assert_string_equal(words[i], expected[i]);
}

static void make_reaper(void)
{
	assert_int_equal(sidecar_make_reaper(&whole, &text, &size), 0);
	assert_int_equal(size, strlen(text));
}

static void a_project_has_a_track_for_each_track(void **state)
{
	char *words[6];

	(void)state;
	make_reaper();
	assert_int_equal(strncmp(text, "<REAPER_PROJECT 0.1 ", 20), 0);
	assert_true(find_line("<TRACK", 1, words));
	assert_false(find_line("<TRACK", 2, words));
	expect_line("SAMPLERATE", 0, "48000", "1", "0", NULL);
	expect_line("TEMPO", 0, "120", "4", "4", NULL);
	expect_line("NAME", 0, "Kick", NULL, NULL, NULL);
	expect_line("NAME", 2, "Bass \"DI\"", NULL, NULL, NULL);
}

static void items_stand_where_their_files_begin(void **state)
{
	(void)state;
	make_reaper();
	expect_line("POSITION", 0, "0.000000000", NULL, NULL, NULL);
	expect_line("LENGTH", 0, "10.000000000", NULL, NULL, NULL);
	expect_line("FILE", 0, "01-Kick.flac", NULL, NULL, NULL);
	expect_line("LENGTH", 1, "6.250000000", NULL, NULL, NULL);
	expect_line("FILE", 1, "02-Bass.flac", NULL, NULL, NULL);
	expect_line("POSITION", 2, "6.250000000", NULL, NULL, NULL);
	expect_line("LENGTH", 2, "3.750000000", NULL, NULL, NULL);
	expect_line("FILE", 2, "02-Bass_2.flac", NULL, NULL, NULL);
	expect_line("LOOP", 2, "0", NULL, NULL, NULL);
}

static void markers_and_gaps_are_in_the_project(void **state)
{
	(void)state;
	make_reaper();
	expect_line("MARKER", 0, "1", "1.000000000", "Verse", "0");
	expect_line("MARKER", 1, "2", "2.083354167", "Marker 2", "0");
	expect_line("MARKER", 2, "3", "9.999979167",
		    "tab here and \"quotes\", 'all' 'three'", "0");
	expect_line("MARKER", 3, "1", "2.000000000",
		    "Gap: 512 frames, late read", "1");
	expect_line("MARKER", 4, "1", "2.010666667", "", "1");
	expect_line("MARKER", 5, "2", "4.166666667", "Gap: 1 frame", "1");
}

static void every_bracket_is_closed(void **state)
{
	int depth = 0;

	(void)state;
	make_reaper();
	for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;) {
		line += strspn(line, " ");
		depth += *line == '<';
		depth -= strcmp(line, ">") == 0;
		assert_true(depth > 0 || !rest || !*rest);
	}
	assert_int_equal(depth, 0);
}

/* A name that would close the project and open another. */
static void no_name_can_break_out_of_its_line(void **state)
{
	struct sidecar_track track = {1, "x\"\n>\n<TRACK\r\n\"", kick, 1};
	struct sidecar evil = whole;
	char *words[6];

	(void)state;
	evil.tracks = &track;
	evil.track_count = 1;
	evil.session = "a\n>\n<TRACK";
	evil.artist = "\n>";
	assert_int_equal(sidecar_make_reaper(&evil, &text, &size), 0);
	assert_true(find_line("<TRACK", 0, words));
	assert_false(find_line("<TRACK", 1, words));
	expect_line("NAME", 0, "x\" > <TRACK  \"", NULL, NULL, NULL);
}

static void a_rate_of_zero_is_refused(void **state)
{
	const struct sidecar none = {.folder = "Take-001"};

	(void)state;
	assert_int_equal(sidecar_make_labels(&none, &text, &size), -EINVAL);
	assert_int_equal(sidecar_make_reaper(&none, &text, &size), -EINVAL);
}

static char path[64];
static int take_fd;

static int make_folder(void **state)
{
	(void)state;
	strcpy(path, "/tmp/test_sidecar.XXXXXX");
	if (!mkdtemp(path))
		return -1;
	take_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return take_fd < 0;
}

static int remove_one(const char *name, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(name);
}

static int remove_folder(void **state)
{
	free_text(state);
	close(take_fd);
	return nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void assert_file(const char *name)
{
	char content[8192];
	int fd = openat(take_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, content, sizeof(content));
	close(fd);
	assert_int_equal(n, size);
	assert_memory_equal(content, text, size);
}

/* A longer file of the same name must not shine through. */
static void both_files_are_written_anew(void **state)
{
	char filler[6000];
	int fd = openat(take_fd, "labels.txt", O_WRONLY | O_CREAT, 0666);

	(void)state;
	memset(filler, 'x', sizeof(filler));
	assert_int_equal(write(fd, filler, sizeof(filler)), sizeof(filler));
	close(fd);
	assert_int_equal(sidecar_write(take_fd, &whole), 0);
	assert_int_equal(sidecar_make_labels(&whole, &text, &size), 0);
	assert_file("labels.txt");
	free(text);
	make_reaper();
	assert_file("Take-003.rpp");
}

static void a_folder_name_is_no_path(void **state)
{
	struct sidecar bad = whole;
	char name[400];

	(void)state;
	bad.folder = "../x";
	assert_int_equal(sidecar_write(take_fd, &bad), -EINVAL);
	bad.folder = "";
	assert_int_equal(sidecar_write(take_fd, &bad), -EINVAL);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	bad.folder = name;
	assert_int_equal(sidecar_write(take_fd, &bad), -EINVAL);
}

static void a_link_in_the_place_of_a_file_is_not_followed(void **state)
{
	char target[128];

	(void)state;
	snprintf(target, sizeof(target), "%s/target", path);
	assert_int_equal(symlinkat(target, take_fd, "labels.txt"), 0);
	assert_int_equal(sidecar_write(take_fd, &whole), 0);
	assert_int_equal(access(target, F_OK), -1);
}

static void a_failing_medium_is_reported(void **state)
{
	(void)state;
	assert_int_equal(sidecar_write(-1, &whole), -EBADF);
}

#define CASE(name) cmocka_unit_test_teardown(name, free_text)
#define FOLDER_CASE(name)                                                      \
	cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(labels_have_start_end_and_text),
		CASE(a_take_without_markers_has_no_labels),
		CASE(seconds_name_the_very_frame),
		CASE(a_project_has_a_track_for_each_track),
		CASE(items_stand_where_their_files_begin),
		CASE(markers_and_gaps_are_in_the_project),
		CASE(every_bracket_is_closed),
		CASE(no_name_can_break_out_of_its_line),
		CASE(a_rate_of_zero_is_refused),
		FOLDER_CASE(both_files_are_written_anew),
		FOLDER_CASE(a_folder_name_is_no_path),
		FOLDER_CASE(a_link_in_the_place_of_a_file_is_not_followed),
		FOLDER_CASE(a_failing_medium_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
