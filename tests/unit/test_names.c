/*
 * names: safe spellings, and folders that are made in a real folder of the
 * test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "take/names.h"

static char path[64];
static int folder_fd;
static char out[NAMES_FOLDER_MAX];

/* 2026-11-21 12:00 UTC: the same day in all time zones but the outermost. */
static const struct names_clock set_clock = {1795262400, true};
static const struct names_clock unset_clock = {1795262400, false};

static int set_up(void **state)
{
	(void)state;
	strcpy(path, "/tmp/test_names.XXXXXX");
	assert_non_null(mkdtemp(path));
	folder_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder_fd >= 0);
	return 0;
}

static int remove_one(const char *name, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(name);
}

static int tear_down(void **state)
{
	(void)state;
	close(folder_fd);
	return nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void make(const char *name)
{
	assert_int_equal(mkdirat(folder_fd, name, 0777), 0);
}

static bool exists(const char *name)
{
	return faccessat(folder_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static const char *create_take(const char *given)
{
	assert_int_equal(
		names_create_take(folder_fd, given, 0, out, sizeof(out)), 0);
	assert_true(exists(out));
	return out;
}

static const char *create_session(const char *given,
				  const struct names_clock *clock)
{
	assert_int_equal(names_create_session_at(folder_fd, given, clock, out,
						 sizeof(out)),
			 0);
	assert_true(exists(out));
	return out;
}

static void a_safe_name_is_what_one_would_type(void **state)
{
	static const char *const pairs[][2] = {
		{"Kick", "Kick"},
		{"Kick/in: \"Ä\"", "Kick-in-A"},
		{"Kick_in", "Kick-in"},
		{"  Bass   DI  ", "Bass-DI"},
		{"Tom #2", "Tom-2"},
		{"Vox 2.1", "Vox-2.1"},
		{"Don't stop", "Dont-stop"},
		{"Größe süß", "Grosse-suss"},
		{"Æther Œuvre Þór", "AEther-OEuvre-Thor"},
		{"Łódź Dvořák Şahin Țară", "Lodz-Dvorak-Sahin-Tara"},
		{"A\xcc\x88rger", "Arger"}, /* combining, as macOS has it */
		{"Chœur – “live”", "Choeur-live"},
		{"../../etc/passwd", "etc-passwd"},
		{"-rf", "rf"},
		{".hidden.", "hidden"},
		{"a . b", "a-b"},
		{"a.. b", "a-b"},
		{"line\nbreak\ttab", "line-break-tab"},
		{"bad\xff\xfe"
		 "bytes",
		 "bad-bytes"},
		{"a\\b:c*d?e<f>g|h", "a-b-c-d-e-f-g-h"},
		{"Kick声Snare", "Kick-Snare"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		int length = names_safe(out, sizeof(out), pairs[i][0]);

		assert_string_equal(out, pairs[i][1]);
		assert_int_equal(length, strlen(out));
	}
}

static void a_safe_name_is_never_empty(void **state)
{
	static const char *const names[] = {"", " ", "...", "声", "/", "'"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		names_safe(out, sizeof(out), names[i]);
		assert_string_equal(out, "Unnamed");
	}
}

static void names_of_devices_are_avoided(void **state)
{
	static const char *const pairs[][2] = {
		{"CON", "X-CON"},   {"nul", "X-nul"},	{"Aux.5", "X-Aux.5"},
		{"com1", "X-com1"}, {"LPT9", "X-LPT9"}, {"Aux 1", "Aux-1"},
		{"CONGA", "CONGA"}, {"COM", "COM"},	{"COM12", "COM12"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		names_safe(out, sizeof(out), pairs[i][0]);
		assert_string_equal(out, pairs[i][1]);
	}
}

static void long_names_are_cut_to_forty(void **state)
{
	char name[301];

	(void)state;
	memset(name, 'a', 300);
	name[300] = '\0';
	assert_int_equal(names_safe(out, sizeof(out), name), NAMES_SAFE_MAX);
	name[38] = ' ';
	name[39] = '/';
	assert_int_equal(names_safe(out, sizeof(out), name), 40);
	memcpy(name, "con.", 4);
	assert_int_equal(names_safe(out, sizeof(out), name), 40);
	assert_memory_equal(out, "X-con.", 6);
	memset(name + 39, '-', 261);
	assert_int_equal(names_safe(out, sizeof(out), name + 2), 36);
	assert_int_equal(names_safe(out, NAMES_SAFE_MAX, "a"), -ENOSPC);
}

/* Every two-byte name and a few longer ones from the bytes that matter. */
static void any_bytes_give_a_legal_name(void **state)
{
	char name[8] = "";
	size_t length;

	(void)state;
	for (unsigned i = 0x0101; i <= 0xffff; i++) {
		name[0] = (char)(i >> 8);
		name[1] = (char)(i & 0xff);
		memcpy(name + 2, i & 1 ? ".\xc3" : " a.", 3);
		length = (size_t)names_safe(out, sizeof(out), name);
		assert_in_range(length, 1, NAMES_SAFE_MAX);
		assert_int_equal(strlen(out), length);
		assert_true(isalnum((unsigned char)out[0]));
		assert_true(isalnum((unsigned char)out[length - 1]));
		for (size_t at = 0; at < length; at++)
			assert_true(isalnum((unsigned char)out[at]) ||
				    strchr("-.", out[at]));
	}
}

static void track_files_carry_number_and_part(void **state)
{
	(void)state;
	assert_int_equal(names_track_file(out, sizeof(out), 1, "Kick/in", 1),
			 0);
	assert_string_equal(out, "01-Kick-in.flac");
	assert_int_equal(names_track_file(out, sizeof(out), 64, "Kick_2", 3),
			 0);
	assert_string_equal(out, "64-Kick-2_3.flac");
	assert_int_equal(names_track_file(out, 8, 64, "Kick", 1), -ENOSPC);
}

static void equal_track_names_stay_apart_by_number(void **state)
{
	char other[NAMES_FILE_MAX];

	(void)state;
	names_track_file(out, sizeof(out), 1, "Vox Ä", 1);
	names_track_file(other, sizeof(other), 2, "vox a", 1);
	assert_string_equal(out, "01-Vox-A.flac");
	assert_string_equal(other, "02-vox-a.flac");
}

static void takes_are_numbered_from_one(void **state)
{
	(void)state;
	assert_string_equal(create_take(NULL), "Take-001");
	assert_string_equal(create_take(""), "Take-002");
	assert_string_equal(create_take("Blue Moon"), "Take-003-Blue-Moon");
	assert_string_equal(create_take(NULL), "Take-004");
}

static void the_next_number_follows_the_highest_there_is(void **state)
{
	(void)state;
	make("Take-007-Blue-Moon");
	make("take-011 circled");
	make("Take-20261121");
	make("Take-x");
	make("Take-");
	make("Retake-500");
	assert_string_equal(create_take(NULL), "Take-012");
	make("Take-1500");
	assert_string_equal(create_take(NULL), "Take-1501");
}

static void the_number_of_a_deleted_take_is_not_given_again(void **state)
{
	(void)state;
	create_take(NULL);
	create_take("x");
	assert_int_equal(unlinkat(folder_fd, "Take-001", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(folder_fd, "Take-002-x", AT_REMOVEDIR), 0);
	assert_string_equal(create_take(NULL), "Take-003");
}

static void one_mark_of_the_last_number_is_kept(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		create_take(NULL);
	assert_false(exists(".last-001"));
	assert_false(exists(".last-002"));
	assert_true(exists(".last-003"));
}

/* As after a power cut that came between claim and folder. */
static void a_claim_without_a_take_costs_a_number_only(void **state)
{
	(void)state;
	make("Take-001");
	close(openat(folder_fd, ".last-002", O_CREAT | O_WRONLY, 0666));
	assert_string_equal(create_take(NULL), "Take-003");
}

static void a_take_can_be_made_without_the_mark(void **state)
{
	(void)state;
	create_take(NULL);
	assert_int_equal(unlinkat(folder_fd, ".last-001", 0), 0);
	assert_string_equal(create_take(NULL), "Take-002");
}

static void a_file_in_the_way_is_left_alone(void **state)
{
	(void)state;
	close(openat(folder_fd, "Take-001", O_CREAT | O_WRONLY, 0666));
	assert_string_equal(create_take(NULL), "Take-002");
}

static void a_medium_that_cannot_be_written_is_an_error(void **state)
{
	int fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_true(names_create_take(fd, NULL, 0, out, sizeof(out)) < 0);
	assert_int_equal(names_create_take(-1, NULL, 0, out, sizeof(out)),
			 -EBADF);
	close(fd);
}

static void a_small_buffer_is_refused_before_anything_is_made(void **state)
{
	(void)state;
	assert_int_equal(names_create_take(folder_fd, NULL, 0, out, 63),
			 -ENOSPC);
	assert_int_equal(names_create_session(folder_fd, "x", out, 63),
			 -ENOSPC);
	assert_false(exists("Take-001"));
	assert_false(exists("x"));
}

#define RACERS 4
#define RACES  25

struct racer {
	pthread_t thread;
	char name[16];
	unsigned number[RACES];
};

static void *race(void *context)
{
	struct racer *racer = context;
	char name[NAMES_FOLDER_MAX];

	for (int i = 0; i < RACES; i++) {
		if (names_create_take(folder_fd, racer->name, 0, name,
				      sizeof(name)) < 0)
			return NULL;
		racer->number[i] = names_take_number(name);
	}
	return NULL;
}

static void recorders_side_by_side_never_share_a_number(void **state)
{
	struct racer racers[RACERS] = {0};
	bool seen[10000] = {false};

	(void)state;
	for (int i = 0; i < RACERS; i++) {
		snprintf(racers[i].name, sizeof(racers[i].name), "racer%d", i);
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race,
						&racers[i]),
				 0);
	}
	for (int i = 0; i < RACERS; i++)
		pthread_join(racers[i].thread, NULL);
	for (int i = 0; i < RACERS * RACES; i++) {
		unsigned number = racers[i / RACES].number[i % RACES];

		assert_in_range(number, 1, 9999);
		assert_false(seen[number]);
		seen[number] = true;
	}
}

static void take_numbers_are_read_from_folders(void **state)
{
	(void)state;
	assert_int_equal(names_take_number("Take-003"), 3);
	assert_int_equal(names_take_number("Take-003-Blue-Moon"), 3);
	assert_int_equal(names_take_number("Take-1234"), 1234);
	assert_int_equal(names_take_number("Take-"), 0);
	assert_int_equal(names_take_number("Session-0001"), 0);
	assert_int_equal(names_take_number(".last-003"), 0);
	assert_int_equal(names_take_number("Take-99999999999999999999"), 0);
}

static void a_session_is_dated_when_the_clock_is_set(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	assert_string_equal(create_session(NULL, &set_clock), "2026-11-21");
	assert_string_equal(create_session("", &set_clock), "2026-11-21");
}

static void a_session_is_numbered_when_it_is_not(void **state)
{
	(void)state;
	assert_string_equal(create_session(NULL, &unset_clock), "Session-0001");
	make("Session-0006-old");
	assert_string_equal(create_session(NULL, &unset_clock), "Session-0007");
	assert_int_equal(unlinkat(folder_fd, "Session-0007", AT_REMOVEDIR), 0);
	assert_string_equal(create_session(NULL, &unset_clock), "Session-0008");
}

static void a_named_session_is_gone_on_with(void **state)
{
	(void)state;
	assert_string_equal(create_session("Böhm live", &set_clock),
			    "Bohm-live");
	assert_string_equal(create_session("böhm LIVE", &unset_clock),
			    "Bohm-live");
	assert_false(exists("bohm-LIVE"));
}

static void what_is_no_folder_is_no_session(void **state)
{
	(void)state;
	close(openat(folder_fd, "gig", O_CREAT | O_WRONLY, 0666));
	assert_int_equal(
		names_create_session(folder_fd, "gig", out, sizeof(out)),
		-ENOTDIR);
	assert_int_equal(symlinkat("/etc", folder_fd, "away"), 0);
	assert_int_equal(
		names_create_session(folder_fd, "away", out, sizeof(out)),
		-ENOTDIR);
}

static void an_impossible_time_is_never_a_set_clock(void **state)
{
	struct names_clock clock = names_read_clock();

	(void)state;
	assert_true(clock.now > 0);
	assert_true(!clock.set || clock.now >= NAMES_CLOCK_MIN_S);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_safe_name_is_what_one_would_type),
		cmocka_unit_test(a_safe_name_is_never_empty),
		cmocka_unit_test(names_of_devices_are_avoided),
		cmocka_unit_test(long_names_are_cut_to_forty),
		cmocka_unit_test(any_bytes_give_a_legal_name),
		cmocka_unit_test(track_files_carry_number_and_part),
		cmocka_unit_test(equal_track_names_stay_apart_by_number),
		CASE(takes_are_numbered_from_one),
		CASE(the_next_number_follows_the_highest_there_is),
		CASE(the_number_of_a_deleted_take_is_not_given_again),
		CASE(one_mark_of_the_last_number_is_kept),
		CASE(a_claim_without_a_take_costs_a_number_only),
		CASE(a_take_can_be_made_without_the_mark),
		CASE(a_file_in_the_way_is_left_alone),
		CASE(a_medium_that_cannot_be_written_is_an_error),
		CASE(a_small_buffer_is_refused_before_anything_is_made),
		CASE(recorders_side_by_side_never_share_a_number),
		cmocka_unit_test(take_numbers_are_read_from_folders),
		CASE(a_session_is_dated_when_the_clock_is_set),
		CASE(a_session_is_numbered_when_it_is_not),
		CASE(a_named_session_is_gone_on_with),
		CASE(what_is_no_folder_is_no_session),
		cmocka_unit_test(an_impossible_time_is_never_a_set_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
