/*
 * checked_flac: what the tests of flac_check share: two takes of one format,
 * one of them with a head, and flac_check on bytes in memory. After cmocka.h.
 */
#ifndef TESTS_CHECKED_FLAC_H
#define TESTS_CHECKED_FLAC_H

#include <unistd.h>
#include <sys/mman.h>

#include "take/flac_check.h"
#include "make_flac.h"

static const struct make mono = {.channels = 1,
				 .bits = 24,
				 .rate = 48000,
				 .block = 1152,
				 .samples = 60 * 1152 + 500,
				 .seed = 11};
static const struct make other = {.channels = 1,
				  .bits = 24,
				  .rate = 48000,
				  .block = 1152,
				  .samples = 60 * 1152 + 500,
				  .seed = 12};

static uint32_t seed = 99;
static struct made made, stale; /* of mono and other */

static inline int set_up(void **unused)
{
	(void)unused;
	make_frames(&made, &mono);
	make_frames(&stale, &other);
	make_head(&made, true, mono.samples);
	return 0;
}

static inline int tear_down(void **unused)
{
	(void)unused;
	unmake(&made);
	unmake(&stale);
	return 0;
}

static inline int check_want(const void *data, size_t size,
			     const struct flac_check_want *want,
			     struct flac_check *result)
{
	int fd = memfd_create("flac", MFD_CLOEXEC), error;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	error = flac_check_fd(fd, want, result);
	close(fd);
	return error;
}

static inline struct flac_check check(const void *data, size_t size)
{
	struct flac_check result;

	assert_int_equal(check_want(data, size, NULL, &result), 0);
	return result;
}

static inline void assert_prefix(const struct flac_check *result,
				 uint64_t samples, uint64_t bytes,
				 uint64_t size)
{
	if (result->samples != samples || result->valid_bytes != bytes)
		print_error("%llu samples, %llu bytes; \"%s\"\n",
			    (unsigned long long)result->samples,
			    (unsigned long long)result->valid_bytes,
			    result->error);
	assert_int_equal(result->samples, samples);
	assert_int_equal(result->valid_bytes, bytes);
	assert_int_equal(result->trailing, size - bytes);
}

/* The end of the last whole frame at or before the byte at. */
static inline size_t frame_end_before(size_t at)
{
	size_t end = FLAC_HEAD_BYTES;
	unsigned i;

	for (i = 0; i < made.frames; i++)
		if (made.frame[i].at + made.frame[i].size <= at)
			end = made.frame[i].at + made.frame[i].size;
	return end;
}

static inline unsigned frame_of(size_t at)
{
	unsigned i = 0;

	while (made.frame[i].at + made.frame[i].size <= at)
		i++;
	return i;
}

/* A byte of some frame but the last one. */
static inline size_t any_byte(void)
{
	return FLAC_HEAD_BYTES +
	       made_chance(&seed, (uint32_t)(made.frame[made.frames - 1].at -
					     FLAC_HEAD_BYTES));
}

static inline uint8_t *copy(size_t room)
{
	uint8_t *data = malloc(room);

	assert_non_null(data);
	memcpy(data, made.data, made.size < room ? made.size : room);
	return data;
}

#endif
