/* Holding a take's files against its ledger. */
#include "take/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "take/heal.h"
#include "take/ledger.h"
#include "take/verify_clock.h"
#include "take/verify_json.h"

#define PROBLEM_MAX 256

struct verify {
	const char *folder;
	verify_fn fn;
	void *context;
	struct verify_result *result;

	/* The file under way. */
	const struct flac_check *check;
	uint64_t start; /* its first frame in the take */
	size_t gap;	/* the first that can still touch what comes */
	uint64_t noise; /* frame in the take that should be silent; 0: none */
	uint32_t peak;	/* of the track so far */
	char problem[PROBLEM_MAX];
};

static void __attribute__((format(printf, 2, 3)))
complain(struct verify *verify, const char *format, ...)
{
	va_list args;

	if (verify->problem[0])
		return; /* the first one says most */
	va_start(args, format);
	vsnprintf(verify->problem, sizeof(verify->problem), format, args);
	va_end(args);
	verify->result->problems++;
}

static uint64_t number(const json_t *entry, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(entry, key));
}

static void measure(struct verify *verify, const int32_t *plane, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint32_t level =
			plane[i] < 0 ? -(uint32_t)plane[i] : (uint32_t)plane[i];

		if (level > verify->peak)
			verify->peak = level;
	}
}

static void look_for_noise(struct verify *verify, const int32_t *plane,
			   uint64_t at, uint64_t from, uint64_t to)
{
	for (uint64_t p = from; p < to && !verify->noise; p++)
		if (plane[p - at] != 0)
			verify->noise = p;
}

/* Samples in a gap must be silence. at: their place in the take. */
static void check_gaps(struct verify *verify, const int32_t *plane,
		       unsigned count, uint64_t at)
{
	const json_t *gaps = verify->result->info.gaps;

	for (size_t i = verify->gap; i < json_array_size(gaps); i++) {
		const json_t *gap = json_array_get(gaps, i);
		uint64_t from = number(gap, "at");
		uint64_t to = from + number(gap, "frames");

		if (from >= at + count)
			break;
		look_for_noise(verify, plane, at, from > at ? from : at,
			       to < at + count ? to : at + count);
	}
}

static int on_samples(void *user, const int32_t *const *planes, unsigned count,
		      uint64_t position)
{
	struct verify *verify = user;

	for (unsigned c = 0; c < verify->check->head.info.channels; c++) {
		measure(verify, planes[c], count);
		check_gaps(verify, planes[c], count, verify->start + position);
	}
	return 0;
}

static uint64_t part_length(const struct take_info *info, unsigned part)
{
	uint64_t end = part + 1 < take_info_parts(info)
			       ? take_info_part_start(info, part + 1)
			       : info->frames;

	return end - take_info_part_start(info, part);
}

