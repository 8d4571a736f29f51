/*
 * gpio_chip.h through libgpiod 1.6: one descriptor for each line that
 * interrupts; other lines share one as long as they are set up alike, so that
 * they are read or set by one ioctl. Events have no numbers: the kernel keeps
 * 16 a line, and whoever finds 16 may have lost some.
 */
#include "drivers/gpio_chip.h"

#include <errno.h>
#include <gpiod.h>
#include <stdio.h>
#include <stdlib.h>

/* Lines of one request that are set up alike: by pull or by drive. */
#define PARTS 4

struct part {
	struct gpiod_line_bulk bulk;
	unsigned index[GPIO_REQUEST_MAX]; /* of the bulk's lines */
	int flags;
};

struct gpio_request {
	struct gpiod_chip *chip;
	enum gpio_use use;
	unsigned count;
	struct gpiod_line *line[GPIO_REQUEST_MAX];
	struct part part[PARTS]; /* not EDGES */
};

static int failure(void)
{
	return errno > 0 ? -errno : -EIO;
}

/* ---- what there is ---- */

static enum gpio_pull pull_of(struct gpiod_line *line)
{
	switch (gpiod_line_bias(line)) {
	case GPIOD_LINE_BIAS_DISABLE:
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
	struct gpiod_line *info = gpiod_chip_get_line(chip, offset);

	if (!info)
		return failure();
	line->offset = offset;
	copy_text(line->name, gpiod_line_name(info));
	copy_text(line->consumer, gpiod_line_consumer(info));
	line->used = gpiod_line_is_used(info);
	line->output =
		gpiod_line_direction(info) == GPIOD_LINE_DIRECTION_OUTPUT;
	line->active_low =
		gpiod_line_active_state(info) == GPIOD_LINE_ACTIVE_STATE_LOW;
	line->pull = pull_of(info);
	return 0;
}

int gpio_chip_lines(const char *path, gpio_line_fn fn, void *context)
{
	struct gpiod_chip *chip = gpiod_chip_open(path);
	struct gpio_line line = {0};
	unsigned count;
	int result = 0;

	if (!chip)
		return failure();
	copy_text(line.chip, gpiod_chip_name(chip));
	copy_text(line.label, gpiod_chip_label(chip));
	count = gpiod_chip_num_lines(chip);
	for (unsigned i = 0; i < count && result == 0; i++) {
		result = describe(chip, i, &line);
		if (result == 0)
			fn(context, &line);
	}
	gpiod_chip_close(chip);
	return result;
}

/* ---- holding lines ---- */

static const int pull_flags[] = {
	[GPIO_PULL_AS_IS] = 0,
	[GPIO_PULL_NONE] = GPIOD_LINE_REQUEST_FLAG_BIAS_DISABLE,
	[GPIO_PULL_UP] = GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP,
	[GPIO_PULL_DOWN] = GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN,
};

static const int drive_flags[] = {
	[GPIO_PUSH_PULL] = 0,
	[GPIO_OPEN_DRAIN] = GPIOD_LINE_REQUEST_FLAG_OPEN_DRAIN,
	[GPIO_OPEN_SOURCE] = GPIOD_LINE_REQUEST_FLAG_OPEN_SOURCE,
};

static int take_edges(struct gpio_request *request,
		      const struct gpio_want *want)
{
	for (unsigned i = 0; i < request->count; i++) {
		if (gpiod_line_request_both_edges_events_flags(
			    request->line[i], GPIO_CONSUMER,
			    pull_flags[want[i].pull]) < 0)
			return failure();
	}
	return 0;
}

static void sort_into_parts(struct gpio_request *request,
			    const struct gpio_want *want)
{
	for (unsigned i = 0; i < request->count; i++) {
		bool output = request->use == GPIO_USE_OUTPUT;
		unsigned kind = output ? want[i].drive : want[i].pull;
		struct part *part = &request->part[kind];

		part->flags = output ? drive_flags[kind] : pull_flags[kind];
		part->index[gpiod_line_bulk_num_lines(&part->bulk)] = i;
		gpiod_line_bulk_add(&part->bulk, request->line[i]);
	}
}

static int take_part(struct gpio_request *request, struct part *part,
		     const struct gpio_want *want)
{
	struct gpiod_line_request_config config = {
		.consumer = GPIO_CONSUMER,
		.flags = part->flags,
	};
	unsigned count = gpiod_line_bulk_num_lines(&part->bulk);
	int values[GPIO_REQUEST_MAX] = {0};

	switch (request->use) {
	case GPIO_USE_OUTPUT:
		config.request_type = GPIOD_LINE_REQUEST_DIRECTION_OUTPUT;
		break;
	case GPIO_USE_LOOK:
		config.request_type = GPIOD_LINE_REQUEST_DIRECTION_AS_IS;
		break;
	default:
		config.request_type = GPIOD_LINE_REQUEST_DIRECTION_INPUT;
		break;
	}
	for (unsigned i = 0; i < count; i++)
		values[i] = want[part->index[i]].level;
	if (gpiod_line_request_bulk(&part->bulk, &config, values) < 0)
		return failure();
	return 0;
}

static int take_lines(struct gpio_request *request,
		      const struct gpio_want *want)
{
	int result = 0;

	for (unsigned i = 0; i < request->count; i++) {
		request->line[i] =
			gpiod_chip_get_line(request->chip, want[i].offset);
		if (!request->line[i])
			return failure();
	}
	if (request->use == GPIO_USE_EDGES)
		return take_edges(request, want);
	for (unsigned i = 0; i < PARTS; i++)
		gpiod_line_bulk_init(&request->part[i].bulk);
	sort_into_parts(request, want);
	for (unsigned i = 0; i < PARTS && result == 0; i++) {
		if (gpiod_line_bulk_num_lines(&request->part[i].bulk) > 0)
			result = take_part(request, &request->part[i], want);
	}
	return result;
}

int gpio_request_open(struct gpio_request **request, const char *path,
		      enum gpio_use use, const struct gpio_want *want,
		      unsigned count)
{
	struct gpio_request *it = calloc(1, sizeof(*it));
	int result;

	if (!it)
		return -ENOMEM;
	it->use = use;
	it->count = count;
	it->chip = gpiod_chip_open(path);
	result = it->chip ? take_lines(it, want) : failure();
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
	if (request->chip)
		gpiod_chip_close(request->chip);
	free(request);
}

unsigned gpio_request_sources(const struct gpio_request *request)
{
	return request->count;
}

int gpio_request_fd(const struct gpio_request *request, unsigned source)
{
	return gpiod_line_event_get_fd(request->line[source]);
}

int gpio_request_read(struct gpio_request *request, unsigned source,
		      struct gpio_edge *edges, bool *lost)
{
	struct gpiod_line_event events[GPIO_BATCH];
	int count = gpiod_line_event_read_multiple(request->line[source],
						   events, GPIO_BATCH);

