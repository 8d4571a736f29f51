/*
 * gpio_chip.h through libgpiod 2.x: one descriptor and one ioctl for all lines
 * of a request, and numbered events, so that a gap in the numbers tells that
 * the kernel dropped some. The numbers that count are those of a line: those
 * of a request go up with the interrupts and are passed on by a thread for each
 * line, in any order. A line of which nothing is left shows no gap, so a buffer
 * that was full counts as a loss too.
 */
#include "drivers/gpio_chip.h"

#include <errno.h>
#include <gpiod.h>
#include <stdio.h>
#include <stdlib.h>

/* Events that the kernel keeps for a request, its limit, and drops from the
 * oldest on. */
#define KERNEL_EVENTS (GPIO_REQUEST_MAX * 16)

struct gpio_request {
	struct gpiod_line_request *lines;
	struct gpiod_edge_event_buffer *events;
	unsigned count;
	unsigned offset[GPIO_REQUEST_MAX];
	uint32_t number[GPIO_REQUEST_MAX]; /* of each line's newest event */
	unsigned run; /* events that were read without finding an end */
};

/* libgpiod reports by errno; what it forgets to set is no success. */
static int failure(void)
{
	return errno > 0 ? -errno : -EIO;
}

/* ---- what there is ---- */

static enum gpio_pull pull_of(struct gpiod_line_info *info)
{
	switch (gpiod_line_info_get_bias(info)) {
	case GPIOD_LINE_BIAS_DISABLED:
		return GPIO_PULL_NONE;
	case GPIOD_LINE_BIAS_PULL_UP:
		return GPIO_PULL_UP;
	case GPIOD_LINE_BIAS_PULL_DOWN:
		return GPIO_PULL_DOWN;
	default:
		return GPIO_PULL_AS_IS;
	}
}

static void copy_text(char *to, const char *from)
{
	snprintf(to, GPIO_NAME_MAX, "%s", from ? from : "");
}

static int describe(struct gpiod_chip *chip, unsigned offset,
		    struct gpio_line *line)
{
	struct gpiod_line_info *info = gpiod_chip_get_line_info(chip, offset);

	if (!info)
		return failure();
	line->offset = offset;
	copy_text(line->name, gpiod_line_info_get_name(info));
	copy_text(line->consumer, gpiod_line_info_get_consumer(info));
	line->used = gpiod_line_info_is_used(info);
	line->output = gpiod_line_info_get_direction(info) ==
		       GPIOD_LINE_DIRECTION_OUTPUT;
	line->active_low = gpiod_line_info_is_active_low(info);
	line->pull = pull_of(info);
	gpiod_line_info_free(info);
	return 0;
}

int gpio_chip_lines(const char *path, gpio_line_fn fn, void *context)
{
	struct gpiod_chip *chip = gpiod_chip_open(path);
	struct gpiod_chip_info *info;
	struct gpio_line line = {0};
	unsigned count;
	int result = 0;

	if (!chip)
		return failure();
	info = gpiod_chip_get_info(chip);
	if (!info) {
		result = failure();
		goto close;
	}
	copy_text(line.chip, gpiod_chip_info_get_name(info));
	copy_text(line.label, gpiod_chip_info_get_label(info));
	count = (unsigned)gpiod_chip_info_get_num_lines(info);
	for (unsigned i = 0; i < count && result == 0; i++) {
		result = describe(chip, i, &line);
		if (result == 0)
			fn(context, &line);
	}
	gpiod_chip_info_free(info);
close:
	gpiod_chip_close(chip);
	return result;
}

/* ---- holding lines ---- */

static const enum gpiod_line_bias biases[] = {
	[GPIO_PULL_AS_IS] = GPIOD_LINE_BIAS_AS_IS,
	[GPIO_PULL_NONE] = GPIOD_LINE_BIAS_DISABLED,
	[GPIO_PULL_UP] = GPIOD_LINE_BIAS_PULL_UP,
	[GPIO_PULL_DOWN] = GPIOD_LINE_BIAS_PULL_DOWN,
};

static const enum gpiod_line_drive drives[] = {
	[GPIO_PUSH_PULL] = GPIOD_LINE_DRIVE_PUSH_PULL,
	[GPIO_OPEN_DRAIN] = GPIOD_LINE_DRIVE_OPEN_DRAIN,
	[GPIO_OPEN_SOURCE] = GPIOD_LINE_DRIVE_OPEN_SOURCE,
};

static void settle(struct gpiod_line_settings *settings, enum gpio_use use,
		   const struct gpio_want *want)
{
	gpiod_line_settings_reset(settings);
	switch (use) {
	case GPIO_USE_EDGES:
		gpiod_line_settings_set_edge_detection(settings,
						       GPIOD_LINE_EDGE_BOTH);
		gpiod_line_settings_set_event_clock(settings,
						    GPIOD_LINE_CLOCK_MONOTONIC);
		/* fall through */
	case GPIO_USE_LEVELS:
		gpiod_line_settings_set_direction(settings,
						  GPIOD_LINE_DIRECTION_INPUT);
		gpiod_line_settings_set_bias(settings, biases[want->pull]);
		break;
	case GPIO_USE_OUTPUT:
		gpiod_line_settings_set_direction(settings,
						  GPIOD_LINE_DIRECTION_OUTPUT);
		gpiod_line_settings_set_drive(settings, drives[want->drive]);
		gpiod_line_settings_set_output_value(
			settings, want->level ? GPIOD_LINE_VALUE_ACTIVE
					      : GPIOD_LINE_VALUE_INACTIVE);
		break;
	case GPIO_USE_LOOK:
		break;
	}
}

