/*
 * take_story: takes on which things happen, told to the fake_storage, and gone
 * on with or healed; and what must come of them.
 */
#ifndef TESTS_TAKE_STORY_H
#define TESTS_TAKE_STORY_H

/* After cmocka.h and what it needs. */
#include "check_take.h"
#include "take/encoder.h"

#define BLOCK ENCODER_BLOCK
#define RING  (1u << 16)
#define START 3000u

static bool wrote[FAKE_CALLS_MAX]; /* which calls of a story are writes */

static unsigned cases; /* of a test that has many */

static inline void tell_cases(void)
{
	print_message("%u cases\n", cases);
	cases = 0;
}

/* --- a take on which everything happens --- */

struct story {
	unsigned blocks;	 /* whole ones, and a bit */
	uint64_t max_file_bytes; /* 0: one part */
	bool late;		 /* track 3 is armed late, 2 off and on */
	bool gaps;
};

static const struct story simple = {.blocks = 6};
static const struct story parts = {.blocks = 12, .max_file_bytes = 200000};
static const struct story late = {.blocks = 9, .late = true, .gaps = true};
static const struct story all = {
	.blocks = 14, .max_file_bytes = 200000, .late = true, .gaps = true};

static inline uint64_t story_frames(const struct story *story)
{
	return story->blocks * BLOCK + 1000;
}

static inline struct take *begin(const struct story *story)
{
	struct take_info info;
	struct take_plan plan;
	struct take *take;

	fake_tape_skip(&tape, START);
	plan_info(&info, &tape, START);
	info.level = 0;
	plan_track(&info, 0, 1, true);
	plan_track(&info, 1, 2, true);
	plan_track(&info, 3, 1, !story->late);
	plan = plan_take(&tape, &info);
	plan.max_file_bytes = story->max_file_bytes;
	assert_int_equal(take_start(&take, &plan), 0);
	if (!story->late)
		return take;
	assert_int_equal(take_arm(take, 2, false, START + 2 * BLOCK), 0);
	assert_int_equal(take_arm(take, 3, true, START + 4 * BLOCK + 5), 0);
	assert_int_equal(take_arm(take, 2, true, START + 5 * BLOCK), 0);
	return take;
}

static inline void play(const struct story *story)
{
	uint64_t left = story_frames(story);

	if (story->gaps) {
		fake_tape_play(&tape, 10000);
		fake_tape_lose(&tape, 500, TAPE_GAP_LATE);
		fake_tape_play(&tape, 6000);
		fake_tape_lose(&tape, 1, TAPE_GAP_STOPPED);
		left -= 16501;
	}
	fake_tape_play(&tape, left);
}

/* The tags are longer than a sector for it. */
static const char long_name[] =
	"here, where the second verse begins again since the first one was "
	"too fast, as the drummer had said before, and nobody had listened; "
	"this one is the one to keep, but for the last bar, of which the one "
	"of the take before is better, and for the voice, which comes later "
	"anyway, and for that of the neighbour's dog, who was not asked; "
	"whoever mixes this may find the rest in the notes on the wall";

/* All of it, with whatever fault the storage has been given. */
static inline struct take_status tell(const struct story *story)
{
	struct take_status status;
	struct take *take;

	fake_tape_open(&tape, 4, 24, 8000, RING);
	take = begin(story);
	take_mark(take, START + 12345, long_name);
	play(story);
	take_stop(take, START + story_frames(story), "stop");
	status = wait_over(take);
	take_destroy(take);
	return status;
}

static inline struct take_status resume(const struct story *story,
					bool with_tape)
{
	struct take_plan plan = plan_take(with_tape ? &tape : NULL, NULL);
	struct take_status status;
	struct take *take;

	plan.max_file_bytes = story->max_file_bytes;
	plan.stop = START + story_frames(story);
	assert_int_equal(take_resume(&take, &plan), 0);
	status = wait_over(take);
	take_destroy(take);
	return status;
}

static inline bool has_started(void)
{
	struct checked checked = {0};
	bool started;

	assert_int_equal(take_info_init(&checked.info), 0);
	started = ledger_read(fake.dir, check_entry, &checked, NULL) == 0 &&
		  checked.info.tracks > 0;
	take_info_finish(&checked.info);
	return started;
}

static inline unsigned count_calls(const struct story *story)
{
	unsigned calls;

	fake_storage_reset(FAKE_NONE, 0, FAKE_UNDONE);
	assert_int_equal(tell(story).state, TAKE_DONE);
	calls = fake.calls;
	memcpy(wrote, fake.wrote, sizeof(wrote));
	fake_tape_close(&tape);
	fake_storage_empty();
	return calls;
}

static inline void check_gaps(const struct story *story,
			      const struct checked *checked)
{
	if (!story->gaps || checked->info.frames < 20000)
		return;
	assert_int_equal(checked->info.gap_count, 2);
	assert_int_equal(checked->info.gap_frames, 501);
	assert_int_equal(member(json_array_get(checked->info.gaps, 0), "at"),
			 10000);
	assert_int_equal(member(json_array_get(checked->info.gaps, 1), "at"),
			 16500);
}

/* What is being tried, for whoever reads of a failure. */
static inline void announce(const char *what, unsigned at, enum fake_how how)
{
	snprintf(check_context, sizeof(check_context), "%s at call %u, way %d",
		 what, at, how);
}

/* CALL_STRIDE=9: only each ninth, where a sanitizer makes each slow. */
static inline unsigned stride(void)
{
	const char *text = getenv("CALL_STRIDE");
	int value = text ? atoi(text) : 1;

	return value > 0 ? (unsigned)value : 1;
}

/* Nothing but the end of the take may be missing, and that not before it was
 * safe. */
static inline void check_prefix(const struct story *story, uint64_t safe)
{
	struct checked checked;

	check_take(&checked, &tape);
	if (checked.info.frames < safe ||
	    checked.info.frames > story_frames(story))
		fail_msg("%s: %llu frames of %llu, of which %llu were safe",
			 check_context, (unsigned long long)checked.info.frames,
			 (unsigned long long)story_frames(story),
			 (unsigned long long)safe);
	check_gaps(story, &checked);
	checked_finish(&checked);
}

static inline void clear(void)
{
	fake_tape_close(&tape);
	fake_storage_empty();
}

#endif
