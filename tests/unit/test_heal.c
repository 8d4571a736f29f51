/*
 * heal: what state a take may be in, what a medium may have lost, and that
 * whatever else is on it stays as it is. (Power cuts are test_heal_cuts'.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/file.h>

#include "heal_case.h"

/* --- a take in a certain state --- */

static void test_healing_again_changes_nothing(void **unused)
{
	uint64_t safe;

	(void)unused;
	safe = cut_in_the_middle(&all);
	expect_healed("gaps");
	check_prefix(&all, safe);
	expect_idempotent();
}

static void test_the_take_says_that_it_was_healed(void **unused)
{
	char path[128];
	json_t *root;

	(void)unused;
	cut_in_the_middle(&simple);
	expect_healed("sample-complete");
	snprintf(path, sizeof(path), "%s/take.json", fake.path);
	root = json_load_file(path, 0, NULL);
	assert_non_null(root);
	assert_string_equal(
		json_string_value(json_object_get(root, "stopped_by")),
		"interrupted");
	assert_int_equal(member(root, "healed_at"), member(root, "frames"));
	json_decref(root);
}

static void test_take_json_that_is_empty(void **unused)
{
	uint64_t safe;

	(void)unused;
	safe = cut_in_the_middle(&simple);
	expect_healed("sample-complete");
	write_all(fake.dir, "take.json", "", 0);
	assert_int_equal(heal_look(fake.dir, "Take-001"), HEAL_OPEN);
	expect_healed("sample-complete");
	check_prefix(&simple, safe);
	expect_verdict(VERIFY_COMPLETE);
}

/* Its medium ended it there, and another take has what comes behind; that the
 * files were cut off there is what the power cut took back. */
static void note_stop_at(uint64_t at)
{
	json_t *stop =
		json_pack("{ss sI ss sI}", "type", "stop", "at", (json_int_t)at,
			  "reason", "medium failed", "missing", (json_int_t)0);
	struct ledger ledger;

	assert_int_equal(
		ledger_resume(&ledger, &fake_storage, fake.dir, NULL, NULL), 0);
	assert_int_equal(ledger_append(&ledger, stop), 0);
	assert_int_equal(ledger_sync(&ledger), 0);
	ledger_close(&ledger);
	json_decref(stop);
}

static uint64_t frames_of_ledger(void)
{
	struct checked checked = {0};
	uint64_t frames;

	assert_int_equal(take_info_init(&checked.info), 0);
	assert_int_equal(ledger_read(fake.dir, check_entry, &checked, NULL), 0);
	frames = checked.info.frames;
	checked_finish(&checked);
	return frames;
}

static void test_a_take_is_no_longer_than_where_it_was_to_stop(void **unused)
{
	unsigned calls = count_calls(&simple);
	uint32_t seed = 1;

	(void)unused;
	for (unsigned at = 1; at <= calls; at += stride()) {
		uint64_t safe =
			cut_at(&simple, at, FAKE_UNDONE, FAKE_KEPT, &seed);

		snprintf(check_context, sizeof(check_context), "cut at %u", at);
		fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
		if (safe > 0 && frames_of_ledger() == 0) {
			note_stop_at(safe);
			expect_healed("sample-complete");
			check_prefix(&simple, safe);
			assert_int_equal(frames_of_ledger(), safe);
		}
		clear();
	}
	fake_tape_open(&tape, 1, 24, 8000, 256);
}

/* --- what is made anew --- */

/* It was armed in a later part: the first one's file is silence. */
static void test_the_silence_of_an_earlier_part_is_missing(void **unused)
{
	struct story story = all;
	uint32_t seed = 1;
	unsigned calls, tried = 0;

	(void)unused;
	story.gaps = false;
	calls = count_calls(&story);
	for (unsigned at = calls / 2; at <= calls; at += 5 * stride()) {
		uint64_t safe = cut_at(&story, at, FAKE_DONE, FAKE_KEPT, &seed);

		snprintf(check_context, sizeof(check_context), "cut at %u", at);
		if (safe > 5 * BLOCK && frames_of_ledger() == 0) {
			assert_int_equal(
				unlinkat(fake.dir, "03-Track-3.flac", 0), 0);
			expect_healed("sample-complete");
			check_prefix(&story, safe);
			expect_verdict(VERIFY_COMPLETE);
			tried++;
		}
		clear();
	}
	assert_true(tried > 0);
	fake_tape_open(&tape, 1, 24, 8000, 256);
}

