/*
 * config_text: a configuration file's text, made fit for libconfig.
 *
 * Internal to config. What libconfig would take in silence and get wrong is
 * refused or put right here, before it sees the text:
 *
 *   - an integer that does not fit in 32 bits wraps round in libconfig 1.5: it
 *     gets the suffix L, and one that does not fit in 64 is an error;
 *   - @include would let a file on the card's boot partition, which anybody can
 *     edit, pull in and reveal any file of the system: it is an error;
 *   - "\x00" in a string is an error: names never lose a part;
 *   - bytes that are not UTF-8, and control characters, are errors;
 *   - lists in lists without end are an error: libconfig recurses on them;
 *   - a comment in a last line without an end is a syntax error to it: the last
 *     line gets one;
 *   - a byte order mark and Windows' line ends go away without a word.
 *
 * Line numbers stay what they were. Pure; any thread.
 */
#ifndef TAKEBOX_CONFIG_TEXT_H
#define TAKEBOX_CONFIG_TEXT_H

#include <stddef.h>

#define CONFIG_TEXT_MAX	  (1 << 20) /* bytes of a file */
#define CONFIG_TEXT_DEPTH 8	    /* of brackets */

struct config_text_error {
	unsigned line;
	const char *what; /* static */
};

/* Returns the new text, to be freed by the caller, or NULL with what is wrong
 * (what NULL: no memory). */
char *config_text_prepare(const char *text, size_t size,
			  struct config_text_error *error);

#endif
