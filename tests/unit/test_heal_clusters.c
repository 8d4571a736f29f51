/*
 * heal: files that a file system has lost clusters of, as exFAT does when it is
 * cut off. The linker puts a pread and a pwrite in place (the makefile's
 * --wrap) to which the medium says EIO from a byte on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "heal_case.h"

#define CLUSTER 4096

static ino_t broken; /* nothing of it from that byte on can be used */
static off_t broken_from;
static off_t broken_to; /* but from that one on; 0: nothing at all */
static int broken_fd;

ssize_t __real_pread64(int fd, void *data, size_t size, off_t at);
ssize_t __wrap_pread64(int fd, void *data, size_t size, off_t at);
ssize_t __real_pwrite64(int fd, const void *data, size_t size, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t size, off_t at);

static bool is_lost(int fd, size_t size, off_t at)
{
	struct stat stat;

	return broken && at + (off_t)size > broken_from &&
	       (broken_to == 0 || at < broken_to) && fstat(fd, &stat) == 0 &&
	       stat.st_ino == broken;
}

ssize_t __wrap_pread64(int fd, void *data, size_t size, off_t at)
{
	if (!is_lost(fd, size, at))
		return __real_pread64(fd, data, size, at);
	if (at < broken_from)
		return __real_pread64(fd, data, (size_t)(broken_from - at), at);
	errno = EIO;
	return -1;
}

ssize_t __wrap_pwrite64(int fd, const void *data, size_t size, off_t at)
{
	if (!is_lost(fd, size, at) || broken_to)
		return __real_pwrite64(fd, data, size, at);
	errno = EIO;
	return -1;
}

static void break_chain(const char *name, off_t from)
{
	struct stat stat;

	/* Open, so that no other file gets its number. */
	broken_fd = openat(fake.dir, name, O_RDONLY);
	assert_int_equal(fstat(broken_fd, &stat), 0);
	broken = stat.st_ino;
	broken_from = from;
	fake.keep = false; /* it could not be read */
}

/* Pages, as the kernel reads them; what is written there is remapped. */
static void break_pages(const char *name, off_t from, off_t to)
{
	break_chain(name, from);
	broken_to = to;
}

static void end_broken(void)
{
	broken = broken_to = 0;
	if (broken_fd >= 0)
		close(broken_fd);
}

static off_t size_of(const char *name)
{
	struct stat stat;

	return fstatat(fake.dir, name, &stat, 0) == 0 ? stat.st_size : 0;
}

/* With nothing safe yet nothing is lost, else the file's sound is. */
static void test_a_file_has_lost_its_clusters(void **unused)
{
	unsigned calls = count_calls(&long_one), at = 0;
	uint32_t seed = 1;
	uint64_t safe;

	(void)unused;
	do {
		assert_true(++at < calls);
		clear();
		safe = cut_at(&long_one, at, FAKE_DONE, FAKE_KEPT, &seed);
	} while (!has_started() || size_of("02-Track-2.flac") <= 16384);
	assert_int_equal(safe, 0);
	break_chain("02-Track-2.flac", CLUSTER);
	expect_healed("sample-complete");
	end_broken();
	expect_verdict(VERIFY_COMPLETE);
	expect_idempotent();

	clear();
	safe = cut_in_the_middle(&long_one);
	settle();
	break_chain("02-Track-2.flac", CLUSTER);
	expect_healed("damaged");
	end_broken();
	check_prefix(&long_one, safe);
	expect_verdict(VERIFY_DAMAGED);
	expect_idempotent();
}

/* Takes a file's newest claim away; how many bytes it was to. The others' are
 * there. */
static uint64_t forget_newest(const char *name)
{
	uint8_t sector[FLAC_SECTOR_BYTES];
	struct flac_head head;
	uint64_t size;
	int fd = openat(fake.dir, name, O_RDWR), newest;

	assert_int_equal(pread(fd, sector, sizeof(sector), 0), sizeof(sector));
	assert_int_equal(flac_read_sector(sector, &head), 0);
	newest = head.checkpoint[1].sequence > head.checkpoint[0].sequence;
	size = head.checkpoint[newest].size;
	head.info.samples = head.checkpoint[!newest].samples;
	head.checkpoint[newest] = (struct flac_checkpoint){0};
	flac_write_sector(sector, &head);
	assert_int_equal(pwrite(fd, sector, sizeof(sector), 0), sizeof(sector));
	close(fd);
	return size;
}

