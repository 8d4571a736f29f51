/*
 * numbers: which takes of a session other media have.
 *
 * Any thread.
 */
#ifndef TAKEBOX_NUMBERS_H
#define TAKEBOX_NUMBERS_H

#include <stdint.h>

/* The highest number of a take that was ever given in a session on any of the
 * media (separated by colons); 0: none. All are asked at the same time; one
 * that has not answered after patience_ns is left out: it may hang for good. */
unsigned numbers_highest(const char *media, const char *session,
			 int64_t patience_ns);

#endif
