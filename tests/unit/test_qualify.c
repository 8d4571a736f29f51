/*
 * qualify: what is found out about a medium that is slow, or refuses, who may
 * interrupt it; and that nothing of others is touched. How much room there
 * really is: test_qualify_capacity.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "qualify_case.h"

static void test_a_good_one(void **unused)
{
	struct qualify result, again;
	char path[128];
	int dir;

	(void)unused;
	assert_int_equal(try_it(&result), 0);
	assert_int_equal(result.capacity, QUALIFY_REAL);
	assert_true(result.bytes_per_second > 0);
	assert_true(result.worst_seconds > 0);
	snprintf(path, sizeof(path), "%s/Takebox", folder);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(dir >= 0);
	assert_int_equal(qualify_read(&again, dir), 0);
	assert_string_equal(again.id, result.id);
	qualify_note_take(dir, 1.25);
	qualify_note_take(dir, 0.5);
	assert_int_equal(qualify_read(&again, dir), 0);
	assert_int_equal(again.takes, 2);
	assert_true(again.worst_in_takes == 1.25);
	assert_true(qualify_worst(&again) >= 1.25);
	close(dir);
}

static void test_a_stall_is_the_worst_round(void **unused)
{
	struct qualify result;

	(void)unused;
	card.slow_sync = 6;
	assert_int_equal(try_it(&result), 0);
	assert_true(result.worst_seconds >= 0.3);
}

static void test_one_that_refuses(void **unused)
{
	struct qualify result;

	(void)unused;
	card.fail_write = 5;
	assert_int_equal(try_it(&result), -EIO);
}

/* ---- what is not of a trial ---- */

static void test_what_is_of_others_stays(void **unused)
{
	struct qualify result;
	char path[128], names[256];
	FILE *file;

	(void)unused;
	snprintf(path, sizeof(path), "%s/photo.jpg", folder);
	file = fopen(path, "w");
	fputs("jpg", file);
	fclose(file);
	card.fail_write = 20; /* in the middle */
	try_it(&result);
	card.fail_write = 0;
	assert_int_equal(try_it(&result), 0);
	list(folder, names, sizeof(names));
	assert_string_equal(names, ". .. Takebox photo.jpg ");
	assert_names("", ". .. medium.json ");
}

/* An interruption, at each moment that there is to hear of it. */
static bool is_over(void *context, const char *what, double share)
{
	unsigned *calls = context;

	(void)what;
	(void)share;
	return --*calls > 0;
}

static void test_interrupted_it_leaves_nothing(void **unused)
{
	struct qualify result, again;
	char path[128];
	int dir, error = -ECANCELED;

	(void)unused;
	card.room = 4 * MIB;
	assert_int_equal(try_it(&result), 0);
	snprintf(path, sizeof(path), "%s/Takebox", folder);
	for (unsigned call = 1; error == -ECANCELED; call += 1 + call / 4) {
		unsigned calls = call;
		struct qualify_plan plan = {
			.storage = &storage,
			.files = 4,
			.seconds = 0.05,
			.all = true,
			.max_file_bytes = MIB, /* so there are two */
			.progress = is_over,
			.context = &calls,
		};

		error = qualify_medium(&again, folder, &plan);
		assert_names("", ". .. medium.json ");
		dir = open(path, O_RDONLY | O_DIRECTORY);
		assert_int_equal(qualify_read(&again, dir), 0);
		close(dir);
		if (error == -ECANCELED)
			assert_true(again.bytes_per_second ==
				    result.bytes_per_second);
	}
	assert_int_equal(error, 0);
}

static void test_no_room_is_no_verdict(void **unused)
{
	struct qualify result;

	(void)unused;
	card.room = 300000;
	assert_int_equal(try_it(&result), -ENOSPC);
}

static void test_a_take_that_runs_keeps_its_room(void **unused)
{
	struct qualify result;
	char path[128];
	int dir;

	(void)unused;
	snprintf(path, sizeof(path), "%s/Takebox", folder);
	mkdir(path, 0777);
	strcat(path, "/Show");
	mkdir(path, 0777);
	strcat(path, "/Take-001");
	mkdir(path, 0777);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(dir, LOCK_EX), 0);
	assert_int_equal(try_it(&result), -EBUSY);
	assert_int_equal(card.writes, 0);
	close(dir);
	assert_int_equal(try_it(&result), 0);
}

struct beginning {
	const char *at; /* what is told then */
	int take;	/* its folder; 0: not yet */
};

static bool take_begins(void *context, const char *what, double share)
{
	struct beginning *beginning = context;
	char path[128];

	(void)share;
	if (beginning->take || strcmp(what, beginning->at) != 0)
		return true;
	snprintf(path, sizeof(path), "%s/Takebox/Show", folder);
	mkdir(path, 0777);
	strcat(path, "/Take-001");
	mkdir(path, 0777);
	beginning->take = open(path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(beginning->take, LOCK_EX), 0);
	usleep(300000); /* longer than it does not look */
	return true;
}