/* A file of another take can be whole, too. */
static void compare_hash(struct verify *verify, const struct take_track *track,
			 unsigned part, const struct flac_check *check)
{
	const char *wanted = take_info_md5(&verify->result->info, track, part);
	char text[33];

	for (int i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02x", check->head.info.md5[i]);
	if (!wanted && verify->result->info.ended)
		complain(verify, "the ledger does not have its MD5: whether it "
				 "is what was recorded cannot be said");
	if (wanted && strcmp(wanted, text) != 0)
		complain(verify,
			 "it is another file than the one that was recorded: "
			 "its MD5 is %s, the ledger has %s",
			 text, wanted);
}

static void judge_file(struct verify *verify, const struct take_track *track,
		       unsigned part, const struct flac_check *check)
{
	const struct take_info *info = &verify->result->info;
	const struct flac_streaminfo *stream = &check->head.info;
	bool ended = info->ended || part + 1 < take_info_parts(info);

	if (check->verdict == FLAC_DAMAGED || check->verdict == FLAC_NOT)
		complain(verify, "%s", check->error);
	if (stream->rate != info->rate || stream->bits != info->bits ||
	    stream->channels != track->channel_count)
		complain(verify,
			 "it holds %u Hz, %u bits, %u channels; the ledger "
			 "says %u, %u, %u",
			 stream->rate, stream->bits, stream->channels,
			 info->rate, info->bits, track->channel_count);
	if (!ended)
		return;
	if (check->samples != part_length(info, part))
		complain(verify, "it holds %llu frames; the take has %llu",
			 (unsigned long long)check->samples,
			 (unsigned long long)part_length(info, part));
	if (check->verdict != FLAC_WHOLE)
		complain(verify, "%s", check->error);
	if (!check->md5_known)
		complain(verify, "its MD5 is missing");
	else
		compare_hash(verify, track, part, check);
	if (check->trailing > 0)
		complain(verify, "%llu bytes stand behind its end",
			 (unsigned long long)check->trailing);
	if (verify->noise)
		complain(verify,
			 "there is sound at frame %llu, in a gap of the "
			 "ledger",
			 (unsigned long long)verify->noise);
}

static void check_file(struct verify *verify, const struct take_track *track,
		       unsigned part)
{
	struct flac_check_want want = {.samples = on_samples, .user = verify};
	struct flac_check check = {0};
	char name[TAKE_FILE_MAX], path[PATH_MAX];
	int error;

	take_info_file(track, part, name);
	snprintf(path, sizeof(path), "%s/%s", verify->folder, name);
	verify->problem[0] = '\0';
	verify->noise = 0;
	verify->gap = 0;
	verify->check = &check;
	verify->start = take_info_part_start(&verify->result->info, part);
	error = flac_check_samples(path, &want, &check);
	if (error < 0)
		complain(verify, "it cannot be read: %s", strerror(-error));
	else
		judge_file(verify, track, part, &check);
	verify->result->files++;
	verify->fn(verify->context, track, name, &check, verify->problem);
	verify->check = NULL;
}

static void check_track(struct verify *verify, const struct take_track *track)
{
	const struct take_info *info = &verify->result->info;

	verify->peak = 0;
	for (unsigned part = 0; part < take_info_parts(info); part++)
		check_file(verify, track, part);
	verify->problem[0] = '\0';
	/* A resumed or healed take's ledger knows the peaks from there on. */
	if (info->ended && verify->peak < track->peak)
		complain(verify,
			 "%s: its loudest sample is %u, the ledger has %u",
			 track->name, verify->peak, track->peak);
	if (verify->problem[0])
		verify->fn(verify->context, NULL, "", NULL, verify->problem);
}

static int apply(void *context, const json_t *entry)
{
	return take_info_apply(context, entry);
}

static int read_ledger(struct verify *verify)
{
	struct take_info *info = &verify->result->info;
	int dir = open(verify->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t torn = 0;
	int error;

	if (dir < 0)
		return -errno;
	error = ledger_read(dir, apply, info, &torn);
	/* By any name that a take can have. */
	if (error == 0 && info->tracks == 0 && torn == 0 &&
	    heal_look(dir, "Take-001") == HEAL_EMPTY)
		error = -ENODATA;
	close(dir);
	if (error < 0 && error != -EINVAL)
		return error;
	verify->problem[0] = '\0';
	if (error == -EINVAL || info->tracks == 0)
		complain(verify, "the ledger contradicts itself");
	else if (torn > 0)
		complain(verify, "%llu bytes of the ledger are torn",
			 (unsigned long long)torn);
	if (verify->problem[0])
		verify->fn(verify->context, NULL, "", NULL, verify->problem);
	return 0;
}

/* What the recorder, or a heal, knows that the medium has lost. */
static bool has_found(const json_t *list)
{
	size_t index;
	json_t *entry;

	json_array_foreach(list, index, entry)
	{
		if (json_is_true(json_object_get(entry, "found")))
			return true;
	}
	return false;
}

static bool has_lost_entries(const struct take_info *info)
{
	size_t index;
	json_t *note;

	json_array_foreach(info->notes, index, note)
	{
		const char *type =
			json_string_value(json_object_get(note, "type"));

		if (type && strcmp(type, "entries-lost") == 0)
			return true;
	}
	return has_found(info->arms) || has_found(info->parts);
}

/* What is said of the ledger itself. */
static void tell_losses(struct verify *verify)
{
	verify->problem[0] = '\0';
	if (!has_lost_entries(&verify->result->info))
		return;
	complain(verify, "the ledger had lost entries that were safe, before a "
			 "heal: gaps and markers may be missing from it");
	verify->fn(verify->context, NULL, "", NULL, verify->problem);
}

static void tell_damages(struct verify *verify)
{
	const struct take_info *info = &verify->result->info;
	size_t index;
	json_t *note;

	json_array_foreach(info->notes, index, note)
	{
		const char *type =
			json_string_value(json_object_get(note, "type"));

		verify->problem[0] = '\0';
		if (type && strcmp(type, "rebuilt") == 0)
			complain(verify, "the ledger was lost and made anew "
					 "from the files: what it said of gaps "
					 "is lost");
		else if (type && strcmp(type, "damaged") == 0)
			complain(verify,
				 "the medium has lost %llu frames of track "
				 "%llu, from frame %llu on",
				 (unsigned long long)number(note, "frames"),
				 (unsigned long long)number(note, "track"),
				 (unsigned long long)number(note, "at"));
		if (verify->problem[0])
			verify->fn(verify->context, NULL, "", NULL,
				   verify->problem);
	}
}

/* What the takes' other tracks have, and these could have had. */
static void tell_unarmed(struct verify *verify, const json_t *list)
{
	size_t index;
	json_t *entry;

	json_array_foreach(list, index, entry)
	{
		const char *type =
			json_string_value(json_object_get(entry, "type"));
		bool late = json_object_get(entry, "asked") != NULL;

		if (!late && (!type || strcmp(type, "unarmed") != 0))
			continue;
		snprintf(verify->problem, sizeof(verify->problem),
			 "track %llu was armed at frame %llu, and the machine "
			 "was too busy: it %s",
			 (unsigned long long)number(entry, "track"),
			 (unsigned long long)number(entry,
						    late ? "asked" : "at"),
			 late ? "sounds later" : "is silent");
		verify->fn(verify->context, NULL, "", NULL, verify->problem);
	}
}

static void check_words(struct verify *verify, bool fits, const char *words)
{
	verify->problem[0] = '\0';
	if (fits)
		return;
	complain(verify, "%s", words);
	verify->fn(verify->context, NULL, "", NULL, verify->problem);
}

/* What the ledger says of time, against the length of the take, which the files
 * have been held against; and what others say of the ledger. */
static void check_telling(struct verify *verify)
{
	const struct take_info *info = &verify->result->info;
	char words[PROBLEM_MAX];

	check_words(verify, verify_clock(info, words, sizeof(words)), words);
	if (info->ended)
		check_words(
			verify,
			verify_json(info, verify->folder, words, sizeof(words)),
			words);
	tell_unarmed(verify, info->arms);
	tell_unarmed(verify, info->notes);
	/* It is not damaged, but nobody can say that it is complete. */
	if (info->unsure)
		verify->fn(verify->context, NULL, "", NULL,
			   "so much happened to the interface at once that "
			   "some of it could not be noted: gaps may be missing "
			   "from the ledger");
}

int verify_take(const char *folder, verify_fn fn, void *context,
		struct verify_result *result)
{
	struct verify verify = {.folder = folder,
				.fn = fn,
				.context = context,
				.result = result};
	int error;

	*result = (struct verify_result){0};
	if (take_info_init(&result->info) < 0)
		return -ENOMEM;
	error = read_ledger(&verify);
	if (error < 0) {
		take_info_finish(&result->info);
		return error;
	}
	for (unsigned i = 0; i < result->info.tracks; i++)
		if (result->info.track[i].filed)
			check_track(&verify, &result->info.track[i]);
	check_telling(&verify);
	tell_damages(&verify);
	tell_losses(&verify);
	if (result->problems)
		result->verdict = VERIFY_DAMAGED;
	else if (!result->info.ended)
		result->verdict = VERIFY_OPEN;
	else if (strcmp(take_info_verdict(&result->info), "gaps") == 0)
		result->verdict = VERIFY_GAPS;
	else
		result->verdict = VERIFY_COMPLETE;
	return 0;
}

const char *verify_word(enum verify_verdict verdict)
{
	static const char *const word[] = {
		[VERIFY_COMPLETE] = "sample-complete",
		[VERIFY_GAPS] = "gaps",
		[VERIFY_OPEN] = "open",
		[VERIFY_DAMAGED] = "damaged",
	};

	return word[verdict];
}