/* --- what no power cut does to a medium that keeps its word --- */

static void expect_mended(const struct story *story, uint64_t safe)
{
	settle();
	expect_healed("damaged");
	check_prefix(story, safe);
	expect_verdict(VERIFY_DAMAGED);
	expect_idempotent();
}

static void test_a_file_is_missing(void **unused)
{
	uint64_t safe;

	(void)unused;
	safe = cut_in_the_middle(&long_one);
	assert_int_equal(unlinkat(fake.dir, "02-Track-2.flac", 0), 0);
	expect_mended(&long_one, safe);
}

static void test_a_file_is_empty(void **unused)
{
	uint64_t safe;

	(void)unused;
	safe = cut_in_the_middle(&long_one);
	write_all(fake.dir, "01-Track-1.flac", "", 0);
	expect_mended(&long_one, safe);
}

static void cut_short(const char *name, unsigned thirds)
{
	size_t size;
	char *data = read_all(fake.dir, name, &size);

	write_all(fake.dir, name, data, size / 3 * thirds);
	free(data);
}

static void test_a_file_is_shorter_than_it_was(void **unused)
{
	uint64_t safe;

	(void)unused;
	safe = cut_in_the_middle(&long_one);
	cut_short("03-Track-3.flac", 2);
	expect_mended(&long_one, safe);
}

static unsigned damages(void)
{
	size_t size, i;
	char *text = read_all(fake.dir, TAKE_JSON, &size);
	json_t *take = json_loadb(text, size, 0, NULL), *note;
	unsigned count = 0;

	assert_non_null(take);
	json_array_foreach(json_object_get(take, "notes"), i, note) count +=
		strcmp(json_string_value(json_object_get(note, "type")),
		       "damaged") == 0;
	json_decref(take);
	free(text);
	return count;
}

/* Then nobody has what was claimed: the take ends where the longest does. */
static void test_all_files_are_shorter_than_they_were(void **unused)
{
	(void)unused;
	cut_in_the_middle(&long_one);
	cut_short("01-Track-1.flac", 1);
	cut_short("02-Track-2.flac", 2);
	cut_short("03-Track-3.flac", 1);
	expect_mended(&long_one, 2 * BLOCK);
	assert_int_equal(damages(), 5); /* two were shorter than the third */
}

/* And no file is shorter than another one: what was safe is lost all the same.
 */
static void test_all_files_have_lost_the_same(void **unused)
{
	uint64_t safe;

	(void)unused;
	safe = cut_in_the_middle(&long_one);
	assert_true(safe > BLOCK);
	for (unsigned i = 1; i <= 3; i++) {
		char name[32];
		size_t size;
		char *data;

		snprintf(name, sizeof(name), "%02u-Track-%u.flac", i, i);
		data = read_all(fake.dir, name, &size);
		/* The head with its claims, and no frame. */
		write_all(fake.dir, name, data, FLAC_HEAD_BYTES);
		free(data);
	}
	settle();
	expect_healed("damaged");
	expect_verdict(VERIFY_DAMAGED);
	assert_int_equal(damages(), 3);
	expect_idempotent();
}

/* Its ledger does not know that it has ended, but the files say so. */
static void test_finished_files_are_shorter_than_they_were(void **unused)
{
	size_t size;
	char *text;

	(void)unused;
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	assert_int_equal(tell(&long_one).state, TAKE_DONE);
	assert_int_equal(unlinkat(fake.dir, TAKE_JSON, 0), 0);
	text = read_all(fake.dir, LEDGER_NAME, &size);
	write_all(fake.dir, LEDGER_NAME, text,
		  (size_t)(strchr(text, '\n') + 1 - text));
	free(text);
	cut_short("01-Track-1.flac", 2);
	cut_short("02-Track-2.flac", 2);
	cut_short("03-Track-3.flac", 2);
	settle();
	expect_healed("damaged");
	expect_verdict(VERIFY_DAMAGED);
	expect_idempotent();
}

