/*
 * text: numbers and names as people read them.
 *
 * Pure; any thread. Every function writes a zero-terminated string into out
 * (size bytes, at least 1), cuts what does not fit at a whole character, and
 * returns out. Unknown numbers (NAN, infinite) are written as "?".
 */
#ifndef TAKEBOX_TOOLS_TEXT_H
#define TAKEBOX_TOOLS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the locale's characters are UTF-8 (after setlocale). */
bool text_is_utf8(void);

/* Copies UTF-8; control characters (C0, DEL, C1), line and direction marks and
 * broken bytes become '?', so that a name can never drive a terminal. */
char *text_copy(char *out, size_t size, const char *in);

/* Columns that text takes on a terminal, of which a non-UTF-8 locale shows
 * one '?' per character it cannot show. */
int text_width(const char *text);

/* Copies at most columns columns; pads with spaces to exactly that many if
 * pad. In a locale without UTF-8 other characters become '?'. */
char *text_fit(char *out, size_t size, const char *in, int columns, bool pad);

/* 754.2 -> "0:12:34". */
char *text_clock(char *out, size_t size, double seconds);

/* How long something lasts: "10 h 23 min", "12 min", "42 s". */
char *text_duration(char *out, size_t size, double seconds);

/* A length that was chosen: "5 s", "2.5 s". */
char *text_seconds(char *out, size_t size, double seconds);

/* Powers of 1000, as media are sold: "120 GB", "1.2 MB". */
char *text_bytes(char *out, size_t size, double bytes);

/* "-12.3"; at or below the meters' floor "-inf". */
char *text_db(char *out, size_t size, double db);

/* "+12.3 ppm"; what rounds to zero has no sign. */
char *text_ppm(char *out, size_t size, double ppm);

/* "48 kHz", "44.1 kHz". */
char *text_rate(char *out, size_t size, double hz);

/* Ascending numbers as ranges: "1 2 5-8"; none: "none". */
char *text_ranges(char *out, size_t size, const int *numbers, size_t count);

#endif