static void test_a_take_that_begins_gets_the_room(void **unused)
{
	static const char *const phase[] = {"writing", "marking"};

	(void)unused;
	for (unsigned i = 0; i < 2; i++) {
		struct qualify result;
		struct beginning beginning = {.at = phase[i]};
		struct qualify_plan plan = {
			.storage = &storage,
			.files = 4,
			.seconds = 0.6,
			.all = true,
			.progress = take_begins,
			.context = &beginning,
		};

		assert_int_equal(qualify_medium(&result, folder, &plan),
				 -EBUSY);
		assert_names("", ". .. Show ");
		close(beginning.take);
	}
}

struct second {
	const char *at; /* what is told then */
	int error;	/* of the second trial; 1: not yet */
};

static bool another_begins(void *context, const char *what, double share)
{
	struct second *second = context;
	struct qualify result;

	(void)share;
	if (second->error == 1 && strcmp(what, second->at) == 0)
		second->error = try_it(&result);
	return true;
}

static void test_two_do_not_try_it_at_once(void **unused)
{
	static const char *const phase[] = {"writing", "marking",
					    "reading the marks"};

	(void)unused;
	card.room = 8 * MIB;
	for (unsigned i = 0; i < 3; i++) {
		struct qualify result;
		struct second second = {.at = phase[i], .error = 1};
		struct qualify_plan plan = {
			.storage = &storage,
			.files = 4,
			.seconds = 0.1,
			.all = true,
			.progress = another_begins,
			.context = &second,
		};

		assert_int_equal(qualify_medium(&result, folder, &plan), 0);
		assert_int_equal(second.error, -EALREADY);
		assert_int_equal(result.capacity, QUALIFY_REAL);
		assert_names("", ". .. medium.json ");
	}
}

/* What is torn is not known; what cannot be read might be. */
static void test_unread_is_not_unknown(void **unused)
{
	struct qualify result;
	char path[128], file[160];
	int dir;

	(void)unused;
	card.room = 8 * MIB;
	assert_int_equal(try_it(&result), 0);
	snprintf(path, sizeof(path), "%s/Takebox", folder);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(qualify_read(&result, dir), 0);
	snprintf(file, sizeof(file), "%s/medium.json", path);
	assert_int_equal(truncate(file, 40), 0);
	assert_int_equal(qualify_read(&result, dir), -ENOENT);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(qualify_read(&result, dir), -ENOENT);
	assert_int_equal(mkdir(file, 0777), 0);
	assert_int_equal(qualify_read(&result, dir), -EISDIR);
	close(dir);
}

/* Whatever else may have its name on a medium of others. */
static void test_what_is_none_of_ours_is_not_waited_for(void **unused)
{
	struct qualify result = {.id = "of another"};
	char path[128], file[160];
	int dir;

	(void)unused;
	snprintf(path, sizeof(path), "%s/Takebox", folder);
	mkdir(path, 0777);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	snprintf(file, sizeof(file), "%s/medium.json", path);
	assert_int_equal(mkfifo(file, 0666), 0);
	alarm(10); /* and dies then */
	assert_int_equal(qualify_read(&result, dir), -ENOENT);
	assert_int_equal(qualify_write(&result, dir), -ENXIO);
	alarm(0);
	assert_int_equal(unlink(file), 0);
	close(open(file, O_WRONLY | O_CREAT, 0666));
	assert_int_equal(truncate(file, 1 << 30), 0);
	assert_int_equal(qualify_read(&result, dir), -ENOENT);
	close(dir);
}

static void test_channels_and_time(void **unused)
{
	struct qualify result = {.bytes_per_second = 6e6,
				 .free_bytes = 86400000};

	(void)unused;
	assert_int_equal(qualify_channels(&result, 48000), 20);
	assert_true(qualify_seconds_left(&result, 10, 48000) == 100);
	result.capacity = QUALIFY_FAKE;
	result.real_bytes = 8640000;
	assert_true(qualify_seconds_left(&result, 10, 48000) == 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_a_good_one),
		TEST(test_a_stall_is_the_worst_round),
		TEST(test_one_that_refuses),
		TEST(test_what_is_of_others_stays),
		TEST(test_interrupted_it_leaves_nothing),
		TEST(test_no_room_is_no_verdict),
		TEST(test_a_take_that_runs_keeps_its_room),
		TEST(test_a_take_that_begins_gets_the_room),
		TEST(test_two_do_not_try_it_at_once),
		TEST(test_unread_is_not_unknown),
		TEST(test_what_is_none_of_ours_is_not_waited_for),
		TEST(test_channels_and_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
