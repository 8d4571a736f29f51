/*
 * replace: a copy in the place of a take, cut off at each call that changes
 * something, and finished by whoever comes next, who is cut off as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/file.h>

#include "fill_case.h"
#include "take/delete.h"
#include "take/replace.h"

/* --- the power, cut --- */

static struct {
	unsigned calls;
	unsigned at; /* the call from which on nothing is done any more; 0:
			none */
	bool once;   /* that call alone fails */
} power;

static bool is_cut(void)
{
	power.calls++;
	errno = EIO;
	if (power.once)
		return power.calls == power.at;
	return power.at && power.calls >= power.at;
}

#define CUT(type, name, declared, given)                                       \
	type __real_##name declared;                                           \
	type __wrap_##name declared;                                           \
	type __wrap_##name declared                                            \
	{                                                                      \
		return is_cut() ? -1 : __real_##name given;                    \
	}

CUT(int, renameat, (int a, const char *old, int b, const char *name),
    (a, old, b, name))
CUT(int, unlinkat, (int dir, const char *name, int flags), (dir, name, flags))
CUT(int, mkdirat, (int dir, const char *name, mode_t mode), (dir, name, mode))
CUT(int, fsync, (int fd), (fd))
CUT(int, fdatasync, (int fd), (fd))

static void cut_power_at(unsigned at)
{
	power.calls = 0;
	power.at = at;
	power.once = false;
}

/* --- media --- */

static int open_session(const char *medium)
{
	return open_folder(medium, "");
}

static bool is_there(const char *name)
{
	int session = open_session(to);
	bool there = faccessat(session, name, F_OK, 0) == 0;

	close(session);
	return there;
}

static void rename_there(const char *old, const char *name)
{
	int session = open_session(to);

	assert_int_equal(__real_renameat(session, old, session, name), 0);
	close(session);
}

/* A mirror's copy that was pulled in mid-take, and a file of somebody's. */
static void put_interrupted(const char *name)
{
	int dir;
	size_t size;
	char *text;

	put_take(to);
	dir = open_folder(to, "Take-001");
	text = read_all(dir, LEDGER_NAME, &size);
	write_all(dir, LEDGER_NAME, text,
		  (size_t)((char *)memchr(text, '\n', size) + 1 - text));
	free(text);
	assert_int_equal(__real_unlinkat(dir, TAKE_JSON, 0), 0);
	write_all(dir, "mix.txt", "mix", 3);
	close(dir);
	if (strcmp(name, "Take-001") != 0)
		rename_there("Take-001", name);
}

static void put_whole(const char *name)
{
	put_take(to);
	if (strcmp(name, "Take-001") != 0)
		rename_there("Take-001", name);
}

static void empty_mirror(void)
{
	remove_tree(to);
	assert_int_equal(mkdir(to, 0755), 0);
}

static int set_up_media(void **state)
{
	cut_power_at(0);
	return make_media(state);
}

static void note_result(void *context, const struct fill_take *take)
{
	*(enum fill_result *)context = take->result;
}

static enum fill_result fill(void)
{
	enum fill_result result = FILL_LEFT;

	fill_mirror(from, to, 0, NULL, note_result, &result);
	return result;
}

static int finish(void)
{
	int session = open_session(to);
	int error = replace_finish(session, "Take-001");

	close(session);
	return error;
}

static bool is_whole(void)
{
	int dir = open_folder(to, "Take-001");
	bool whole = heal_look(dir, "Take-001") == HEAL_WHOLE;

	close(dir);
	return whole;
}

static void expect_verified(void)
{
	char path[256];
	struct verify_result result;

	snprintf(path, sizeof(path), "%s/Takebox/Session/Take-001", to);
	assert_int_equal(verify_take(path, ignore_file, NULL, &result), 0);
	assert_int_equal(result.verdict, VERIFY_COMPLETE);
	take_info_finish(&result.info);
}

/* Nothing is out of sight, nothing is said to be deleted, and what is of
 * others is there, once. */
static void expect_nothing_left(void)
{
	assert_false(is_there(".replaced-Take-001"));
	assert_false(is_there(".deleted-Take-001"));
	assert_true(is_there("Take-001/mix.txt"));
	assert_false(is_there("Take-001/2-mix.txt"));
}

