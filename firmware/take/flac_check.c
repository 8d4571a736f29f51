/*
 * The valid prefix is what flac_strict decodes from the first frame on. What
 * lies behind is looked at only to tell a cut from damage, and how much of the
 * take the damage took.
 */
#include "take/flac_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "take/flac_blocks.h"
#include "take/flac_search.h"
#include "take/flac_strict.h"

/* Frames hashed at a time. */
#define HASH_PART 256
/* No frame is shorter: header, one constant subframe, CRC. */
#define SHORTEST_FRAME 10
/* By chance a place that fits comes up once in gigabytes: more of them without
 * a frame are meant to keep us busy. */
#define MOST_FALSE_PLACES 1000

struct check {
	int fd;
	const struct flac_check_want *want;
	struct flac_check *result;
	uint64_t size; /* of the file */
	uint64_t end;  /* samples; UINT64_MAX: not known */
	bool unfinished;
	bool broken; /* the valid prefix ended by a fault */
};

static void say(struct check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The first thing wrong stays. */
static void say(struct check *check, const char *format, ...)
{
	char *error = check->result->error;
	va_list args;

	if (*error)
		return;
	va_start(args, format);
	vsnprintf(error, sizeof(check->result->error), format, args);
	va_end(args);
}

/* As RFC 9639 section 8.2 wants it: interleaved, little-endian, whole bytes. */
static void hash_any(struct md5_state *md5, const struct flac_streaminfo *info,
		     const int32_t *const *planes, unsigned count)
{
	uint8_t bytes[HASH_PART * 8 * 4], *p;
	unsigned width = (info->bits + 7) / 8, at, i, c, b;

	for (at = 0; at < count; at += HASH_PART) {
		for (p = bytes, i = at; i < count && i < at + HASH_PART; i++)
			for (c = 0; c < info->channels; c++)
				for (b = 0; b < width; b++)
					*p++ = (uint8_t)(planes[c][i] >> 8 * b);
		md5_update_bytes(md5, bytes, (size_t)(p - bytes));
	}
}

void flac_hash(struct md5_state *md5, const struct flac_streaminfo *info,
	       const int32_t *const *planes, unsigned count)
{
	unsigned width = (info->bits + 7) / 8;
	struct md5_source source = {{planes[0], planes[info->channels - 1]}};

	if (info->channels <= 2 && (width == 2 || width == 3))
		md5_update(&md5, &source, 1, info->channels, width, count);
	else
		hash_any(md5, info, planes, count);
}

static int take_samples(void *user, const int32_t *const *planes,
			unsigned count, uint64_t position)
{
	struct check *check = user;
	const struct flac_check_want *want = check->want;

	flac_hash(&check->result->md5, &check->result->head.info, planes,
		  count);
	if (!want->samples)
		return 0;
	return want->samples(want->user, planes, count, position);
}

static int decode_prefix(struct check *check)
{
	struct flac_check *result = check->result;
	struct flac_strict strict = {.fd = check->fd,
				     .size = check->size,
				     .info = result->head.info,
				     .end = check->end,
				     .take = take_samples,
				     .user = check,
				     .byte = result->first_frame};
	int error = flac_strict_decode(&strict);

	result->samples = strict.sample;
	result->frames = strict.frames;
	result->valid_bytes = strict.byte;
	check->broken = strict.fault != NULL;
	if (strict.fault)
		say(check, "%s at sample %llu, byte %llu", strict.fault,
		    (unsigned long long)strict.sample,
		    (unsigned long long)strict.byte);
	return error;
}

/* Whether the bytes between can have held the frames between: an older take's
 * frames, that come right behind a cut, mostly fail here. */
static bool is_plausible(const struct flac_streaminfo *info, uint64_t bytes,
			 uint64_t samples)
{
	uint64_t frames = samples / info->max_block;
	uint64_t shortest = info->min_frame ? info->min_frame : SHORTEST_FRAME;
	uint64_t longest = info->max_frame
				   ? info->max_frame
				   : info->channels * (info->bits / 8 + 2ULL) *
						     info->max_block +
					     64;

	if (info->min_block < info->max_block)
		return true; /* frames cannot be counted */
	return frames > 0 && bytes / frames >= shortest &&
	       bytes / frames <= longest;
}

/* Finds where behind the cursor frames of this take go on, and decodes them;
 * counts what lies between. 1 found, 0 there is none. */
static int resume(struct check *check, struct flac_strict *cursor,
		  unsigned *false_places)
{
	struct flac_check *result = check->result;
	struct flac_strict try = *cursor;
	struct flac_place place = {.byte = cursor->byte};
	int found;

	for (; *false_places < MOST_FALSE_PLACES; ++*false_places) {
		do {
			found = flac_search(check->fd, &cursor->info,
					    place.byte + 1, check->size,
					    cursor->sample + 1, cursor->end,
					    &place);
			if (found != 1)
				return found;
		} while (!is_plausible(&cursor->info, place.byte - cursor->byte,
				       place.sample - cursor->sample));
		try.byte = place.byte;
		try.sample = place.sample;
		found = flac_strict_decode(&try);
		if (found < 0)
			return found;
		if (try.frames == 0)
			continue;
		result->faults++;
		result->lost += place.sample - cursor->sample;
		if (!result->resumes_at)
			result->resumes_at = place.sample;
		*cursor = try;
		return 1;
	}
	return 0;
}

/* Counts what of the take is whole behind the valid prefix, and what is not. */
static int search(struct check *check, uint64_t promised)
{
	struct flac_check *result = check->result;
	struct flac_strict cursor = {.fd = check->fd,
				     .size = check->size,
				     .info = result->head.info,
				     .end = promised ? promised : check->end,
				     .byte = result->valid_bytes,
				     .sample = result->samples};
	unsigned false_places = 0;
	int found;

	do
		found = resume(check, &cursor, &false_places);
	while (found == 1 && cursor.sample < cursor.end);
	if (promised > cursor.sample) {
		result->lost += promised - cursor.sample;
		result->faults += result->faults > 0;
	}
	return found < 0 ? found : 0;
}

static void compare_md5(struct flac_check *result)
{
	static const uint8_t none[16];
	uint8_t digest[16];

	md5_digest(&result->md5, digest);
	result->md5_known = memcmp(result->head.info.md5, none, 16) != 0;
	result->md5_right = memcmp(result->head.info.md5, digest, 16) == 0;
}

static void judge_complete(struct check *check)
{
	struct flac_check *result = check->result;

	if (result->md5_known && !result->md5_right)
		say(check,
		    "all %llu samples are there, but their MD5 is not "
		    "the stored one",
		    (unsigned long long)result->samples);
	else if (result->head_damaged)
		say(check, "the samples are all there, but the metadata before "
			   "them is damaged");
	else
		result->error[0] = 0;
	result->verdict = result->error[0] ? FLAC_DAMAGED : FLAC_WHOLE;
}

static int judge(struct check *check)
{
	struct flac_check *result = check->result;
	uint64_t promised = result->head.info.samples;
	int error = 0;

	if (promised > check->end)
		promised = check->end;
	compare_md5(result);
	result->trailing = check->size > result->valid_bytes
				   ? check->size - result->valid_bytes
				   : 0;
	if (!check->unfinished &&
	    (promised ? result->samples == promised
		      : !check->broken && !result->trailing)) {
		judge_complete(check);
		return 0;
	}
	/* Behind what was durable a running file may be anything. */
	if (!check->want->prefix_only &&
	    (!check->unfinished || result->samples < promised))
		error = search(check, promised);
	result->verdict = result->faults ? FLAC_DAMAGED : FLAC_CUT;
	if (promised > result->samples)
		say(check, "the file ends after %llu of %llu samples",
		    (unsigned long long)result->samples,
		    (unsigned long long)promised);
	else
		say(check,
		    "the file was not finished: it ends after %llu "
		    "samples",
		    (unsigned long long)result->samples);
	return error;
}

/* No frame can be looked for. */
static int judge_head(struct check *check)
{
	struct flac_check *result = check->result;

	result->trailing = check->size;
	result->lost = result->head.info.samples;
	if (result->first_frame) {
		result->verdict = FLAC_CUT;
		say(check, "the file ends before its first frame");
	} else {
		result->verdict = FLAC_DAMAGED;
		say(check, "the metadata is damaged: it does not lead to the "
			   "first frame");
	}
	return 0;
}

static int judge_foreign(struct check *check)
{
	uint8_t begin[4] = {0};

	check->result->verdict = FLAC_NOT;
	check->result->trailing = check->size;
	flac_read_at(check->fd, 0, begin, sizeof(begin));
	if (check->size == 0)
		say(check, "the file is empty");
	else if (memcmp(begin, "fLaC", 4) == 0)
		say(check, "the head of the FLAC file is damaged");
	else
		say(check, "not a FLAC file");
	return 0;
}

/* The metadata does not lead to a frame: the first one's number does. */
static int find_first_frame(struct check *check)
{
	struct flac_check *result = check->result;
	struct flac_place place;
	int found = flac_search(check->fd, &result->head.info, 0, check->size,
				0, 1, &place);

	if (found == 1)
		result->first_frame = place.byte;
	else /* perhaps it does, and that frame is what is damaged */
		result->head_damaged = !result->first_frame;
	return found < 0 ? found : 0;
}

/* The head, from the caller or the file; -EINVAL if there is none. */
static int find_head(struct check *check)
{
	const struct flac_check_want *want = check->want;
	struct flac_check *result = check->result;
	struct flac_blocks blocks;
	int error;

	if (want->info) {
		result->head.info = *want->info;
		result->first_frame = want->first_frame;
		check->unfinished = true;
		return 0;
	}
	error = flac_read_blocks(check->fd, &blocks);
	if (error)
		return error;
	result->head = blocks.head;
	result->takebox = blocks.takebox;
	result->head_damaged = blocks.damaged;
	result->first_frame = blocks.first_frame;
	if (blocks.damaged && !blocks.takebox)
		error = find_first_frame(check);
	check->unfinished =
		blocks.takebox ? !blocks.head.finished : want->unfinished;
	return 0;
}

int flac_check_fd(int fd, const struct flac_check_want *want,
		  struct flac_check *result)
{
	static const struct flac_check_want nothing;
	struct check check = {.fd = fd,
			      .want = want ? want : &nothing,
			      .result = result,
			      .end = UINT64_MAX};
	struct stat st;
	int error;

	memset(result, 0, sizeof(*result));
	md5_init(&result->md5);
	if (fstat(fd, &st))
		return -errno;
	check.size = (uint64_t)st.st_size;
	error = find_head(&check);
	if (error == -EINVAL)
		return judge_foreign(&check);
	if (error)
		return error;
	if (!result->first_frame || result->first_frame > check.size)
		return judge_head(&check);
	if (!check.unfinished && result->head.info.samples)
		check.end = result->head.info.samples;
	if (check.want->limit && check.want->limit < check.end)
		check.end = check.want->limit;
	error = decode_prefix(&check);
	return error ? error : judge(&check);
}

int flac_check_samples(const char *path, const struct flac_check_want *want,
		       struct flac_check *result)
{
	int fd = flac_open(path), error;

	memset(result, 0, sizeof(*result));
	if (fd < 0)
		return fd;
	error = flac_check_fd(fd, want, result);
	close(fd);
	return error;
}

int flac_check_file(const char *path, struct flac_check *result)
{
	return flac_check_samples(path, NULL, result);
}
