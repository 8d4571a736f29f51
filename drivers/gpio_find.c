/*
 * Finding a line by what people call it, among those that there are now.
 */
#include "drivers/gpio_find.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the listing ---- */

int gpio_listing_add(struct gpio_listing *listing, const struct gpio_line *line)
{
	if (listing->count == listing->room) {
		size_t room = listing->room ? listing->room * 2 : 64;
		struct gpio_line *grown =
			realloc(listing->line, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		listing->line = grown;
		listing->room = room;
	}
	listing->line[listing->count++] = *line;
	return 0;
}

void gpio_listing_free(struct gpio_listing *listing)
{
	free(listing->line);
	memset(listing, 0, sizeof(*listing));
}

/* ---- picking ---- */

/* Splits "label:offset"; false if name has no such form. */
static bool split(const char *name, char *label, unsigned *offset)
{
	const char *colon = strrchr(name, ':');
	char *end;
	unsigned long number;

	if (!colon || colon == name || colon[1] < '0' || colon[1] > '9')
		return false;
	errno = 0;
	number = strtoul(colon + 1, &end, 10);
	if (*end || errno || number > 0xffff)
		return false;
	snprintf(label, GPIO_NAME_MAX, "%.*s", (int)(colon - name), name);
	*offset = (unsigned)number;
	return true;
}

static bool same_chip(const struct gpio_line *one, const struct gpio_line *two)
{
	return strcmp(one->chip, two->chip) == 0;
}

static int __attribute__((format(printf, 4, 5)))
say(int result, char *error, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, size, format, args);
	va_end(args);
	return result;
}

static int refuse_two_chips(const char *label, char *error, size_t size)
{
	return say(-ENOTUNIQ, error, size,
		   "two GPIO chips are labelled \"%s\": give their lines names "
		   "(by a device-tree overlay) and use those",
		   label);
}

static const struct gpio_line *pick_by_place(const struct gpio_listing *listing,
					     const char *label, unsigned offset,
					     int *result, char *error,
					     size_t size)
{
	const struct gpio_line *any = NULL, *found = NULL;
	unsigned lines = 0;

	for (size_t i = 0; i < listing->count; i++) {
		const struct gpio_line *line = &listing->line[i];

		if (strcmp(line->label, label) != 0)
			continue;
		if (any && !same_chip(any, line)) {
			*result = refuse_two_chips(label, error, size);
			return NULL;
		}
		any = line;
		lines++;
		if (line->offset == offset)
			found = line;
	}
	if (!any)
		*result = -ENOENT;
	else if (!found)
		*result = say(-ENOENT, error, size,
			      "the GPIO chip \"%s\" has the lines 0 to %u, and "
			      "no %u",
			      label, lines - 1, offset);
	return found;
}

static const struct gpio_line *pick_by_name(const struct gpio_listing *listing,
					    const char *name, int *result,
					    char *error, size_t size)
{
	const struct gpio_line *found = NULL;

	for (size_t i = 0; i < listing->count; i++) {
		const struct gpio_line *line = &listing->line[i];

		if (!line->name[0] || strcmp(line->name, name) != 0)
			continue;
		if (found) {
			*result = say(-ENOTUNIQ, error, size,
				      "two GPIO lines have the name \"%s\": "
				      "write %s:%u or %s:%u",
				      name, found->label, found->offset,
				      line->label, line->offset);
			return NULL;
		}
		found = line;
	}
	if (!found)
		*result = -ENOENT;
	return found;
}

static int explain_absence(const struct gpio_listing *listing, const char *name,
			   char *error, size_t size)
{
	if (listing->denied[0])
		return say(-EACCES, error, size,
			   "%s may not be opened: the recorder's user must be "
			   "in the group gpio",
			   listing->denied);
	if (listing->chips == 0)
		return say(-ENOENT, error, size,
			   "this machine has no GPIO chip, so no line \"%s\"",
			   name);
	return say(-ENOENT, error, size,
		   "there is no GPIO line \"%s\"; \"takebox gpio\" lists those "
		   "that there are",
		   name);
}

const struct gpio_line *gpio_listing_pick(const struct gpio_listing *listing,
					  const char *name, int *result,
					  char *error, size_t size)
{
	const struct gpio_line *line = NULL;
	char label[GPIO_NAME_MAX];
	unsigned offset;

	*result = 0;
	if (size)
		error[0] = '\0';
	/* A name may look like a place: it is asked for first. */
	line = pick_by_name(listing, name, result, error, size);
	if (*result == -ENOENT && split(name, label, &offset)) {
		*result = 0;
		line = pick_by_place(listing, label, offset, result, error,
				     size);
	}
	if (*result == -ENOENT && (size == 0 || !error[0]))
		*result = explain_absence(listing, name, error, size);
	return line;
}

/* ---- the contract's ---- */

int gpio_find(const char *name, struct gpio_line *found, char *error,
	      size_t error_size)
{
	struct gpio_listing listing = {0};
	const struct gpio_line *line;
	int result = gpio_listing_read(&listing);

	if (result < 0)
		return say(result, error, error_size,
			   "GPIO chips cannot be listed: %s",
			   strerror(-result));
	line = gpio_listing_pick(&listing, name, &result, error, error_size);
	if (line)
		*found = *line;
	gpio_listing_free(&listing);
	return result;
}

int gpio_list(gpio_line_fn fn, void *context)
{
	struct gpio_listing listing = {0};
	int result = gpio_listing_read(&listing);

	if (result < 0)
		return result;
	for (size_t i = 0; i < listing.count; i++)
		fn(context, &listing.line[i]);
	result = listing.denied[0] ? -EACCES : (int)listing.chips;
	gpio_listing_free(&listing);
	return result;
}
