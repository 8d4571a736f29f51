/*
 * clock: nanoseconds, in one type.
 *
 * Everything that orders or measures uses CLOCK_MONOTONIC; the wall clock is
 * read only to put a date on a take. Any thread; never fails.
 */
#ifndef TAKEBOX_CLOCK_H
#define TAKEBOX_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S  1000000000LL
#define NS_PER_MS 1000000LL

static inline int64_t clock_read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static inline int64_t clock_now_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

#endif
