/*
 * heal: a take that was cut at any call to the medium is made whole without its
 * tape; so is one whose healing was cut, at any call of that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "heal_case.h"

/* --- a take cut at any call --- */

static char *stale;
static size_t stale_size;

/* What free space is full of: an earlier take of the same length. */
static void fill_free_space(const struct story *story)
{
	assert_int_equal(tell(story).state, TAKE_DONE);
	stale = read_all(fake.dir, "01-Track-1.flac", &stale_size);
	fake.stale = stale;
	fake.stale_size = stale_size;
	clear();
}

static void forget_free_space(void)
{
	free(stale);
	stale = NULL;
	fake.stale = NULL;
	fake.stale_size = 0;
}

static uint64_t claimed; /* samples that were read before healing */

/* What the head of a file claims any other program reads as it is. */
static void read_claim(struct checked *checked)
{
	static struct stock_flac flac;
	char name[TAKE_FILE_MAX], path[256];

	take_info_file(&checked->info.track[checked->track], 0, name);
	snprintf(path, sizeof(path), "%s/%s", fake.path, name);
	stock_flac_open(&flac, path, check_samples, checked);
	stock_flac_decode(&flac);
	stock_flac_close(&flac);
	if (flac.fault[0] || checked->errors > 0)
		fail_msg("%s: %s before healing: %s; %llu wrong from frame "
			 "%llu on",
			 check_context, name, flac.fault,
			 (unsigned long long)checked->errors,
			 (unsigned long long)checked->first_error);
	claimed += flac.samples;
}

static void read_claims(void)
{
	struct checked checked = {.tape = &tape};

	assert_int_equal(take_info_init(&checked.info), 0);
	assert_int_equal(ledger_read(fake.dir, check_entry, &checked, NULL), 0);
	for (unsigned i = 0; i < checked.info.tracks; i++) {
		checked.track = i;
		read_claim(&checked);
	}
	take_info_finish(&checked.info);
}

static const enum fake_cut cuts[] = {FAKE_SCRAMBLED, FAKE_DROPPED, FAKE_KEPT};

static void heal_after(const struct story *story, unsigned at,
		       enum fake_how how, enum fake_cut cut)
{
	uint32_t seed = at * 3 + (unsigned)cut;
	uint64_t safe;

	snprintf(check_context, sizeof(check_context),
		 "cut %d at call %u, way %d", cut, at, how);
	safe = cut_at(story, at, how, cut, &seed);
	cases++;
	if (has_started()) {
		if (safe > 0)
			read_claims();
		expect_healed("sample-complete");
		check_prefix(story, safe);
	} else {
		assert_int_equal(safe, 0);
	}
	clear();
}

static void test_cut_at_every_call(void **unused)
{
	unsigned calls;

	(void)unused;
	fill_free_space(&simple);
	calls = count_calls(&simple);
	for (unsigned at = 1; at <= calls; at += stride())
		for (int i = 0; i < 3; i++) {
			heal_after(&simple, at, FAKE_DONE, cuts[i]);
			heal_after(&simple, at, FAKE_UNDONE, cuts[i]);
			if (wrote[at])
				heal_after(&simple, at, FAKE_HALF, cuts[i]);
		}
	tell_cases();
	print_message("%llu samples read before healing\n",
		      (unsigned long long)claimed);
	assert_true(claimed > 0);
	forget_free_space();
	fake_tape_open(&tape, 1, 24, 8000, 256);
}

/* --- and its healing cut, too --- */

static unsigned count_heal_calls(const struct kept *before)
{
	unsigned calls;

	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	heal_it();
	calls = fake.calls;
	fake_storage_empty();
	put_back(before, fake.dir);
	settle();
	return calls;
}

static void cut_heal_at(const struct story *story, uint64_t safe, unsigned at,
			enum fake_cut cut)
{
	uint32_t seed = at * 7 + (unsigned)cut;

	cases++;

	fake.cut = cut;
	fake_storage_reset(FAKE_FREEZE, at, at % 2 ? FAKE_DONE : FAKE_HALF);
	heal_it();
	fake_storage_cut_power(&seed);
	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	/* heal_look may find it whole already: healing is begun anew only if
	 * not. */
	assert_true(heal_folder(fake.path, &fake_storage, NULL, NULL, NULL) ==
		    0);
	check_prefix(story, safe);
	assert_int_equal(heal_look(fake.dir, "Take-001"), HEAL_WHOLE);
}

static void cut_heals_after(const struct story *story, unsigned at,
			    unsigned step)
{
	uint32_t seed = at;
	struct kept before;
	uint64_t safe = cut_at(story, at, FAKE_DONE, FAKE_SCRAMBLED, &seed);
	unsigned calls;

	if (!has_started()) {
		clear();
		return;
	}
	keep_folder(&before, fake.dir);
	calls = count_heal_calls(&before);
	for (unsigned k = 1; k <= calls; k += step)
		for (int i = 0; i < 3; i++) {
			snprintf(check_context, sizeof(check_context),
				 "cut at %u, heal cut %d at %u", at, cuts[i],
				 k);
			cut_heal_at(story, safe, k, cuts[i]);
			fake_storage_empty();
			put_back(&before, fake.dir);
			settle();
		}
	drop(&before);
	clear();
}

static void cut_all_heals(const struct story *story, unsigned at_step,
			  unsigned heal_step)
{
	unsigned calls;

	fill_free_space(story);
	calls = count_calls(story);
	for (unsigned at = 5; at <= calls; at += at_step * stride())
		cut_heals_after(story, at, heal_step);
	tell_cases();
	forget_free_space();
	fake_tape_open(&tape, 1, 24, 8000, 256);
}

static void test_heal_cut_at_every_call(void **unused)
{
	(void)unused;
	cut_all_heals(&simple, 7, 1);
}

static void test_heal_cut_where_everything_happens(void **unused)
{
	(void)unused;
	cut_all_heals(&all, 41, 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_cut_at_every_call),
		CASE(test_heal_cut_at_every_call),
		CASE(test_heal_cut_where_everything_happens),
	};

	return cmocka_run_group_tests_name("heal_cuts", tests, NULL, NULL);
}
