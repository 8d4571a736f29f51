/*
 * verify: a take as it was recorded is sample-complete; a word of its ledger or
 * of its take.json that is another than it was is found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "take/verify.h"
#include "heal_case.h"

static char words[512]; /* of the first problem */

static void note_problem(void *context, const struct take_track *track,
			 const char *file, const struct flac_check *check,
			 const char *problem)
{
	(void)context;
	(void)track;
	(void)file;
	(void)check;
	if (!words[0])
		snprintf(words, sizeof(words), "%s", problem);
}

static void expect(enum verify_verdict wanted, const char *about)
{
	struct verify_result result;

	words[0] = '\0';
	assert_int_equal(verify_take(fake.path, note_problem, NULL, &result),
			 0);
	take_info_finish(&result.info);
	if (result.verdict != wanted)
		fail_msg("%s: %s", verify_word(result.verdict), words);
	if (!strstr(words, about))
		fail_msg("not about %s: %s", about, words);
}

static void record(const struct story *story)
{
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	assert_int_equal(tell(story).state, TAKE_DONE);
}

/* --- take.json --- */

static json_t *load_json(void)
{
	char path[128];
	json_t *root;

	snprintf(path, sizeof(path), "%s/" TAKE_JSON, fake.path);
	root = json_load_file(path, 0, NULL);
	assert_non_null(root);
	return root;
}

static void save_json(json_t *root)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/" TAKE_JSON, fake.path);
	assert_int_equal(json_dump_file(root, path, JSON_INDENT(2)), 0);
	json_decref(root);
}

static void test_a_take_as_it_was_recorded(void **unused)
{
	(void)unused;
	record(&simple);
	expect(VERIFY_COMPLETE, "");
	clear();
	record(&all);
	expect(VERIFY_GAPS, "");
}

static void test_each_member_of_take_json(void **unused)
{
	json_t *root, *value;
	const char *key;

	(void)unused;
	record(&all);
	root = load_json();
	json_object_foreach(root, key, value)
	{
		json_t *other = json_deep_copy(root);

		json_object_set_new(other, key, json_string("falsified"));
		save_json(other);
		expect(VERIFY_DAMAGED, key);
		other = json_deep_copy(root);
		json_object_del(other, key);
		save_json(other);
		expect(VERIFY_DAMAGED, key);
	}
	save_json(root);
	expect(VERIFY_GAPS, "");
}

static void test_what_others_add_to_take_json(void **unused)
{
	json_t *root;

	(void)unused;
	record(&simple);
	root = load_json();
	json_object_set_new(root, "rating", json_integer(5));
	save_json(root);
	expect(VERIFY_COMPLETE, "");
	write_all(fake.dir, TAKE_JSON, "{", 1); /* a heal makes it anew */
	expect(VERIFY_COMPLETE, "");
}

/* --- the ledger --- */

struct rewriting {
	struct ledger ledger;
	const char *type; /* of the entry that is changed */
	void (*change)(json_t *entry);
	const char *before; /* or: put in before that type */
	json_t *added;
};

static int rewrite_entry(void *context, const json_t *entry)
{
	struct rewriting *rewriting = context;
	const char *type = json_string_value(json_object_get(entry, "type"));
	json_t *copy = json_deep_copy(entry);
	int error = 0;

	if (rewriting->before && strcmp(type, rewriting->before) == 0)
		error = ledger_append(&rewriting->ledger, rewriting->added);
	if (rewriting->type && strcmp(type, rewriting->type) == 0)
		rewriting->change(copy);
	if (error == 0)
		error = ledger_append(&rewriting->ledger, copy);
	json_decref(copy);
	return error;
}

/* With right checksums and numbers; take.json is taken away. */
static void rewrite(struct rewriting *rewriting)
{
	size_t size;
	char *text = read_all(fake.dir, LEDGER_NAME, &size);

	assert_int_equal(unlinkat(fake.dir, LEDGER_NAME, 0), 0);
	assert_int_equal(unlinkat(fake.dir, TAKE_JSON, 0), 0);
	assert_int_equal(
		ledger_create(&rewriting->ledger, &storage_posix, fake.dir), 0);
	assert_int_equal(ledger_parse(text, size, rewrite_entry, rewriting),
			 size);
	assert_int_equal(ledger_sync(&rewriting->ledger), 0);
	ledger_close(&rewriting->ledger);
	free(text);
}

static json_t *end_track(json_t *end, size_t index)
{
	return json_array_get(json_object_get(end, "tracks"), index);
}

static void take_md5_away(json_t *end)
{
	json_object_del(end_track(end, 1), "md5");
}

static void test_an_md5_that_the_ledger_does_not_have(void **unused)
{
	struct rewriting rewriting = {.type = "end", .change = take_md5_away};

	(void)unused;
	record(&simple);
	rewrite(&rewriting);
	expect(VERIFY_DAMAGED, "does not have its MD5");
}

