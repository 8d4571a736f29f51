/*
 * Any bytes as a track file. Whatever the verdict: the valid prefix lies in the
 * file, and that prefix alone, taken for a file that was not finished, is valid
 * to the same sample and byte, with the same MD5.
 *
 * libFuzzer: clang -fsanitize=fuzzer,address,undefined.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "take/flac_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
	if (!holds)
		abort();
}

struct heard {
	const struct flac_check *result;
	uint64_t next;
	int32_t sum; /* so that every sample is looked at */
};

static int hear(void *user, const int32_t *const *planes, unsigned count,
		uint64_t position)
{
	struct heard *heard = user;
	unsigned c, i;

	check(position == heard->next && count > 0);
	for (c = 0; c < heard->result->head.info.channels; c++)
		for (i = 0; i < count; i++)
			heard->sum ^= planes[c][i];
	heard->next += count;
	return 0;
}

static void check_result(const struct flac_check *result, size_t size)
{
	check(result->valid_bytes <= size);
	check(result->trailing == size - result->valid_bytes);
	check((result->verdict == FLAC_WHOLE) == (result->error[0] == 0));
	check(!strchr(result->error, '\n'));
	check(result->verdict != FLAC_WHOLE || result->md5_right ||
	      !result->md5_known);
	check(result->verdict != FLAC_CUT || result->faults == 0);
	check(!result->resumes_at || result->resumes_at > result->samples);
	check(result->verdict != FLAC_NOT || result->samples == 0);
}

/* The prefix by itself, its head given from outside. */
static void check_prefix(int fd, const struct flac_check *whole)
{
	struct flac_streaminfo info = whole->head.info;
	struct flac_check_want want = {.info = &info,
				       .first_frame = whole->first_frame};
	struct flac_check result;

	check(ftruncate(fd, (off_t)whole->valid_bytes) == 0);
	check(flac_check_fd(fd, &want, &result) == 0);
	check(result.samples == whole->samples);
	check(result.valid_bytes == whole->valid_bytes);
	check(memcmp(result.md5.word, whole->md5.word, 16) == 0);
}

static void count_tag(void *user, const char *name, const char *value)
{
	*(size_t *)user += strlen(name) + strlen(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct flac_check result;
	struct heard heard = {.result = &result};
	struct flac_check_want want = {.samples = hear, .user = &heard};
	size_t tags = 0;
	char path[64];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	check(fd >= 0);
	check(write(fd, data, size) == (ssize_t)size);
	want.unfinished = size & 1;
	check(flac_check_fd(fd, &want, &result) == 0);
	check(heard.next == result.samples);
	check_result(&result, size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	flac_read_tags(path, count_tag, &tags);
	check(tags <= size);
	if (result.samples)
		check_prefix(fd, &result);
	close(fd);
	return 0;
}