static void expect_replaced(void)
{
	expect_verified();
	expect_nothing_left();
	assert_false(is_there(".fill-Take-001"));
}

/* --- cut at each call --- */

static unsigned count_fill(void)
{
	put_interrupted("Take-001");
	cut_power_at(0);
	assert_int_equal(fill(), FILL_COPIED);
	expect_replaced();
	return power.calls;
}

static void cut_fill(unsigned at)
{
	snprintf(check_context, sizeof(check_context), "cut at %u", at);
	cut_power_at(0);
	empty_mirror();
	put_interrupted("Take-001");
	cut_power_at(at);
	fill();
	cut_power_at(0);
}

static void test_the_next_fill_finishes_what_was_cut_off(void **unused)
{
	unsigned calls = count_fill();

	(void)unused;
	for (unsigned at = 1; at <= calls; at++) {
		enum fill_result result;

		cut_fill(at);
		result = fill();
		assert_true(result == FILL_COPIED || result == FILL_THERE);
		expect_verified();
		expect_nothing_left();
		cases++;
	}
	tell_cases();
}

/* A mirror that is plugged in alone: the take is there, be it the old one. */
static void test_without_the_other_medium_the_take_is_there(void **unused)
{
	unsigned calls = count_fill();

	(void)unused;
	for (unsigned at = 1; at <= calls; at++) {
		cut_fill(at);
		assert_int_equal(finish(), 0);
		assert_true(is_there("Take-001"));
		expect_nothing_left();
		cases++;
	}
	tell_cases();
}

static void delete_another(void)
{
	struct delete_report report;
	int dir = open_folder(to, "Take-002");
	char path[256];

	write_all(dir, "take.json", "{}", 2);
	write_all(dir, LEDGER_NAME, "", 0);
	close(dir);
	snprintf(path, sizeof(path), "%s/Takebox/Session/Take-002", to);
	assert_int_equal(delete_take(path, &report), 0);
}

static void test_deleting_another_take_deletes_this_one_nowhere(void **unused)
{
	unsigned calls = count_fill();

	(void)unused;
	for (unsigned at = 1; at <= calls; at++) {
		cut_fill(at);
		delete_another();
		assert_true(is_there(".deleted-Take-002"));
		assert_true(is_there("Take-001"));
		expect_nothing_left();
		fill();
		expect_verified();
		cases++;
	}
	tell_cases();
}

static unsigned count_finish(unsigned at)
{
	cut_fill(at);
	assert_int_equal(finish(), 0);
	return power.calls;
}

static void test_what_finishes_it_can_be_cut_off_as_well(void **unused)
{
	unsigned calls = count_fill();

	(void)unused;
	for (unsigned at = 1; at <= calls; at++) {
		unsigned again = count_finish(at);

		for (unsigned i = 1; i <= again; i++) {
			cut_fill(at);
			cut_power_at(i);
			finish();
			cut_power_at(0);
			assert_int_equal(finish(), 0);
			assert_true(is_there("Take-001"));
			expect_nothing_left();
			fill();
			expect_verified();
			expect_nothing_left();
			cases++;
		}
	}
	tell_cases();
}

static void test_one_call_that_fails_hides_nothing_for_good(void **unused)
{
	unsigned calls = count_fill();

	(void)unused;
	for (unsigned at = 1; at <= calls; at++) {
		empty_mirror();
		put_interrupted("Take-001");
		cut_power_at(at);
		power.once = true;
		fill();
		cut_power_at(0);
		fill();
		expect_verified();
		expect_nothing_left();
		cases++;
	}
	tell_cases();
}

/* --- how far it came --- */

static void test_a_whole_copy_gets_its_name(void **unused)
{
	(void)unused;
	put_interrupted(".replaced-Take-001");
	put_whole(".fill-Take-001");
	assert_int_equal(finish(), 0);
	expect_replaced();
}

static void test_without_a_copy_the_old_one_is_back(void **unused)
{
	(void)unused;
	put_interrupted(".replaced-Take-001");
	assert_int_equal(finish(), 0);
	assert_true(is_there("Take-001/mix.txt"));
	assert_false(is_whole());
	assert_false(is_there(".replaced-Take-001"));
	assert_int_equal(fill(), FILL_COPIED);
	expect_replaced();
}

