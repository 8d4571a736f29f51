/*
 * utf8: whether bytes are what they claim to be.
 *
 * Names come from files, sockets and command lines, and end in tags, terminals
 * and file names. Pure; any thread.
 */
#ifndef TAKEBOX_UTF8_H
#define TAKEBOX_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The code point at text[0..size), and in *length the bytes it takes. Returns
 * -1 and length 1 if there is none: size 0, an overlong form, a surrogate, a
 * sequence cut short, or beyond U+10FFFF (RFC 3629). */
int32_t utf8_read(const char *text, size_t size, size_t *length);

/* The bytes of text up to the first that is not UTF-8; size if all is. */
size_t utf8_valid_prefix(const char *text, size_t size);

/* The largest length <= max at which text[0..size) can be cut without cutting
 * a code point. */
size_t utf8_cut(const char *text, size_t size, size_t max);

#endif
