/*
 * check_take: starts takes from a fake_tape in the fake_storage's folder, waits
 * for them, and compares what is in the folder, decoded by libFLAC, with what
 * was on the tape, sample by sample.
 */
#ifndef TESTS_CHECK_TAKE_H
#define TESTS_CHECK_TAKE_H

/* After cmocka.h and what it needs. */
#include <poll.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "fake_storage.h"
#include "fake_tape.h"
#include "take/flac_check.h"
#include "take/ledger.h"
#include "take/take.h"
#include "tests/support/stock_flac.h"

#define DEADLINE_NS (60 * NS_PER_S)

/* What a ledger that was made anew does not know. */
static void (*check_fill_in)(struct take_info *info);
static char check_context[64]; /* said when something is wrong */

/* ---- plans ---- */

static inline void plan_track(struct take_info *info, unsigned first,
			      unsigned channels, bool armed)
{
	struct take_track *track = &info->track[info->tracks];

	track->number = ++info->tracks;
	snprintf(track->name, sizeof(track->name), "Track %u", track->number);
	snprintf(track->stem, sizeof(track->stem), "%02u-Track-%u",
		 track->number, track->number);
	track->channels[0] = first;
	track->channels[1] = first + 1;
	track->channel_count = channels;
	track->armed = armed;
}

static inline void plan_info(struct take_info *info,
			     const struct fake_tape *tape, uint64_t start)
{
	*info = (struct take_info){
		.session = "Session",
		.name = "Take-001",
		.artist = "The Fakes",
		.device = "hw:FAKE",
		.interface = "Fake interface",
		.identity = "fake-1",
		.format = "S32_LE",
		.date = "2026-11-21T10:00:00+00:00",
		.clock_set = true,
		.start = start,
		.rate = tape->reader.facts->rate,
		.bits = tape->bits,
		.level = 2,
	};
	fake_tape_name(tape, info->tape);
}

/* One mono track to each channel, all armed. */
static inline void plan_all(struct take_info *info,
			    const struct fake_tape *tape, uint64_t start)
{
	plan_info(info, tape, start);
	for (unsigned c = 0; c < tape->reader.facts->channels; c++)
		plan_track(info, c, 1, true);
}

static inline struct take_plan plan_take(const struct fake_tape *tape,
					 const struct take_info *info)
{
	return (struct take_plan){
		.storage = &fake_storage,
		.tape = tape ? &tape->reader : NULL,
		.dir = fake_storage_dir(),
		.parents = {-1, -1, -1},
		.info = info,
		.sync_seconds = 0,
		.workers = 2,
		.stop = TAKE_FOREVER,
	};
}

/* ---- waiting ---- */

typedef bool (*wanted_fn)(const struct take_status *status, uint64_t value);

static inline struct take_status wait_until(struct take *take, wanted_fn wanted,
					    uint64_t value)
{
	int64_t deadline = clock_now_ns() + DEADLINE_NS;
	struct take_status status;

	for (;;) {
		take_get_status(take, &status);
		if (wanted(&status, value))
			return status;
		if (clock_now_ns() > deadline)
			fail_msg("waited too long: state %d, %llu encoded",
				 status.state,
				 (unsigned long long)status.encoded);
		poll(NULL, 0, 1);
	}
}

static inline bool is_over(const struct take_status *status, uint64_t unused)
{
	(void)unused;
	return status->state == TAKE_DONE || status->state == TAKE_FAILED;
}

static inline bool is_finishing(const struct take_status *status,
				uint64_t unused)
{
	return status->state == TAKE_FINISHING || is_over(status, unused);
}

static inline bool is_recording(const struct take_status *status,
				uint64_t unused)
{
	return status->state == TAKE_RECORDING || is_over(status, unused);
}

static inline bool has_encoded(const struct take_status *status,
			       uint64_t frames)
{
	return status->encoded >= frames || is_over(status, 0);
}

static inline bool has_synced(const struct take_status *status, uint64_t frames)
{
	return status->durable >= frames || is_over(status, 0);
}

static inline struct take_status wait_over(struct take *take)
{
	return wait_until(take, is_over, 0);
}