/* As when the file has grown since the last sync, but not its clusters. */
static void test_clusters_are_lost_behind_what_was_safe(void **unused)
{
	unsigned calls = count_calls(&long_one), at = calls / 2;
	uint64_t safe, size = UINT64_MAX;
	uint32_t seed = 1;

	(void)unused;
	do {
		assert_true(++at < calls);
		clear();
		safe = cut_at(&long_one, at, FAKE_DONE, FAKE_KEPT, &seed);
		if (safe > 0)
			size = forget_newest("02-Track-2.flac");
	} while (safe == 0 || size_of("02-Track-2.flac") <= (off_t)size);
	settle();
	break_chain("02-Track-2.flac", (off_t)size);
	expect_healed("sample-complete");
	end_broken();
	check_prefix(&long_one, safe);
	expect_verdict(VERIFY_COMPLETE);
	expect_idempotent();
}

/* What had not been synced of it cannot be read, and nothing goes there. */
static void test_the_ledger_has_lost_its_clusters(void **unused)
{
	uint64_t safe;

	(void)unused;
	safe = cut_in_the_middle(&long_one);
	settle();
	break_chain(LEDGER_NAME, size_of(LEDGER_NAME) - 5);
	expect_healed("sample-complete");
	end_broken();
	assert_int_equal(faccessat(fake.dir, LEDGER_COPY, F_OK, 0), -1);
	check_prefix(&long_one, safe);
	expect_verdict(VERIFY_COMPLETE);
	expect_idempotent();
}

/* The power had failed again before it was written anew. */
static void test_the_ledger_has_a_copy_only(void **unused)
{
	uint64_t safe;

	(void)unused;
	safe = cut_in_the_middle(&long_one);
	settle();
	assert_int_equal(renameat(fake.dir, LEDGER_NAME, fake.dir, LEDGER_COPY),
			 0);
	expect_healed("sample-complete");
	assert_int_equal(faccessat(fake.dir, LEDGER_COPY, F_OK, 0), -1);
	check_prefix(&long_one, safe);
	expect_verdict(VERIFY_COMPLETE);
	expect_idempotent();
}

/* Nothing but padding is there. Its first sector is as good as ever. */
static void test_a_bad_sector_in_the_head(void **unused)
{
	uint64_t safe;

	(void)unused;
	safe = cut_in_the_middle(&long_one);
	settle();
	break_pages("02-Track-2.flac", 12288, 16384);
	expect_healed("sample-complete");
	end_broken();
	check_prefix(&long_one, safe);
	expect_verdict(VERIFY_COMPLETE);
	expect_idempotent();
}

/* In all of them, and in the first frames: no file is made anew. */
static void test_bad_sectors_in_head_and_sound(void **unused)
{
	static const char *const others[] = {"02-Track-2.flac",
					     "03-Track-3.flac"};
	char *before, *after;
	size_t size, size_after;

	(void)unused;
	cut_in_the_middle(&long_one);
	settle();
	for (int i = 0; i < 2; i++)
		assert_int_equal(unlinkat(fake.dir, others[i], 0), 0);
	before = read_all(fake.dir, "01-Track-1.flac", &size);
	break_pages("01-Track-1.flac", 12288, 24576);
	expect_healed("damaged");
	end_broken();
	after = read_all(fake.dir, "01-Track-1.flac", &size_after);
	assert_int_equal(size, size_after);
	assert_memory_equal(before, after, size);
	free(before);
	free(after);
}

