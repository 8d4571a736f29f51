/*
 * log_limit: which lines of the log are too many.
 *
 * Counts per call site. LOG_LIMIT_LINES lines in a window of LOG_LIMIT_NS
 * pass, the others are counted; when the window is over, the count can be
 * collected and the next line opens a new window. Fixed memory: with more busy
 * sites than LOG_LIMIT_SITES the one whose window is oldest gives way.
 *
 * Pure; one thread at a time. Zeroed memory is the start.
 */
#ifndef TAKEBOX_LOG_LIMIT_H
#define TAKEBOX_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LOG_LIMIT_LINES	   10
#define LOG_LIMIT_NS	   10000000000LL
#define LOG_LIMIT_SITES	   64
#define LOG_LIMIT_TEXT_MAX 120

struct log_site {
	const char *file; /* by pointer; NULL: slot is free */
	int line;
	int level;
	int64_t start_ns; /* of the window */
	unsigned passed;
	unsigned suppressed;
	char text[LOG_LIMIT_TEXT_MAX]; /* of the last suppressed line, cut */
};

struct log_limit {
	struct log_site site[LOG_LIMIT_SITES];
};

/* Whether this line is to be written. now_ns: monotonic. */
bool log_limit_pass(struct log_limit *limit, const char *file, int line,
		    int level, const char *text, int64_t now_ns);

/* The next site whose window is over and that suppressed lines; it is emptied,
 * and copied to *out. False: there is none. Call it until then, before
 * log_limit_pass. */
bool log_limit_collect(struct log_limit *limit, int64_t now_ns,
		       struct log_site *out);

#endif