static inline struct take_status wait_done(struct take *take)
{
	struct take_status status = wait_over(take);

	if (status.state != TAKE_DONE)
		print_error("failed: %s (%d)\n", status.reason, status.error);
	assert_int_equal(status.state, TAKE_DONE);
	return status;
}

/* ---- comparing ---- */

struct checked {
	struct take_info info; /* by the ledger alone */
	bool armed_first[TAKE_TRACKS_MAX];
	const struct fake_tape *tape;
	unsigned track; /* under the decoder, as an index */
	uint64_t part_start;
	uint64_t errors, first_error;
};

static inline int check_entry(void *context, const json_t *entry)
{
	struct checked *checked = context;
	bool first = checked->info.tracks == 0;
	int error = take_info_apply(&checked->info, entry);

	for (unsigned i = 0; first && i < checked->info.tracks; i++)
		checked->armed_first[i] = checked->info.track[i].armed;
	return error;
}

static inline uint64_t member(const json_t *entry, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(entry, key));
}

/* Whether a track sounds at frame at of the take, by the ledger. */
static inline bool check_sounds(const struct checked *checked, unsigned index,
				uint64_t at)
{
	bool on = checked->armed_first[index];
	size_t i;
	json_t *entry;

	json_array_foreach(
		checked->info.arms, i,
		entry) if (member(entry, "track") ==
				   checked->info.track[index].number &&
			   member(entry, "at") <= at) on =
		json_is_true(json_object_get(entry, "on"));
	return on;
}

static inline bool is_overrun(const json_t *gap)
{
	return strcmp(json_string_value(json_object_get(gap, "cause")),
		      TAKE_OVERRUN) == 0;
}

/* Whether there is such a gap in frames [from, to). */
static inline bool check_overrun(const struct checked *checked, uint64_t from,
				 uint64_t to)
{
	size_t i;
	json_t *gap;

	json_array_foreach(checked->info.gaps, i, gap)
	{
		uint64_t at = member(gap, "at");

		if (is_overrun(gap) && at < to &&
		    from < at + member(gap, "frames"))
			return true;
	}
	return false;
}

/* Whether the ledger says that the medium has lost frame at of the track. */
static inline bool check_damaged(const struct checked *checked, uint64_t at)
{
	size_t i;
	json_t *note;

	json_array_foreach(checked->info.notes, i, note)
	{
		const char *type =
			json_string_value(json_object_get(note, "type"));
		uint64_t from = member(note, "at");

		if (type && strcmp(type, "damaged") == 0 &&
		    member(note, "track") ==
			    checked->info.track[checked->track].number &&
		    at >= from && at < from + member(note, "frames"))
			return true;
	}
	return false;
}

static inline int check_samples(void *user, const int32_t *const *planes,
				unsigned count, uint64_t position)
{
	struct checked *checked = user;
	const struct take_track *track = &checked->info.track[checked->track];
	uint64_t at = checked->part_start + position;
	bool on = check_sounds(checked, checked->track, at);
	bool lost = check_overrun(checked, at, at + count);

	on = on && !(checked->info.damages && check_damaged(checked, at));

	for (unsigned c = 0; c < track->channel_count; c++) {
		for (unsigned i = 0; i < count; i++) {
			int32_t wanted =
				on && !(lost && check_overrun(checked, at + i,
							      at + i + 1))
					? fake_sample(checked->tape,
						      track->channels[c],
						      checked->info.start + at +
							      i)
					: 0;

			if (planes[c][i] != wanted && checked->errors++ == 0)
				checked->first_error = at + i;
		}
	}
	return 0;
}

/* Tags and seek points, by another reader, at its own way. */
static inline void check_head(struct checked *checked, const char *file,
			      unsigned part)
{
	static struct stock_flac flac;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", fake.path, file);
	stock_flac_open(&flac, path, check_samples, checked);
	stock_flac_check(&flac, &checked->info,
			 &checked->info.track[checked->track], part, 2);
	stock_flac_close(&flac);
	if (flac.fault[0] || checked->errors)
		fail_msg("%s: %s: %s; %llu wrong from frame %llu on",
			 check_context, file, flac.fault,
			 (unsigned long long)checked->errors,
			 (unsigned long long)checked->first_error);
}