/* And that fails at any call: no ledger is lost by it. */
static void test_the_ledger_is_not_made_of_its_copy_at_once(void **unused)
{
	struct kept before;
	uint64_t safe;

	(void)unused;
	safe = cut_in_the_middle(&long_one);
	assert_int_equal(
		renameat(fake.dir, LEDGER_NAME, fake.dir, "kept.ledger"), 0);
	keep_folder(&before, fake.dir);
	for (unsigned at = 1; at <= 12; at++) {
		struct heal_report report;

		fake_storage_empty();
		unlinkat(fake.dir, LEDGER_COPY, 0);
		put_back(&before, fake.dir);
		assert_int_equal(renameat(fake.dir, "kept.ledger", fake.dir,
					  LEDGER_COPY),
				 0);
		settle();
		fake_storage_reset(FAKE_FAIL, at, FAKE_UNDONE);
		report = heal_it();
		fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
		if (report.error < 0)
			report = heal_it();
		assert_int_equal(report.error, 0);
		assert_string_equal(report.verdict, "sample-complete");
		check_prefix(&long_one, safe);
	}
	drop(&before);
}

static void copy_ledger(void)
{
	size_t size;
	char *text = read_all(fake.dir, LEDGER_NAME, &size);

	write_all(fake.dir, LEDGER_COPY, text, size);
	free(text);
}

static void expect_ledger_whole(uint64_t safe)
{
	expect_healed("sample-complete");
	end_broken();
	assert_int_equal(faccessat(fake.dir, LEDGER_COPY, F_OK, 0), -1);
	check_prefix(&long_one, safe);
	expect_verdict(VERIFY_COMPLETE);
	expect_idempotent();
}

/* The power failed while it was being written anew, at any byte. */
static void test_the_copy_is_the_better_one(void **unused)
{
	uint64_t safe;
	off_t size;
	int fd;

	(void)unused;
	safe = cut_in_the_middle(&long_one);
	size = size_of(LEDGER_NAME);
	for (off_t at = 0; at <= size; at += size / 3) {
		clear();
		safe = cut_in_the_middle(&long_one);
		copy_ledger();
		fd = openat(fake.dir, LEDGER_NAME, O_RDWR);
		assert_int_equal(ftruncate(fd, at), 0);
		close(fd);
		settle();
		broken_fd = -1;
		expect_ledger_whole(safe);
	}
}

static void test_the_beginning_of_the_ledger_cannot_be_read(void **unused)
{
	uint64_t safe;

	(void)unused;
	safe = cut_in_the_middle(&long_one);
	copy_ledger();
	settle();
	break_chain(LEDGER_NAME, 0);
	expect_ledger_whole(safe);
}

static void test_the_copy_is_an_old_one(void **unused)
{
	uint64_t safe;
	size_t size;
	char *text;

	(void)unused;
	safe = cut_in_the_middle(&long_one);
	text = read_all(fake.dir, LEDGER_NAME, &size);
	write_all(fake.dir, LEDGER_COPY, text,
		  (size_t)((char *)memchr(text, '\n', size) + 1 - text));
	free(text);
	settle();
	broken_fd = -1;
	expect_ledger_whole(safe);
}

/* A full medium, say: nothing is left of it. */
static void test_the_ledgers_copy_cannot_be_made(void **unused)
{
	unsigned failed = 0;

	(void)unused;
	cut_in_the_middle(&long_one);
	settle();
	break_chain(LEDGER_NAME, size_of(LEDGER_NAME) - 5);
	for (unsigned at = 1; at <= 4; at++) {
		fake_storage_reset(FAKE_FAIL, at, FAKE_UNDONE);
		failed += heal_it().error < 0;
		assert_int_equal(faccessat(fake.dir, LEDGER_COPY, F_OK, 0), -1);
	}
	assert_int_equal(failed, 4);
	expect_healed("sample-complete");
	end_broken();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_file_has_lost_its_clusters),
		CASE(test_clusters_are_lost_behind_what_was_safe),
		CASE(test_a_bad_sector_in_the_head),
		CASE(test_bad_sectors_in_head_and_sound),
		CASE(test_the_ledger_has_lost_its_clusters),
		CASE(test_the_ledger_has_a_copy_only),
		CASE(test_the_ledger_is_not_made_of_its_copy_at_once),
		CASE(test_the_copy_is_the_better_one),
		CASE(test_the_beginning_of_the_ledger_cannot_be_read),
		CASE(test_the_copy_is_an_old_one),
		CASE(test_the_ledgers_copy_cannot_be_made),
	};

	return cmocka_run_group_tests_name("heal_clusters", tests, NULL, NULL);
}