static void test_a_first_sector_is_lost(void **unused)
{
	uint64_t safe;

	(void)unused;
	safe = cut_in_the_middle(&long_one);
	overwrite("01-Track-1.flac", 0, 512);
	settle();
	expect_healed("sample-complete");
	check_prefix(&long_one, safe);
	expect_verdict(VERIFY_COMPLETE);
}

/* The sound behind it is worth more than a take without damage. */
static void test_a_file_that_cannot_be_read_is_left(void **unused)
{
	char *before, *after;
	size_t size, size_after;

	(void)unused;
	cut_in_the_middle(&long_one);
	overwrite("01-Track-1.flac", 0, FLAC_HEAD_BYTES + 1000);
	before = read_all(fake.dir, "01-Track-1.flac", &size);
	settle();
	expect_healed("damaged");
	after = read_all(fake.dir, "01-Track-1.flac", &size_after);
	assert_int_equal(size, size_after);
	assert_memory_equal(before, after, size);
	expect_verdict(VERIFY_DAMAGED);
	free(before);
	free(after);
}

static void note_other_file(void *context, const struct take_track *track,
			    const char *file, const struct flac_check *check,
			    const char *problem)
{
	(void)track;
	(void)file;
	(void)check;
	*(unsigned *)context += strstr(problem, "it is another file") != NULL;
}

/* Whole, of the right length, and with the MD5 of what is in it. */
static void test_verify_finds_another_takes_file(void **unused)
{
	struct verify_result result;
	unsigned others = 0;
	size_t size;
	char *data;

	(void)unused;
	cut_in_the_middle(&simple);
	expect_healed("sample-complete");
	data = read_all(fake.dir, "01-Track-1.flac", &size);
	write_all(fake.dir, "03-Track-3.flac", data, size);
	free(data);
	assert_int_equal(
		verify_take(fake.path, note_other_file, &others, &result), 0);
	assert_int_equal(result.verdict, VERIFY_DAMAGED);
	assert_int_equal(others, 1);
	take_info_finish(&result.info);
}

/* --- ledgers --- */

static void fill_in(struct take_info *info)
{
	info->start = START;
	info->track[2].channels[0] = 3;
}

static void expect_rebuilt(const struct story *story, uint64_t safe)
{
	check_fill_in = fill_in;
	settle();
	assert_int_equal(heal_look(fake.dir, "Take-001"), HEAL_OPEN);
	expect_healed("damaged");
	check_prefix(story, safe);
	expect_verdict(VERIFY_DAMAGED);
}

static void test_the_ledger_is_missing(void **unused)
{
	uint64_t safe;

	(void)unused;
	safe = cut_in_the_middle(&long_one);
	assert_int_equal(unlinkat(fake.dir, LEDGER_NAME, 0), 0);
	expect_rebuilt(&long_one, safe);
}

static void test_the_ledger_is_empty(void **unused)
{
	uint64_t safe;

	(void)unused;
	safe = cut_in_the_middle(&long_one);
	write_all(fake.dir, LEDGER_NAME, "", 0);
	expect_rebuilt(&long_one, safe);
}

static void test_the_ledger_is_garbage(void **unused)
{
	char noise[5000];
	uint64_t safe;

	(void)unused;
	safe = cut_in_the_middle(&long_one);
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(i * 37 + i / 7);
	write_all(fake.dir, LEDGER_NAME, noise, sizeof(noise));
	expect_rebuilt(&long_one, safe);
}

static void test_the_ledger_of_a_take_in_parts_is_missing(void **unused)
{
	struct checked checked;
	uint64_t safe;

	(void)unused;
	safe = cut_in_the_middle(&parts);
	assert_int_equal(unlinkat(fake.dir, LEDGER_NAME, 0), 0);
	expect_rebuilt(&parts, safe);
	check_take(&checked, &tape);
	assert_true(take_info_parts(&checked.info) > 1);
	checked_finish(&checked);
}

/* Only its first line is left: there are files that it must have known of, so
 * what it said of gaps may be lost with them. */
