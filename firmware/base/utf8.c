/*
 * The table-free decoder: the lead byte gives length and smallest legal value,
 * everything else is checked on the decoded number.
 */
#include "base/utf8.h"

struct lead {
	size_t length;
	int32_t bits, smallest;
};

static struct lead read_lead(unsigned char byte)
{
	if (byte < 0x80)
		return (struct lead){1, byte, 0};
	if ((byte & 0xe0) == 0xc0)
		return (struct lead){2, byte & 0x1f, 0x80};
	if ((byte & 0xf0) == 0xe0)
		return (struct lead){3, byte & 0x0f, 0x800};
	if ((byte & 0xf8) == 0xf0)
		return (struct lead){4, byte & 0x07, 0x10000};
	return (struct lead){0, 0, 0};
}

int32_t utf8_read(const char *text, size_t size, size_t *length)
{
	struct lead lead;
	int32_t code;

	*length = 1;
	if (size == 0)
		return -1;
	lead = read_lead((unsigned char)text[0]);
	if (lead.length == 0 || lead.length > size)
		return -1;
	code = lead.bits;
	for (size_t i = 1; i < lead.length; i++) {
		unsigned char byte = (unsigned char)text[i];

		if ((byte & 0xc0) != 0x80)
			return -1;
		code = code << 6 | (byte & 0x3f);
	}
	if (code < lead.smallest || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return -1;
	*length = lead.length;
	return code;
}

size_t utf8_valid_prefix(const char *text, size_t size)
{
	size_t at = 0, length;

	while (at < size && utf8_read(text + at, size - at, &length) >= 0)
		at += length;
	return at;
}

size_t utf8_cut(const char *text, size_t size, size_t max)
{
	if (size <= max)
		return size;
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	return max;
}
