/*
 * gpio_find: which line of which chip a name means, and who holds it. Private
 * to drivers/. Main thread.
 */
#ifndef TAKEBOX_GPIO_FIND_H
#define TAKEBOX_GPIO_FIND_H

#include <stdio.h>

#include "drivers/gpio.h"

#define GPIO_WORDS_MAX 512 /* bytes of a message */

/* All lines of all chips, at one moment. Zeroed: none. */
struct gpio_listing {
	struct gpio_line *line;
	size_t count, room;
	unsigned chips;
	char denied[GPIO_NAME_MAX]; /* a chip that may not be opened; "" */
};

int gpio_listing_read(struct gpio_listing *listing);
int gpio_listing_add(struct gpio_listing *listing,
		     const struct gpio_line *line);
void gpio_listing_free(struct gpio_listing *listing);

/* The line that name means; NULL with *result and words in error: -ENOENT,
 * -ENOTUNIQ, -EACCES. Pure. */
const struct gpio_line *gpio_listing_pick(const struct gpio_listing *listing,
					  const char *name, int *result,
					  char *error, size_t error_size);

/* Whether the chip ("gpiochip0") is a controller of pins that have other
 * functions beside GPIO. */
bool gpio_chip_is_muxed(const char *chip, const char *label);

/* The level of a line in the text of /sys/kernel/debug/gpio: 0 or 1; -ENOENT.
 */
int gpio_level_in(FILE *text, const struct gpio_line *line);

/* Who holds a line that is used, as a part of a sentence: `"gpiomon" (process
 * 812, gpiomon)`. proc: "/proc", or what a test puts in its place. */
void gpio_holder(const char *proc, const struct gpio_line *line, char *text,
		 size_t size);

#endif