static void test_the_ledger_lies_behind_the_files(void **unused)
{
	uint64_t safe;
	size_t size;
	char *text, *end;

	(void)unused;
	safe = cut_in_the_middle(&parts);
	text = read_all(fake.dir, LEDGER_NAME, &size);
	text[size] = '\0';
	end = strchr(text, '\n') + 1;
	write_all(fake.dir, LEDGER_NAME, text, (size_t)(end - text));
	free(text);
	settle();
	expect_healed("damaged");
	expect_verdict(VERIFY_DAMAGED);
	check_prefix(&parts, safe);
}

static unsigned last_part(void)
{
	struct checked checked = {.tape = &tape};
	unsigned part;

	assert_int_equal(take_info_init(&checked.info), 0);
	assert_int_equal(ledger_read(fake.dir, check_entry, &checked, NULL), 0);
	part = take_info_parts(&checked.info);
	take_info_finish(&checked.info);
	return part;
}

/* It knows of a part that has no files. */
static void test_the_ledger_is_ahead_of_the_files(void **unused)
{
	unsigned part;

	(void)unused;
	cut_in_the_middle(&parts);
	part = last_part();
	assert_true(part > 1);
	for (unsigned i = 1; i <= 3; i++) {
		char name[64];

		snprintf(name, sizeof(name), "%02u-Track-%u_%u.flac", i, i,
			 part);
		unlinkat(fake.dir, name, 0);
	}
	settle();
	expect_healed("sample-complete");
	check_prefix(&parts, BLOCK);
	assert_int_equal(last_part(), part - 1);
}

static void test_a_torn_ledger_is_cut(void **unused)
{
	uint64_t safe;
	size_t size;
	char *text;

	(void)unused;
	safe = cut_in_the_middle(&simple);
	text = read_all(fake.dir, LEDGER_NAME, &size);
	text = realloc(text, size + 20);
	assert_non_null(text);
	memcpy(text + size, "0123abcd {\"at\":17,\"", 19);
	write_all(fake.dir, LEDGER_NAME, text, size + 19);
	free(text);
	settle();
	expect_healed("sample-complete");
	check_prefix(&simple, safe);
}

/* --- what is not ours to touch --- */

static void test_a_take_that_never_began_is_left(void **unused)
{
	struct kept kept;

	(void)unused;
	write_all(fake.dir, LEDGER_NAME, "", 0);
	write_all(fake.dir, "01-Track-1.flac", "", 0);
	keep_folder(&kept, fake.dir);
	assert_int_equal(heal_look(fake.dir, "Take-001"), HEAL_EMPTY);
	assert_int_equal(heal_look(fake.dir, "Holiday"), HEAL_NO_TAKE);
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	assert_int_equal(
		heal_folder(fake.path, &fake_storage, NULL, NULL, NULL), 0);
	assert_true(is_equal(&kept, fake.dir));
	drop(&kept);
	fake_tape_open(&tape, 1, 24, 8000, 256);
}

static void test_other_files_stay(void **unused)
{
	static const char song[] = "fLaC of somebody else";
	uint64_t safe;
	size_t size;
	char *after;

	(void)unused;
	safe = cut_in_the_middle(&simple);
	write_all(fake.dir, "Notes.txt", song, sizeof(song));
	write_all(fake.dir, "04-Song.wav", song, sizeof(song));
	settle();
	expect_healed("sample-complete");
	check_prefix(&simple, safe);
	after = read_all(fake.dir, "04-Song.wav", &size);
	assert_int_equal(size, sizeof(song));
	assert_memory_equal(after, song, size);
	free(after);
}