/* The second track is a pair. */
static void raise_peak(json_t *end)
{
	json_object_set_new(end_track(end, 1), "peak", json_integer(8388607));
}

static void test_a_peak_that_a_pair_does_not_have(void **unused)
{
	struct rewriting rewriting = {.type = "end", .change = raise_peak};

	(void)unused;
	record(&simple);
	rewrite(&rewriting);
	expect(VERIFY_DAMAGED, "Track 2: its loudest sample");
}

static void test_events_that_were_lost(void **unused)
{
	struct rewriting rewriting = {
		.before = "end",
		.added = json_pack("{ss si si}", "type", "events-lost", "event",
				   7, "count", 3),
	};

	(void)unused;
	record(&simple);
	rewrite(&rewriting);
	json_decref(rewriting.added);
	expect(VERIFY_GAPS, "gaps may be missing");
}

static void test_a_track_that_was_armed_in_vain(void **unused)
{
	struct rewriting rewriting = {
		.before = "end",
		.added = json_pack("{ss si si}", "type", "unarmed", "track", 3,
				   "at", 1234),
	};

	(void)unused;
	record(&simple);
	rewrite(&rewriting);
	json_decref(rewriting.added);
	expect(VERIFY_GAPS, "track 3 was armed at frame 1234");
}

static void ask_earlier(json_t *entry)
{
	json_object_set_new(entry, "asked", json_integer(77));
}

static void test_a_track_that_was_armed_late(void **unused)
{
	struct rewriting rewriting = {.type = "arm", .change = ask_earlier};

	(void)unused;
	record(&late);
	rewrite(&rewriting);
	expect(VERIFY_GAPS, "was armed at frame 77");
}

static void test_a_gap_that_is_none(void **unused)
{
	struct rewriting rewriting = {
		.before = "end",
		.added = json_pack("{ss si si ss si}", "type", "gap", "at",
				   BLOCK + 7, "frames", 9, "cause", "late",
				   "uncertainty", 0),
	};

	(void)unused;
	record(&simple);
	rewrite(&rewriting);
	json_decref(rewriting.added);
	expect(VERIFY_DAMAGED, "in a gap of the ledger");
}

/* --- what is no file --- */

static void expect_another_word(const char *about, off_t at)
{
	struct verify_result result;

	words[0] = '\0';
	if (verify_take(fake.path, note_problem, NULL, &result) < 0)
		return;
	take_info_finish(&result.info);
	if (result.verdict != VERIFY_DAMAGED)
		fail_msg("%s of byte %lld: %s", about, (long long)at,
			 verify_word(result.verdict));
}

/* Its line's CRC, or what is missing without that line. */
static void test_each_byte_of_the_ledger(void **unused)
{
	struct stat stat;
	int file;

	(void)unused;
	record(&simple);
	file = openat(fake.dir, LEDGER_NAME, O_RDWR | O_CLOEXEC);
	assert_int_equal(fstat(file, &stat), 0);
	assert_true(stat.st_size > 1000);
	for (off_t at = 0; at < stat.st_size; at += stride()) {
		char byte, flipped;

		assert_int_equal(pread(file, &byte, 1, at), 1);
		flipped = (char)(byte ^ 1 << at % 8);
		assert_int_equal(pwrite(file, &flipped, 1, at), 1);
		expect_another_word("a bit", at);
		assert_int_equal(pwrite(file, &byte, 1, at), 1);
	}
	close(file);
	expect(VERIFY_COMPLETE, "");
}

static void test_a_ledger_that_nobody_writes_into(void **unused)
{
	struct verify_result result;
	int error;

	(void)unused;
	record(&simple);
	assert_int_equal(unlinkat(fake.dir, LEDGER_NAME, 0), 0);
	assert_int_equal(mkfifoat(fake.dir, LEDGER_NAME, 0644), 0);
	alarm(10); /* it would wait for ever */
	error = verify_take(fake.path, note_problem, NULL, &result);
	alarm(0);
	if (error == 0) {
		assert_int_equal(result.verdict, VERIFY_DAMAGED);
		take_info_finish(&result.info);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_take_as_it_was_recorded),
		CASE(test_each_member_of_take_json),
		CASE(test_what_others_add_to_take_json),
		CASE(test_an_md5_that_the_ledger_does_not_have),
		CASE(test_a_peak_that_a_pair_does_not_have),
		CASE(test_events_that_were_lost),
		CASE(test_a_track_that_was_armed_in_vain),
		CASE(test_a_track_that_was_armed_late),
		CASE(test_a_gap_that_is_none),
		CASE(test_each_byte_of_the_ledger),
		CASE(test_a_ledger_that_nobody_writes_into),
	};

	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
