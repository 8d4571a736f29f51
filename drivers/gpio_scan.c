/*
 * The chips in /dev. They are looked at anew each time: their numbers change
 * with the kernel, and they come and go.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "drivers/gpio_chip.h"
#include "drivers/gpio_find.h"

struct reading {
	struct gpio_listing *listing;
	int result;
};

static void add_line(void *context, const struct gpio_line *line)
{
	struct reading *reading = context;

	if (reading->result == 0)
		reading->result = gpio_listing_add(reading->listing, line);
}

/* Raspberry Pi OS gives old numbers to new chips by symbolic links: the same
 * chip twice would make all its names ambiguous. */
static int is_chip(const struct dirent *entry)
{
	char path[sizeof("/dev/") + sizeof(entry->d_name)];
	struct stat status;

	if (strncmp(entry->d_name, "gpiochip", 8) != 0)
		return 0;
	snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
	return lstat(path, &status) == 0 && S_ISCHR(status.st_mode);
}

static void mark_muxed(struct gpio_listing *listing, size_t first)
{
	bool muxed = listing->count > first &&
		     gpio_chip_is_muxed(listing->line[first].chip,
					listing->line[first].label);

	for (size_t i = first; i < listing->count; i++)
		listing->line[i].muxed = muxed;
}

static int read_chip(struct gpio_listing *listing, const char *name)
{
	struct reading reading = {listing, 0};
	char path[sizeof("/dev/") + sizeof(((struct dirent *)0)->d_name)];
	size_t before = listing->count;
	int result;

	snprintf(path, sizeof(path), "/dev/%s", name);
	result = gpio_chip_lines(path, add_line, &reading);
	if (reading.result < 0)
		return reading.result;
	if (result == -EACCES || result == -EPERM) {
		snprintf(listing->denied, sizeof(listing->denied), "%.*s",
			 (int)sizeof(listing->denied) - 1, path);
	} else if (result < 0) {
		/* It went while it was read. */
		listing->count = before;
	} else {
		listing->chips++;
		mark_muxed(listing, before);
	}
	return 0;
}

int gpio_listing_read(struct gpio_listing *listing)
{
	struct dirent **entries;
	int count = scandir("/dev", &entries, is_chip, versionsort);
	int result = count < 0 ? -errno : 0;

	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = read_chip(listing, entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	if (result < 0)
		gpio_listing_free(listing);
	return result;
}