static inline void check_file(struct checked *checked, unsigned part)
{
	const struct take_track *track = &checked->info.track[checked->track];
	struct flac_check_want want = {.samples = check_samples,
				       .user = checked};
	unsigned parts = take_info_parts(&checked->info);
	uint64_t end = part + 1 < parts
			       ? take_info_part_start(&checked->info, part + 1)
			       : checked->info.frames;
	struct flac_check result;
	char name[TAKE_FILE_MAX];
	int file;

	checked->part_start = take_info_part_start(&checked->info, part);
	take_info_file(track, part, name);
	file = openat(fake.dir, name, O_RDONLY);
	if (file < 0)
		fail_msg("%s: %s is missing", check_context, name);
	assert_int_equal(flac_check_fd(file, &want, &result), 0);
	close(file);
	if (result.verdict != FLAC_WHOLE || checked->errors ||
	    result.samples != end - checked->part_start)
		fail_msg("%s %s: %s, %llu samples of %llu, %llu wrong from "
			 "frame %llu on, verdict %d",
			 check_context, name, result.error,
			 (unsigned long long)result.samples,
			 (unsigned long long)(end - checked->part_start),
			 (unsigned long long)checked->errors,
			 (unsigned long long)checked->first_error,
			 result.verdict);
	assert_true(result.md5_known && result.md5_right);
	assert_true(result.head.finished);
	assert_int_equal(result.trailing, 0);
	assert_int_equal(result.head.info.bits, checked->info.bits);
	assert_int_equal(result.head.info.rate, checked->info.rate);
	assert_int_equal(result.head.info.channels, track->channel_count);
	check_head(checked, name, part);
}

/* No file but those that the ledger knows. */
static inline void check_no_strays(const struct checked *checked)
{
	const struct take_info *info = &checked->info;
	unsigned wanted = 0, found = 0;
	DIR *list = fdopendir(openat(fake.dir, ".", O_RDONLY | O_DIRECTORY));
	struct dirent *entry;

	assert_non_null(list);
	for (unsigned i = 0; i < info->tracks; i++)
		wanted += info->track[i].filed ? take_info_parts(info) : 0;
	while ((entry = readdir(list)))
		found += strstr(entry->d_name, ".flac") != NULL;
	closedir(list);
	assert_int_equal(found, wanted);
}

/* All that a finished take must be. Finish it with checked_finish. */
static inline void check_take(struct checked *checked,
			      const struct fake_tape *tape)
{
	uint64_t torn = 0;

	*checked = (struct checked){.tape = tape};
	assert_int_equal(take_info_init(&checked->info), 0);
	assert_int_equal(ledger_read(fake.dir, check_entry, checked, &torn), 0);
	assert_int_equal(torn, 0);
	assert_true(checked->info.ended);
	if (!checked->info.tape[0] && check_fill_in)
		check_fill_in(&checked->info);
	for (unsigned i = 0; i < checked->info.tracks; i++) {
		checked->track = i;
		for (unsigned part = 0; checked->info.track[i].filed &&
					part < take_info_parts(&checked->info);
		     part++)
			check_file(checked, part);
	}
	check_no_strays(checked);
	if (fake.broken[0])
		fail_msg("%s: %s", check_context, fake.broken);
}

static inline void checked_finish(struct checked *checked)
{
	take_info_finish(&checked->info);
}

/* ---- a test's one tape ---- */

static struct fake_tape tape;

static inline int set_up(void **unused)
{
	(void)unused;
	fake_storage_open();
	return 0;
}

static inline int tear_down(void **unused)
{
	(void)unused;
	fake_tape_close(&tape);
	fake_storage_close();
	return 0;
}

/* A take that waits for what the test will play. */
static inline struct take *begin_take(const struct take_info *info,
				      uint64_t stop)
{
	struct take_plan plan = plan_take(&tape, info);
	struct take *take;

	plan.stop = stop;
	assert_int_equal(take_start(&take, &plan), 0);
	return take;
}

static inline void end_take(struct take *take, struct checked *checked)
{
	wait_done(take);
	take_destroy(take);
	check_take(checked, &tape);
}

#endif