static int fill_config(struct gpiod_line_config *config, enum gpio_use use,
		       const struct gpio_want *want, unsigned count)
{
	struct gpiod_line_settings *settings = gpiod_line_settings_new();
	int result = 0;

	if (!settings)
		return failure();
	for (unsigned i = 0; i < count && result == 0; i++) {
		settle(settings, use, &want[i]);
		result = gpiod_line_config_add_line_settings(
			config, &want[i].offset, 1, settings);
	}
	if (result)
		result = failure();
	gpiod_line_settings_free(settings);
	return result;
}

static int take_lines(struct gpio_request *request, struct gpiod_chip *chip,
		      enum gpio_use use, const struct gpio_want *want)
{
	struct gpiod_request_config *how = gpiod_request_config_new();
	struct gpiod_line_config *what = gpiod_line_config_new();
	int result = -ENOMEM;

	if (!how || !what)
		goto free;
	result = fill_config(what, use, want, request->count);
	if (result < 0)
		goto free;
	gpiod_request_config_set_consumer(how, GPIO_CONSUMER);
	if (use == GPIO_USE_EDGES)
		gpiod_request_config_set_event_buffer_size(how, KERNEL_EVENTS);
	request->lines = gpiod_chip_request_lines(chip, how, what);
	if (!request->lines)
		result = failure();
free:
	gpiod_line_config_free(what);
	gpiod_request_config_free(how);
	return result;
}

int gpio_request_open(struct gpio_request **request, const char *path,
		      enum gpio_use use, const struct gpio_want *want,
		      unsigned count)
{
	struct gpio_request *it = calloc(1, sizeof(*it));
	struct gpiod_chip *chip;
	int result = -ENOMEM;

	if (!it)
		return result;
	it->count = count;
	for (unsigned i = 0; i < count; i++)
		it->offset[i] = want[i].offset;
	it->events = gpiod_edge_event_buffer_new(GPIO_BATCH);
	chip = gpiod_chip_open(path);
	if (it->events && chip)
		result = take_lines(it, chip, use, want);
	else
		result = failure();
	if (chip)
		gpiod_chip_close(chip);
	if (result < 0) {
		gpio_request_close(it);
		return result;
	}
	*request = it;
	return 0;
}

void gpio_request_close(struct gpio_request *request)
{
	if (!request)
		return;
	if (request->lines)
		gpiod_line_request_release(request->lines);
	gpiod_edge_event_buffer_free(request->events);
	free(request);
}

unsigned gpio_request_sources(const struct gpio_request *request)
{
	(void)request;
	return 1;
}

int gpio_request_fd(const struct gpio_request *request, unsigned source)
{
	(void)source;
	return gpiod_line_request_get_fd(request->lines);
}

static unsigned index_of(const struct gpio_request *request, unsigned offset)
{
	unsigned i = 0;

	while (i + 1 < request->count && request->offset[i] != offset)
		i++;
	return i;
}

static struct gpio_edge read_edge(struct gpio_request *request,
				  struct gpiod_edge_event *event, bool *lost)
{
	struct gpio_edge edge = {
		.index = index_of(request,
				  gpiod_edge_event_get_line_offset(event)),
		.level = gpiod_edge_event_get_event_type(event) ==
			 GPIOD_EDGE_EVENT_RISING_EDGE,
		.time_ns = (int64_t)gpiod_edge_event_get_timestamp_ns(event),
	};
	uint32_t number = (uint32_t)gpiod_edge_event_get_line_seqno(event);

	/* The first has the number 1. */
	if (number - request->number[edge.index] != 1)
		*lost = true;
	request->number[edge.index] = number;
	return edge;
}

int gpio_request_read(struct gpio_request *request, unsigned source,
		      struct gpio_edge *edges, bool *lost)
{
	int count = gpiod_line_request_read_edge_events(
		request->lines, request->events, GPIO_BATCH);

	(void)source;
	if (count < 0)
		return failure();
	for (int i = 0; i < count; i++)
		edges[i] = read_edge(request,
				     gpiod_edge_event_buffer_get_event(
					     request->events, (unsigned long)i),
				     lost);
	request->run += (unsigned)count;
	if (request->run >= KERNEL_EVENTS)
		*lost = true;
	if (count < GPIO_BATCH)
		request->run = 0;
	return count;
}

int gpio_request_get(struct gpio_request *request, bool *levels)
{
	enum gpiod_line_value values[GPIO_REQUEST_MAX];

	if (gpiod_line_request_get_values(request->lines, values) < 0)
		return failure();
	for (unsigned i = 0; i < request->count; i++)
		levels[i] = values[i] == GPIOD_LINE_VALUE_ACTIVE;
	return 1;
}

int gpio_request_set(struct gpio_request *request, const bool *levels)
{
	enum gpiod_line_value values[GPIO_REQUEST_MAX];

	for (unsigned i = 0; i < request->count; i++)
		values[i] = levels[i] ? GPIOD_LINE_VALUE_ACTIVE
				      : GPIOD_LINE_VALUE_INACTIVE;
	if (gpiod_line_request_set_values(request->lines, values) < 0)
		return failure();
	return 1;
}
