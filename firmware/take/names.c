/*
 * Safe names, from code point to letters. The table covers the letters that
 * European languages add to A-Z; it stands for the code points in order, a word
 * each, "-" where there is nothing to say it with.
 */
#include "take/names.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

#define LATIN_FIRST 0xc0
#define LATIN_LAST  0x17f

/* clang-format off */
static const char latin[LATIN_LAST - LATIN_FIRST + 1][3] = {
	/* U+00C0 */
	"A", "A", "A", "A", "A", "A", "AE", "C", "E", "E", "E", "E", "I", "I", "I", "I",
	"D", "N", "O", "O", "O", "O", "O", "x", "O", "U", "U", "U", "U", "Y", "Th", "ss",
	"a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
	"d", "n", "o", "o", "o", "o", "o", "-", "o", "u", "u", "u", "u", "y", "th", "y",
	/* U+0100 */
	"A", "a", "A", "a", "A", "a", "C", "c", "C", "c", "C", "c", "C", "c", "D", "d",
	"D", "d", "E", "e", "E", "e", "E", "e", "E", "e", "E", "e", "G", "g", "G", "g",
	"G", "g", "G", "g", "H", "h", "H", "h", "I", "i", "I", "i", "I", "i", "I", "i",
	"I", "i", "IJ", "ij", "J", "j", "K", "k", "k", "L", "l", "L", "l", "L", "l", "L",
	"l", "L", "l", "N", "n", "N", "n", "N", "n", "n", "N", "n", "O", "o", "O", "o",
	"O", "o", "OE", "oe", "R", "r", "R", "r", "R", "r", "S", "s", "S", "s", "S", "s",
	"S", "s", "T", "t", "T", "t", "T", "t", "U", "u", "U", "u", "U", "u", "U", "u",
	"U", "u", "U", "u", "W", "w", "Y", "y", "Y", "Z", "z", "Z", "z", "Z", "z", "s",
};
/* clang-format on */

/* What a code point is spelt with: letters, "." , "" for nothing at all (an
 * apostrophe, a combining accent), "-" for a gap between words. */
static const char *spell(int32_t code, char buffer[2])
{
	if (code >= 0 && code < 0x80) {
		buffer[0] =
			(char)(isalnum((int)code) || code == '.' ? code : '-');
		buffer[1] = '\0';
		return code == '\'' ? "" : buffer;
	}
	if (code >= LATIN_FIRST && code <= LATIN_LAST)
		return latin[code - LATIN_FIRST];
	if (code == 0x218 || code == 0x21a) /* Romanian */
		return code == 0x218 ? "S" : "T";
	if (code == 0x219 || code == 0x21b)
		return code == 0x219 ? "s" : "t";
	if (code == 0x1e9e)
		return "SS";
	if (code == 0x2019 || (code >= 0x300 && code <= 0x36f))
		return "";
	return "-";
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) != 0;
}

/* Appends a letter; of several gaps in a row the first stays, and none at the
 * start. A dot stays one only behind a letter. */
static size_t append(char *out, size_t length, char c)
{
	bool behind_word = length > 0 && is_word(out[length - 1]);

	if (is_word(c) || behind_word)
		out[length++] = c;
	else if (length > 0 && c == '-')
		out[length - 1] = '-'; /* ". " is a gap, not a dot */
	return length;
}

static size_t trim(const char *out, size_t length)
{
	while (length > 0 && !is_word(out[length - 1]))
		length--;
	return length;
}

/* Up to NAMES_SAFE_MAX bytes and a final zero; 0 if nothing can be spelt. */
static size_t spell_name(char out[NAMES_SAFE_MAX + 1], const char *utf8)
{
	size_t size = strlen(utf8), at = 0, length = 0, step;

	while (at < size) {
		char buffer[2];
		const char *letters =
			spell(utf8_read(utf8 + at, size - at, &step), buffer);

		at += step;
		if (length + strlen(letters) > NAMES_SAFE_MAX)
			break;
		for (; *letters; letters++)
			length = append(out, length, *letters);
	}
	length = trim(out, length);
	out[length] = '\0';
	return length;
}

/* Names that DOS gave to devices, still refused by Windows, whatever comes
 * after a dot. */
static bool is_device(const char *name)
{
	static const char *const devices[] = {"CON", "PRN", "AUX", "NUL"};
	size_t length = strcspn(name, ".");

	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		if (length == 3 && strncasecmp(name, devices[i], 3) == 0)
			return true;
	return length == 4 && isdigit((unsigned char)name[3]) &&
	       (strncasecmp(name, "COM", 3) == 0 ||
		strncasecmp(name, "LPT", 3) == 0);
}

int names_safe(char *out, size_t size, const char *utf8)
{
	char name[NAMES_SAFE_MAX + 1];

	if (size <= NAMES_SAFE_MAX)
		return -ENOSPC;
	if (spell_name(name, utf8) == 0)
		strcpy(name, "Unnamed");
	if (is_device(name)) {
		size_t length = strlen(name);

		if (length > NAMES_SAFE_MAX - 2)
			length = NAMES_SAFE_MAX - 2;
		memmove(name + 2, name, length);
		memcpy(name, "X-", 2);
		name[trim(name, length + 2)] = '\0';
	}
	strcpy(out, name);
	return (int)strlen(out);
}

int names_track_file(char *out, size_t size, unsigned number, const char *name,
		     unsigned part)
{
	char safe[NAMES_SAFE_MAX + 1];
	char suffix[16] = "";
	int length;

	names_safe(safe, sizeof(safe), name);
	if (part > 1)
		snprintf(suffix, sizeof(suffix), "_%u", part);
	length = snprintf(out, size, "%02u-%s%s.flac", number, safe, suffix);
	return length < 0 || (size_t)length >= size ? -ENOSPC : 0;
}
