/*
 * marks: what stands in a log of writes, at one place of the disk that no file
 * has, about the takes that were recorded meanwhile: how much had been played,
 * and how much of that had been called safe (witness.c, powercut_guest.sh).
 * What is wrong with them ends the program.
 */
#ifndef BENCH_MARKS_H
#define BENCH_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/write_log.h"

enum mark_kind { MARK_BEGIN, MARK_TAKE, MARK_DONE };

struct mark {
	size_t index; /* of its write */
	enum mark_kind kind;
	char name[64];
	uint64_t played, durable; /* frames of the take */
};

struct marks {
	struct mark *mark;
	size_t count;
};

/* place: byte of the disk. */
void marks_read(struct marks *marks, const struct write_log *log,
		uint64_t place);

/* The write with which the recording begins that is to be cut off. */
size_t marks_begin(const struct marks *marks);

/* Without them nothing would be known of that take: prints how many there are.
 */
void marks_check(const struct marks *marks, const char *name);

/* What was said of a take until the cut, and the first thing after it. */
struct marks_known {
	bool done;
	uint64_t durable, played;
	uint64_t claimed; /* by every head: what was safe a round earlier */
};

/* cut: entries of the log before it. */
struct marks_known marks_known(const struct marks *marks, const char *name,
			       size_t cut);

/* Prints the last mark before that entry, whoever made it. */
void marks_print_last(const struct write_log *log, size_t end);

#endif
