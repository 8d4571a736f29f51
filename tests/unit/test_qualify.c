/*
 * qualify: what is found out about a medium, on one that is slow, one that is
 * a fake, one that refuses; and that nothing of others is touched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "take/qualify.h"

#define MIB	  (1u << 20)
#define FDS_MAX	  128
#define FILES_MAX 32

/* A fake: what is written behind its end lies over all that it has before at
 * that place, as it comes back. */
static struct {
	uint64_t room, real; /* that it says, and that it has; 0: as much */
	uint64_t full;	     /* where no more marks go in; 0: never */
	bool forgets; /* what is behind its end, and says that it is there */
	uint64_t file_bytes; /* where a file ends; 0: never */
	unsigned too_long;   /* refused for that */
	unsigned files;	     /* of marks */
	int number[FDS_MAX]; /* of the file behind an fd; -1: of none */
	int held[FILES_MAX]; /* an fd of each of them */
	unsigned slow_sync, fail_write, writes;
	_Atomic unsigned syncs; /* several at a time */
} card;

static char folder[64];

static int card_open(int dir, const char *name, int create)
{
	int file = storage_posix.open(dir, name, create);
	int number = -1;

	if (file < 0)
		return file;
	assert_in_range(file, 0, FDS_MAX - 1);
	if (sscanf(name, "marks-%d", &number) == 1) {
		assert_in_range(number, 0, FILES_MAX - 1);
		if (card.held[number] > 0)
			close(card.held[number]);
		card.held[number] = dup(file);
		if ((unsigned)number >= card.files)
			card.files = (unsigned)number + 1;
	}
	card.number[file] = number;
	return file;
}

static int write_mark(int file, const void *data, size_t size, uint64_t offset)
{
	uint64_t each = card.file_bytes ? card.file_bytes : UINT64_MAX;
	uint64_t before = card.file_bytes * (unsigned)card.number[file];
	uint64_t place = before + offset;
	int error = 0;

	if (card.full && place >= card.full)
		return -ENOSPC;
	if (card.forgets && place >= card.real)
		return 0;
	if (!card.real || card.forgets)
		return storage_posix.write(file, data, size, offset);
	for (uint64_t p = place % card.real; p <= place; p += card.real)
		error = error ? error
			      : storage_posix.write(card.held[p / each], data,
						    size, p % each);
	return error;
}

static int card_write(int file, const void *data, size_t size, uint64_t offset)
{
	if (++card.writes == card.fail_write)
		return -EIO;
	if (card.file_bytes && offset + size > card.file_bytes) {
		card.too_long++;
		return -EFBIG;
	}
	return card.number[file] < 0
		       ? storage_posix.write(file, data, size, offset)
		       : write_mark(file, data, size, offset);
}

static int card_sync(int file)
{
	if (++card.syncs == card.slow_sync)
		usleep(300000);
	return storage_posix.sync(file);
}

static int card_space(int dir, uint64_t *bytes)
{
	(void)dir;
	*bytes = card.room;
	return 0;
}

static struct storage storage;

static int set_up_in(const char *where)
{
	storage = storage_posix;
	storage.open = card_open;
	storage.write = card_write;
	storage.sync = card_sync;
	storage.space = card_space;
	memset(&card, 0, sizeof(card));
	card.room = 96 * MIB;
	snprintf(folder, sizeof(folder), "%s/qualify-XXXXXX", where);
	return mkdtemp(folder) ? 0 : -1;
}

static int set_up(void **unused)
{
	(void)unused;
	return set_up_in("/tmp");
}

/* Where there is no room without writing to it. */
static int set_up_in_memory(void **unused)
{
	(void)unused;
	return set_up_in("/dev/shm");
}

static int tear_down(void **unused)
{
	char command[128];

	(void)unused;
	for (unsigned i = 0; i < FILES_MAX; i++)
		if (card.held[i] > 0)
			close(card.held[i]);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static int try_files(struct qualify *result, uint64_t max_file_bytes)
{
	struct qualify_plan plan = {
		.storage = &storage,
		.files = 4,
		.seconds = 0.5,
		.all = true,
		.max_file_bytes = max_file_bytes,
	};

	return qualify_medium(result, folder, &plan);
}

static int try_it(struct qualify *result)
{
	return try_files(result, 0);
}

/* Names below path, sorted, in one string. */
static void list(const char *path, char *out, size_t size)
{
	struct dirent **entry;
	int count = scandir(path, &entry, NULL, alphasort);

	out[0] = '\0';
	for (int i = 0; i < count; i++) {
		strncat(out, entry[i]->d_name, size - strlen(out) - 2);
		strcat(out, " ");
		free(entry[i]);
	}
	free(entry);
}

/* In Takebox, or in a folder there. */
static void assert_names(const char *below, const char *names)
{
	char path[128], found[256];

	snprintf(path, sizeof(path), "%s/Takebox/%s", folder, below);
	list(path, found, sizeof(found));
	assert_string_equal(found, names);
}

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
#define IN_MEMORY(name)                                                        \
	cmocka_unit_test_setup_teardown(name, set_up_in_memory, tear_down)
#define BOTH(name) TEST(name), IN_MEMORY(name)
	const struct CMUnitTest tests[] = {
		TEST(test_a_good_one),
		BOTH(test_a_fake_is_found),
		TEST(test_a_stall_is_the_worst_round),
		TEST(test_one_that_refuses),
		BOTH(test_marks_go_on_in_further_files),
		BOTH(test_a_fake_is_found_behind_the_first_file),
		BOTH(test_a_fake_that_forgets_is_found_in_each_file),
		IN_MEMORY(test_how_long_a_file_may_be_is_found_out),
		BOTH(test_a_part_is_not_all),
		TEST(test_files_that_are_written_end_in_time),
		BOTH(test_what_was_cut_off_goes_with_the_next),
		TEST(test_what_is_of_others_stays),
		TEST(test_interrupted_it_leaves_nothing),
		TEST(test_no_room_is_no_verdict),
		TEST(test_a_take_that_runs_keeps_its_room),
		TEST(test_a_take_that_begins_gets_the_room),
		TEST(test_unread_is_not_unknown),
		TEST(test_channels_and_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