static void test_a_take_that_is_being_recorded_is_left(void **unused)
{
	struct heal_report report;
	struct kept kept;
	int other;

	(void)unused;
	cut_in_the_middle(&simple);
	keep_folder(&kept, fake.dir);
	other = openat(fake.dir, ".", O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	report = heal_it();
	assert_int_equal(report.error, -EBUSY);
	assert_true(is_equal(&kept, fake.dir));
	drop(&kept);
	close(other);
	expect_healed("sample-complete");
}

static void test_a_take_on_a_tape_that_runs_is_left(void **unused)
{
	char name[33];

	(void)unused;
	cut_in_the_middle(&simple);
	fake_tape_name(&tape, name);
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	heal_folder(fake.path, &fake_storage, name, NULL, NULL);
	assert_int_equal(fake.calls, 0);
	assert_int_equal(heal_look(fake.dir, "Take-001"), HEAL_OPEN);
	heal_folder(fake.path, &fake_storage,
		    "00000000000000000000000000000000", NULL, NULL);
	assert_int_equal(heal_look(fake.dir, "Take-001"), HEAL_WHOLE);
}

/* --- a whole medium --- */

static void copy_take(const char *medium, const char *take)
{
	struct kept kept;
	char path[256];
	int dir;

	snprintf(path, sizeof(path), "%s/Takebox/Session/%s", medium, take);
	assert_int_equal(mkdir(path, 0755), 0);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	keep_folder(&kept, fake.dir);
	put_back(&kept, dir);
	drop(&kept);
	close(dir);
}

static int open_take(const char *medium, const char *take)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/Takebox/Session/%s", medium, take);
	return open(path, O_RDONLY | O_DIRECTORY);
}

static void count_report(void *context, const struct heal_report *report)
{
	unsigned *count = context;

	assert_int_equal(report->error, 0);
	assert_non_null(strstr(report->folder, "/Takebox/Session/Take-002"));
	++*count;
}

static void remove_tree(const char *path)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	assert_int_equal(system(command), 0);
}

static void test_earlier_takes_do_not_change_by_a_byte(void **unused)
{
	char medium[64] = "/tmp/medium-XXXXXX", path[128];
	unsigned healed = 0;
	struct kept earlier;
	int first, second;

	(void)unused;
	assert_non_null(mkdtemp(medium));
	snprintf(path, sizeof(path), "%s/Takebox", medium);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/Takebox/Session", medium);
	assert_int_equal(mkdir(path, 0755), 0);
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	assert_int_equal(tell(&simple).state, TAKE_DONE);
	copy_take(medium, "Take-001");
	clear();
	cut_in_the_middle(&all);
	copy_take(medium, "Take-002");

	first = open_take(medium, "Take-001");
	second = open_take(medium, "Take-002");
	keep_folder(&earlier, first);
	assert_int_equal(heal_folder(medium, &storage_posix, NULL, count_report,
				     &healed),
			 0);
	assert_int_equal(healed, 1);
	assert_int_equal(heal_look(second, "Take-002"), HEAL_WHOLE);
	assert_true(is_equal(&earlier, first));
	drop(&earlier);
	close(first);
	close(second);
	remove_tree(medium);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_healing_again_changes_nothing),
		CASE(test_the_take_says_that_it_was_healed),
		CASE(test_take_json_that_is_empty),
		CASE(test_the_silence_of_an_earlier_part_is_missing),
		CASE(test_a_take_is_no_longer_than_where_it_was_to_stop),
		CASE(test_a_file_is_missing),
		CASE(test_a_file_is_empty),
		CASE(test_a_file_is_shorter_than_it_was),
		CASE(test_all_files_have_lost_the_same),
		CASE(test_all_files_are_shorter_than_they_were),
		CASE(test_finished_files_are_shorter_than_they_were),
		CASE(test_a_first_sector_is_lost),
		CASE(test_a_file_that_cannot_be_read_is_left),
		CASE(test_verify_finds_another_takes_file),
		CASE(test_the_ledger_is_missing),
		CASE(test_the_ledger_is_empty),
		CASE(test_the_ledger_is_garbage),
		CASE(test_the_ledger_of_a_take_in_parts_is_missing),
		CASE(test_the_ledger_lies_behind_the_files),
		CASE(test_the_ledger_is_ahead_of_the_files),
		CASE(test_a_torn_ledger_is_cut),
		CASE(test_a_take_that_never_began_is_left),
		CASE(test_other_files_stay),
		CASE(test_a_take_that_is_being_recorded_is_left),
		CASE(test_a_take_on_a_tape_that_runs_is_left),
		CASE(test_earlier_takes_do_not_change_by_a_byte),
	};

	return cmocka_run_group_tests_name("heal", tests, NULL, NULL);
}
