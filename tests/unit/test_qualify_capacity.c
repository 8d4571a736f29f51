/*
 * qualify: how much room a medium really has, on fakes that wrap and fakes that
 * forget, in one file and in as many as it takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "qualify_case.h"
#include "take/qualify_capacity.h"
#include "transport/transport_private.h"

/* Where there is no room without writing to it. */
static int set_up_in_memory(void **unused)
{
	(void)unused;
	return set_up_in("/dev/shm");
}

static void test_a_fake_is_found(void **unused)
{
	struct qualify result;

	(void)unused;
	card.real = 20 * MIB;
	assert_int_equal(try_it(&result), 0);
	assert_int_equal(result.capacity, QUALIFY_FAKE);
	/* Its marks lie over each other: no more than it has come back. */
	assert_true(result.real_bytes <= card.real);
}

/* ---- what is free is more than one file may be long ---- */

#define FILE_BYTES (6 * MIB)
#define TO_MARK	   (20 * MIB) /* of 40 that are free: four files */

static void set_up_short_files(void)
{
	card.room = 2 * TO_MARK;
	card.file_bytes = FILE_BYTES;
}

static void test_marks_go_on_in_further_files(void **unused)
{
	struct qualify result;

	(void)unused;
	set_up_short_files();
	assert_int_equal(try_files(&result, FILE_BYTES), 0);
	assert_int_equal(result.capacity, QUALIFY_REAL);
	assert_int_equal(result.tried_bytes, TO_MARK);
	assert_int_equal(card.files, 4);
	assert_int_equal(card.too_long, 0);
	assert_names("", ". .. medium.json ");
}

static void test_a_fake_is_found_behind_the_first_file(void **unused)
{
	static const uint64_t real[] = {
		FILE_BYTES, /* each file lies over the first */
		FILE_BYTES + 2 * MIB,
		2 * FILE_BYTES + MIB,
		TO_MARK - MIB,
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(real) / sizeof(*real); i++) {
		struct qualify result;

		set_up_short_files();
		card.real = real[i];
		assert_int_equal(try_files(&result, FILE_BYTES), 0);
		assert_int_equal(result.capacity, QUALIFY_FAKE);
		assert_true(result.real_bytes <= card.real);
		assert_names("", ". .. medium.json ");
	}
}

static void test_a_fake_that_forgets_is_found_in_each_file(void **unused)
{
	struct qualify result;

	(void)unused;
	set_up_short_files();
	card.forgets = true;
	card.real = 2 * FILE_BYTES + MIB;
	assert_int_equal(try_files(&result, FILE_BYTES), 0);
	assert_int_equal(result.capacity, QUALIFY_FAKE);
	assert_in_range(result.real_bytes, card.real - MIB, card.real);
}

/* What it keeps is more than all marks that lie far apart. */
static void test_a_fake_with_a_cache_is_found(void **unused)
{
	struct qualify result;

	(void)unused;
	card.room = 192 * MIB;
	card.forgets = true;
	card.real = 20 * MIB;
	card.cache = 5 * MIB / 4096;
	assert_int_equal(try_it(&result), 0);
	assert_int_equal(result.capacity, QUALIFY_FAKE);
	assert_true(result.real_bytes <= card.real + card.cache * 4096);
}

static void test_how_long_a_file_may_be_is_found_out(void **unused)
{
	struct qualify result;

	(void)unused;
	set_up_short_files();
	assert_int_equal(try_files(&result, 0), 0);
	assert_int_equal(result.capacity, QUALIFY_REAL);
	assert_int_equal(result.tried_bytes, TO_MARK);
	assert_int_equal(card.files, 4);
	card.real = FILE_BYTES;
	assert_int_equal(try_files(&result, 0), 0);
	assert_int_equal(result.capacity, QUALIFY_FAKE);
}