static void test_a_copy_that_lost_a_file_gets_no_name(void **unused)
{
	int dir;

	(void)unused;
	put_interrupted(".replaced-Take-001");
	put_whole(".fill-Take-001");
	dir = open_folder(to, ".fill-Take-001");
	assert_int_equal(__real_unlinkat(dir, "02-Track-2.flac", 0), 0);
	close(dir);
	assert_int_equal(finish(), 0);
	assert_true(is_there("Take-001/02-Track-2.flac"));
	assert_int_equal(fill(), FILL_COPIED);
	expect_replaced();
}

static void test_a_heal_brings_the_take_back(void **unused)
{
	(void)unused;
	put_interrupted(".replaced-Take-001");
	put_whole(".fill-Take-001");
	assert_int_equal(heal_folder(to, &storage_posix, NULL, NULL, NULL), 0);
	expect_replaced();
}

/* What was swapped has lost a file since: the old one stays until there is a
 * better copy. */
static void test_what_the_copy_lost_meanwhile_does_not_go(void **unused)
{
	int dir;

	(void)unused;
	put_interrupted(".replaced-Take-001");
	put_whole("Take-001");
	dir = open_folder(to, "Take-001");
	assert_int_equal(__real_unlinkat(dir, "02-Track-2.flac", 0), 0);
	close(dir);
	assert_int_equal(finish(), -ENOTEMPTY);
	assert_true(is_there(".replaced-Take-001/02-Track-2.flac"));
	assert_int_equal(fill(), FILL_COPIED);
	expect_replaced();
}

static void test_who_is_at_it_is_left_alone(void **unused)
{
	int old;

	(void)unused;
	put_interrupted(".replaced-Take-001");
	put_whole(".fill-Take-001");
	old = open_folder(to, ".replaced-Take-001");
	assert_int_equal(flock(old, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(finish(), -EBUSY);
	assert_int_equal(fill(), FILL_BUSY);
	assert_false(is_there("Take-001"));
	close(old);
	assert_int_equal(finish(), 0);
	expect_replaced();
}

static void link_all(int dir, int other)
{
	DIR *list = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY));
	const struct dirent *entry;

	while ((entry = readdir(list)))
		if (entry->d_name[0] != '.')
			assert_int_equal(linkat(dir, entry->d_name, other,
						entry->d_name, 0),
					 0);
	closedir(list);
}

/* FAT can have two names for one folder behind a power cut; hard links have the
 * same numbers, too. */
static void test_a_folder_with_two_names_is_not_touched(void **unused)
{
	struct kept kept;
	int dir, other;

	(void)unused;
	put_whole("Take-001");
	dir = open_folder(to, "Take-001");
	other = open_folder(to, ".replaced-Take-001");
	link_all(dir, other);
	keep_folder(&kept, dir);
	assert_int_equal(finish(), -EUCLEAN);
	assert_int_equal(fill(), FILL_FAILED);
	assert_true(is_equal(&kept, dir));
	assert_true(is_equal(&kept, other));
	drop(&kept);
	close(dir);
	close(other);
}

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, set_up_media, remove_media)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_the_next_fill_finishes_what_was_cut_off),
		CASE(test_without_the_other_medium_the_take_is_there),
		CASE(test_deleting_another_take_deletes_this_one_nowhere),
		CASE(test_what_finishes_it_can_be_cut_off_as_well),
		CASE(test_one_call_that_fails_hides_nothing_for_good),
		CASE(test_a_whole_copy_gets_its_name),
		CASE(test_without_a_copy_the_old_one_is_back),
		CASE(test_a_copy_that_lost_a_file_gets_no_name),
		CASE(test_a_heal_brings_the_take_back),
		CASE(test_what_the_copy_lost_meanwhile_does_not_go),
		CASE(test_who_is_at_it_is_left_alone),
		CASE(test_a_folder_with_two_names_is_not_touched),
	};

	return cmocka_run_group_tests_name("replace", tests, NULL, NULL);
}
