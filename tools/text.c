/*
 * text: numbers and names as people read them.
 *
 * Names come from disks, sockets and people, so everything that is printed
 * goes through text_copy once, where it enters the program (view.c); from
 * there on strings are valid UTF-8 without control characters.
 */
#include "tools/text.h"

#include <langinfo.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "base/utf8.h"

#define DB_FLOOR -120.0 /* less than a 20-bit converter's own noise */

bool text_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* The character at in, which is not at its end, and its bytes; 0 and one byte
 * if there is none. */
static uint32_t read_character(const char *in, size_t *length)
{
	int32_t c = utf8_read(in, strnlen(in, 4), length);

	return c > 0 ? (uint32_t)c : 0;
}

static bool is_harmless(uint32_t c)
{
	bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
	bool mark = (c >= 0x200b && c <= 0x200f) ||
		    (c >= 0x2028 && c <= 0x202e) ||
		    (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;

	return !control && !mark;
}

char *text_copy(char *out, size_t size, const char *in)
{
	size_t used = 0;

	while (*in) {
		size_t length;
		uint32_t c = read_character(in, &length);
		bool plain = is_harmless(c);
		size_t need = plain ? length : 1;

		if (used + need >= size)
			break;
		if (plain)
			memcpy(out + used, in, length);
		else
			out[used] = '?';
		used += need;
		in += length;
	}
	out[used] = '\0';
	return out;
}

static int character_width(uint32_t c)
{
	int width;

	if (c < 0x80)
		return 1;
	if (!text_is_utf8())
		return 1;
	width = wcwidth((wchar_t)c);
	return width < 0 ? 1 : width;
}

int text_width(const char *text)
{
	int columns = 0;

	while (*text) {
		size_t length;

		columns += character_width(read_character(text, &length));
		text += length;
	}
	return columns;
}

char *text_fit(char *out, size_t size, const char *in, int columns, bool pad)
{
	bool utf8 = text_is_utf8();
	size_t used = 0;
	int filled = 0;

	while (*in) {
		size_t length;
		uint32_t c = read_character(in, &length);
		bool as_is = c > 0 && (c < 0x80 || utf8);
		size_t need = as_is ? length : 1;
		int width = character_width(c);

		if (filled + width > columns || used + need >= size)
			break;
		if (as_is)
			memcpy(out + used, in, length);
		else
			out[used] = '?';
		used += need;
		filled += width;
		in += length;
	}
	while (pad && filled < columns && used + 1 < size) {
		out[used++] = ' ';
		filled++;
	}
	out[used] = '\0';
	return out;
}

static char *unknown(char *out, size_t size)
{
	snprintf(out, size, "?");
	return out;
}

/* Seconds as a whole number, however odd the number that came. */
static long long whole_seconds(double seconds)
{
	return seconds < 0	? 0
	       : seconds > 1e12 ? 1000000000000
				: (long long)seconds;
}

char *text_clock(char *out, size_t size, double seconds)
{
	long long s = whole_seconds(seconds);

	if (!isfinite(seconds))
		return unknown(out, size);
	snprintf(out, size, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60,
		 s % 60);
	return out;
}

char *text_duration(char *out, size_t size, double seconds)
{
	long long s = whole_seconds(seconds);

	if (!isfinite(seconds))
		return unknown(out, size);
	if (s >= 3600 * 100)
		snprintf(out, size, "%lld h", s / 3600);
	else if (s >= 3600)
		snprintf(out, size, "%lld h %lld min", s / 3600, s / 60 % 60);
	else if (s >= 60)
		snprintf(out, size, "%lld min", s / 60);
	else
		snprintf(out, size, "%lld s", s);
	return out;
}

char *text_seconds(char *out, size_t size, double seconds)
{
	if (!isfinite(seconds))
		return unknown(out, size);
	snprintf(out, size, "%.4g s", seconds);
	return out;
}

char *text_bytes(char *out, size_t size, double bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
	size_t unit = 0;

	if (!isfinite(bytes) || bytes < 0)
		return unknown(out, size);
	while (bytes >= 999.5 && unit < 5) {
		bytes /= 1000;
		unit++;
	}
	snprintf(out, size, "%.*f %s", unit > 0 && bytes < 9.95 ? 1 : 0, bytes,
		 units[unit]);
	return out;
}

char *text_db(char *out, size_t size, double db)
{
	if (isnan(db))
		return unknown(out, size);
	if (db <= DB_FLOOR)
		snprintf(out, size, "-inf");
	else
		snprintf(out, size, "%.1f", db > 999 ? 999 : db);
	return out;
}

char *text_ppm(char *out, size_t size, double ppm)
{
	if (!isfinite(ppm))
		return unknown(out, size);
	if (fabs(ppm) < 0.05)
		snprintf(out, size, "0.0 ppm");
	else
		snprintf(out, size, "%+.1f ppm", ppm);
	return out;
}

char *text_rate(char *out, size_t size, double hz)
{
	if (!isfinite(hz) || hz <= 0)
		return unknown(out, size);
	snprintf(out, size, "%.4g kHz", hz / 1000);
	return out;
}

char *text_ranges(char *out, size_t size, const int *numbers, size_t count)
{
	size_t used = 0;

	snprintf(out, size, "none");
	for (size_t i = 0; i < count && used < size;) {
		size_t last = i;
		const char *space = i > 0 ? " " : "";

		while (last + 1 < count &&
		       numbers[last + 1] == numbers[last] + 1)
			last++;
		if (last < i + 2) {
			last = i;
			used += snprintf(out + used, size - used, "%s%d", space,
					 numbers[i]);
		} else {
			used += snprintf(out + used, size - used, "%s%d-%d",
					 space, numbers[i], numbers[last]);
		}
		i = last + 1;
	}
	return out;
}