/* The kernel refuses to give out the room, as past ext4's 16 TiB. */
static void test_how_long_a_file_may_be_is_found_out_by_the_room(void **unused)
{
	struct rlimit before, limit;
	struct qualify result;
	unsigned files;
	int error;

	(void)unused;
	set_up_short_files();
	card.file_bytes = 0;
	getrlimit(RLIMIT_FSIZE, &before);
	limit = (struct rlimit){FILE_BYTES, before.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	error = try_files(&result, 0);
	files = card.files;
	setrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(error, 0);
	assert_int_equal(result.capacity, QUALIFY_REAL);
	assert_int_equal(result.tried_bytes, TO_MARK);
	assert_in_range(files, 4, 8);
	assert_names("", ". .. medium.json ");
}

static bool goes_on(void *unused, const char *what, double share)
{
	(void)unused;
	(void)what;
	(void)share;
	return true;
}

/* There, room is given out at once, and written to when its end is. */
static void test_on_ntfs_it_is_written_all_over_or_not_at_all(void **unused)
{
	struct qualify result = {.filesystem = "ntfs3", .free_bytes = 8 * MIB};
	struct qualify_plan plan = {
		.storage = &storage,
		.max_file_bytes = UINT64_MAX,
		.progress = goes_on,
	};
	int dir = open(folder, O_RDONLY | O_DIRECTORY);

	(void)unused;
	assert_int_equal(qualify_try_capacity(&result, dir, &plan), 0);
	assert_int_equal(result.capacity, QUALIFY_UNTESTED);
	assert_int_equal(card.writes, 0);
	qualify_clear(dir, &storage);
	plan.all = true;
	assert_int_equal(qualify_try_capacity(&result, dir, &plan), 0);
	assert_int_equal(result.capacity, QUALIFY_REAL);
	assert_int_equal(card.writes, 4 * MIB / 4096);
	close(dir);
}

/* Others fill it meanwhile. */
static void test_a_part_is_not_all(void **unused)
{
	struct qualify result, again;
	char path[128];
	int dir;

	(void)unused;
	set_up_short_files();
	card.full = 2 * FILE_BYTES + MIB;
	assert_int_equal(try_files(&result, FILE_BYTES), 0);
	assert_int_equal(result.capacity, QUALIFY_PARTLY);
	assert_in_range(result.tried_bytes, card.full, card.full + 64 * 1024);
	snprintf(path, sizeof(path), "%s/Takebox", folder);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(qualify_read(&again, dir), 0);
	close(dir);
	assert_int_equal(again.capacity, QUALIFY_PARTLY);
	assert_int_equal(again.tried_bytes, result.tried_bytes);
	card.real = 2 * FILE_BYTES;
	assert_int_equal(try_files(&result, FILE_BYTES), 0);
	assert_int_equal(result.capacity, QUALIFY_FAKE);
}

/* What is free beside a trial is enough for REC with all there can be. */
static void test_the_largest_take_can_begin_meanwhile(void **unused)
{
	static struct transport transport;
	struct tape_facts facts = {.bits = 24, .rate = 192000};
	struct qualify result = {.free_bytes = 1 << 30};
	uint64_t left;

	(void)unused;
	transport.client.tape.facts = &facts;
	transport.track_count = CONFIG_CHANNELS_MAX;
	for (unsigned i = 0; i < CONFIG_CHANNELS_MAX; i++)
		transport.tracks[i].armed = true;
	left = result.free_bytes - qualify_room(&result);
	/* And for what the file system needs for the trial's own files. */
	assert_true(left >= transport_needed_bytes(&transport) + 8 * MIB);
	/* A small one is tried by half. */
	result.free_bytes = 250 * MIB;
	assert_int_equal(qualify_room(&result), 125 * MIB);
}

/* As long as one channel may be recorded into a file. */
static void test_files_that_are_written_end_in_time(void **unused)
{
	struct qualify result;
	struct qualify_plan plan = {
		.storage = &storage,
		.files = 2,
		.seconds = 3600,
		.max_file_bytes = MIB,
	};

	(void)unused;
	card.room = 8 * MIB;
	card.file_bytes = MIB;
	assert_int_equal(qualify_medium(&result, folder, &plan), 0);
	assert_true(result.bytes_per_second > 0);
	assert_int_equal(card.too_long, 0);
}

static bool dies_in_the_third_file(void *unused, const char *what, double share)
{
	(void)unused;
	(void)share;
	if (strcmp(what, "marking") == 0 && card.files == 3)
		raise(SIGKILL);
	return true;
}

static void test_what_was_cut_off_goes_with_the_next(void **unused)
{
	struct qualify_plan plan = {
		.storage = &storage,
		.files = 4,
		.seconds = 0.1,
		.all = true,
		.max_file_bytes = FILE_BYTES,
		.progress = dies_in_the_third_file,
	};
	struct qualify result;
	char path[128];
	pid_t child;
	int status;

	(void)unused;
	set_up_short_files();
	child = fork();
	if (child == 0)
		_exit(qualify_medium(&result, folder, &plan) != 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_names(".qualify", ". .. marks-000 marks-001 marks-002 ");
	snprintf(path, sizeof(path), "%s/Takebox/.qualify/marks", folder);
	close(open(path, O_WRONLY | O_CREAT, 0666)); /* as it once was called */
	card.room = 8 * MIB;			     /* one file is enough */
	assert_int_equal(try_files(&result, FILE_BYTES), 0);
	assert_int_equal(result.capacity, QUALIFY_REAL);
	assert_names("", ". .. medium.json ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define IN_MEMORY(name)                                                        \
	cmocka_unit_test_setup_teardown(name, set_up_in_memory, tear_down)
#define BOTH(name) TEST(name), IN_MEMORY(name)
	const struct CMUnitTest tests[] = {
		BOTH(test_a_fake_is_found),
		BOTH(test_marks_go_on_in_further_files),
		BOTH(test_a_fake_is_found_behind_the_first_file),
		BOTH(test_a_fake_that_forgets_is_found_in_each_file),
		BOTH(test_a_fake_with_a_cache_is_found),
		IN_MEMORY(test_how_long_a_file_may_be_is_found_out),
		BOTH(test_how_long_a_file_may_be_is_found_out_by_the_room),
		BOTH(test_a_part_is_not_all),
		TEST(test_on_ntfs_it_is_written_all_over_or_not_at_all),
		TEST(test_the_largest_take_can_begin_meanwhile),
		TEST(test_files_that_are_written_end_in_time),
		BOTH(test_what_was_cut_off_goes_with_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
