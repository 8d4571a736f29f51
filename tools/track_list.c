/*
 * track_list: numbers, ranges, commas; strict, because arming the wrong track
 * is found out only after the show.
 */
#include "tools/track_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Reads the digits at *cursor. Returns a track number or a negative errno. */
static int read_number(const char **cursor)
{
	int number = 0;

	if (**cursor < '0' || **cursor > '9')
		return -EINVAL;
	for (; **cursor >= '0' && **cursor <= '9'; ++*cursor) {
		number = number * 10 + (**cursor - '0');
		if (number > TRACK_LIST_MAX)
			return -ERANGE;
	}
	return number > 0 ? number : -ERANGE;
}

static int add_range(struct track_list *list, const char **cursor)
{
	int first = read_number(cursor);
	int last = first;

	if (first < 0)
		return first;
	if (**cursor == '-') {
		++*cursor;
		last = read_number(cursor);
	}
	if (last < 0)
		return last;
	if (last < first)
		return -EINVAL;
	for (int i = first; i <= last; i++)
		list->chosen[i] = true;
	return 0;
}

int track_list_add(struct track_list *list, const char *argument)
{
	struct track_list wanted = *list;
	const char *cursor = argument;

	if (strcmp(argument, "all") == 0) {
		list->all = true;
		return 0;
	}
	for (;;) {
		int r = add_range(&wanted, &cursor);

		if (r < 0)
			return r;
		if (*cursor == '\0')
			break;
		if (*cursor++ != ',')
			return -EINVAL;
	}
	*list = wanted;
	return 0;
}