	if (count < 0)
		return failure();
	if (count == GPIO_BATCH)
		*lost = true;
	for (int i = 0; i < count; i++) {
		edges[i].index = source;
		edges[i].level =
			events[i].event_type == GPIOD_LINE_EVENT_RISING_EDGE;
		edges[i].time_ns = events[i].ts.tv_sec * 1000000000LL +
				   events[i].ts.tv_nsec;
	}
	return count;
}

static int get_edge_lines(struct gpio_request *request, bool *levels)
{
	for (unsigned i = 0; i < request->count; i++) {
		int level = gpiod_line_get_value(request->line[i]);

		if (level < 0)
			return failure();
		levels[i] = level;
	}
	return (int)request->count;
}

int gpio_request_get(struct gpio_request *request, bool *levels)
{
	int values[GPIO_REQUEST_MAX], calls = 0;

	if (request->use == GPIO_USE_EDGES)
		return get_edge_lines(request, levels);
	for (unsigned p = 0; p < PARTS; p++) {
		struct part *part = &request->part[p];
		unsigned count = gpiod_line_bulk_num_lines(&part->bulk);

		if (count == 0)
			continue;
		if (gpiod_line_get_value_bulk(&part->bulk, values) < 0)
			return failure();
		for (unsigned i = 0; i < count; i++)
			levels[part->index[i]] = values[i];
		calls++;
	}
	return calls;
}

int gpio_request_set(struct gpio_request *request, const bool *levels)
{
	int values[GPIO_REQUEST_MAX], calls = 0;

	for (unsigned p = 0; p < PARTS; p++) {
		struct part *part = &request->part[p];
		unsigned count = gpiod_line_bulk_num_lines(&part->bulk);

		if (count == 0)
			continue;
		for (unsigned i = 0; i < count; i++)
			values[i] = levels[part->index[i]];
		if (gpiod_line_set_value_bulk(&part->bulk, values) < 0)
			return failure();
		calls++;
	}
	return calls;
}
