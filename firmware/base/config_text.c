/*
 * A scanner that knows just enough of libconfig's language: strings, comments,
 * names, numbers, brackets. It copies what it reads.
 *
 * @include is refused at the start of any line, whatever the scanner takes the
 * line for, so that no difference between its view and libconfig's can open
 * the door again.
 */
#include "base/config_text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

struct scanner {
	const char *at, *end;
	char *out;
	unsigned line;
	unsigned depth;
	struct config_text_error *error;
};

static bool fail(struct scanner *s, unsigned line, const char *what)
{
	s->error->line = line;
	s->error->what = what;
	return false;
}

static int peek(const struct scanner *s, size_t ahead)
{
	size_t left = (size_t)(s->end - s->at);

	return ahead < left ? (unsigned char)s->at[ahead] : -1;
}

static void copy(struct scanner *s, size_t count)
{
	for (; count > 0; count--) {
		s->line += *s->at == '\n';
		*s->out++ = *s->at++;
	}
}

static bool is_name(int c)
{
	return c == '-' || c == '_' || c == '*' || (c > 0 && isalnum(c));
}

static bool scan_string(struct scanner *s)
{
	unsigned start = s->line;

	copy(s, 1);
	while (peek(s, 0) != '"') {
		if (peek(s, 0) < 0)
			return fail(s, start, "the quote \" is never closed");
		if (peek(s, 0) != '\\') {
			copy(s, 1);
			continue;
		}
		if (tolower(peek(s, 1)) == 'x' && peek(s, 2) == '0' &&
		    peek(s, 3) == '0')
			return fail(s, s->line,
				    "a text cannot hold the byte \\x00");
		copy(s, peek(s, 1) < 0 ? 1 : 2);
	}
	copy(s, 1);
	return true;
}

static bool scan_comment(struct scanner *s)
{
	unsigned start = s->line;

	if (peek(s, 0) == '#' || peek(s, 1) == '/') {
		while (peek(s, 0) >= 0 && peek(s, 0) != '\n')
			copy(s, 1);
		return true;
	}
	copy(s, 2);
	while (peek(s, 0) != '*' || peek(s, 1) != '/') {
		if (peek(s, 0) < 0)
			return fail(s, start, "the comment /* is never closed");
		copy(s, 1);
	}
	copy(s, 2);
	return true;
}

/* token[0..length) is a sign or none, and letters and digits. */
static bool needs_suffix(const char *token, bool *too_large)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(token, &end, strpbrk(token, "xX") ? 16 : 10);
	*too_large = errno == ERANGE;
	return *end == '\0' && (value > INT_MAX || value < INT_MIN);
}

static bool scan_number(struct scanner *s)
{
	char token[32];
	size_t length = 1;
	bool too_large = false, suffix = false;

	while (peek(s, length) > 0 &&
	       (isalnum(peek(s, length)) || peek(s, length) == '.'))
		length++;
	if (length < sizeof(token)) {
		memcpy(token, s->at, length);
		token[length] = '\0';
		suffix = needs_suffix(token, &too_large);
	} else {
		too_large = true;
	}
	if (too_large)
		return fail(s, s->line, "this number is too large or too long");
	copy(s, length);
	if (suffix)
		*s->out++ = 'L';
	return true;
}

static bool scan_bracket(struct scanner *s)
{
	if (strchr("{[(", peek(s, 0))) {
		if (++s->depth > CONFIG_TEXT_DEPTH)
			return fail(s, s->line,
				    "too many brackets inside "
				    "brackets");
	} else if (s->depth > 0) {
		s->depth--;
	}
	copy(s, 1);
	return true;
}

static bool scan_token(struct scanner *s)
{
	int c = peek(s, 0);
	bool sign = c == '+' || c == '-';

	if (c == '"')
		return scan_string(s);
	if (c == '#' || (c == '/' && (peek(s, 1) == '/' || peek(s, 1) == '*')))
		return scan_comment(s);
	if (isdigit(c) || (sign && peek(s, 1) > 0 && isdigit(peek(s, 1))))
		return scan_number(s);
	if (strchr("{}[]()", c))
		return scan_bracket(s);
	if (is_name(c)) {
		while (is_name(peek(s, 0)))
			copy(s, 1);
		return true;
	}
	copy(s, 1);
	return true;
}

static bool check_line_start(struct scanner *s, const char *line)
{
	static const char include[] = "@include";

	line += strspn(line, " \t");
	if (strncmp(line, include, sizeof(include) - 1) == 0)
		return fail(s, s->line,
			    "@include is not allowed; put everything into "
			    "this file, or into a later one");
	return true;
}

/* Encoding, control characters and @include, line by line. text ends with a
 * zero byte after size. Carriage returns before a line feed are dropped. */
static bool clean(struct scanner *s, char *text, size_t *size)
{
	size_t valid = utf8_valid_prefix(text, *size);
	char *out = text;
	bool line_start = true;

	for (size_t i = 0; i < *size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (line_start && !check_line_start(s, text + i))
			return false;
		line_start = c == '\n';
		if (i >= valid)
			return fail(s, s->line,
				    "this is not UTF-8; save the "
				    "file with that encoding");
		if (c == '\r' && text[i + 1] == '\n')
			continue;
		if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f)
			return fail(s, s->line,
				    "there is a control character "
				    "in this line");
		s->line += line_start;
		*out++ = (char)c;
	}
	*size = (size_t)(out - text);
	*out = '\0';
	return true;
}

static bool scan(struct scanner *s, char *text, size_t size, char *out)
{
	if (!clean(s, text, &size))
		return false;
	s->at = text;
	s->end = text + size;
	s->out = out;
	s->line = 1;
	while (s->at < s->end)
		if (!scan_token(s))
			return false;
	*s->out++ = '\n';
	*s->out = '\0';
	return true;
}

char *config_text_prepare(const char *text, size_t size,
			  struct config_text_error *error)
{
	struct scanner s = {.line = 1, .error = error};
	char *cleaned, *out;
	bool good = false;

	*error = (struct config_text_error){0};
	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		size -= 3;
	}
	cleaned = malloc(size + 1);
	out = malloc(2 * size + 2); /* every number may grow by a letter */
	if (cleaned && out) {
		memcpy(cleaned, text, size);
		cleaned[size] = '\0';
		good = scan(&s, cleaned, size, out);
	}
	free(cleaned);
	if (good)
		return out;
	free(out);
	return NULL;
}
