/*
 * gpio_chip: what libgpiod 1.6 and 2.x both can, so that all else is written
 * once: gpio_v1.c or gpio_v2.c, whichever the makefile picks. Private to
 * drivers/.
 *
 * A request holds lines of one chip. Levels are physical (true: high), lines
 * are counted as they were asked for. Functions return 0 or a count, or a
 * negative errno; -ENODEV: the chip is gone. Main thread.
 */
#ifndef TAKEBOX_GPIO_CHIP_H
#define TAKEBOX_GPIO_CHIP_H

#include "drivers/gpio.h"

#define GPIO_CONSUMER	 "takebox"
#define GPIO_REQUEST_MAX 64 /* lines of one request; the kernel's limit */
#define GPIO_BATCH	 16 /* events that one read can return */

/* Calls fn for every line of the chip at path ("/dev/gpiochip0"). */
int gpio_chip_lines(const char *path, gpio_line_fn fn, void *context);

enum gpio_use {
	GPIO_USE_EDGES,	 /* inputs that interrupt */
	GPIO_USE_LEVELS, /* inputs that are read */
	GPIO_USE_OUTPUT,
	GPIO_USE_LOOK /* read as it is; nothing about the line is changed */
};

struct gpio_want {
	unsigned offset;
	enum gpio_pull pull;
	enum gpio_drive drive;
	bool level; /* OUTPUT: from the first moment */
};

struct gpio_request;

/* All of the lines or none. -EBUSY: somebody holds one; with EDGES, other
 * errors if one cannot interrupt. */
int gpio_request_open(struct gpio_request **request, const char *path,
		      enum gpio_use use, const struct gpio_want *want,
		      unsigned count);
void gpio_request_close(struct gpio_request *request); /* NULL allowed */

/* EDGES: descriptors that are readable when events wait. */
unsigned gpio_request_sources(const struct gpio_request *request);
int gpio_request_fd(const struct gpio_request *request, unsigned source);

struct gpio_edge {
	unsigned index; /* of the line in the request */
	bool level;	/* behind the edge */
	int64_t time_ns;
};

/* The oldest events of a source that is readable (it waits if it is not), at
 * most GPIO_BATCH. Sets *lost if the kernel may have dropped some. */
int gpio_request_read(struct gpio_request *request, unsigned source,
		      struct gpio_edge *edges, bool *lost);

/* All lines. Returns how many kernel calls that took. */
int gpio_request_get(struct gpio_request *request, bool *levels);
int gpio_request_set(struct gpio_request *request, const bool *levels);

#endif
