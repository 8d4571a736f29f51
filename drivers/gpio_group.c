/*
 * Wires that come and go. Each wire is in one state, and its owner hears of it
 * when that changes, so a chip that stays away is complained of once.
 *
 * Lines of one chip are asked for together. If that fails, each is asked for by
 * itself, so that one bad line takes nothing from the others. Outputs that come
 * later are joined with those of their chip that are held already: all of a
 * chip's lamps stay in one request, which is one ioctl.
 */
#include "drivers/gpio_group.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/gpio_find.h"

int gpio_group_init(struct gpio_group *group, bool output,
		    const struct gpio_wire *wires, unsigned count,
		    gpio_trouble_fn fn, void *context)
{
	size_t room = count ? count : 1;

	memset(group, 0, sizeof(*group));
	if (count > GPIO_WIRES_MAX)
		return -EINVAL;
	group->output = output;
	group->count = count;
	group->fn = fn;
	group->context = context;
	group->wire = calloc(room, sizeof(*group->wire));
	group->state = calloc(room, sizeof(*group->state));
	group->level = calloc(room, sizeof(*group->level));
	group->hold = calloc(room, sizeof(*group->hold));
	if (!group->wire || !group->state || !group->level || !group->hold) {
		gpio_group_finish(group);
		return -ENOMEM;
	}
	if (count)
		memcpy(group->wire, wires, count * sizeof(*wires));
	return 0;
}

void gpio_group_finish(struct gpio_group *group)
{
	for (unsigned i = 0; group->hold && i < group->count; i++)
		gpio_request_close(group->hold[i].request);
	free(group->hold);
	free(group->level);
	free(group->state);
	free(group->wire);
	memset(group, 0, sizeof(*group));
}

/* ---- what the owner hears ---- */

static void __attribute__((format(printf, 4, 5)))
complain(struct gpio_group *group, unsigned wire, enum gpio_state state,
	 const char *format, ...)
{
	char text[GPIO_WORDS_MAX];
	va_list args;

	if (group->state[wire] == state)
		return;
	group->state[wire] = state;
	if (!group->fn)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	group->fn(group->context, wire, text);
}

static void all_is_well(struct gpio_group *group, unsigned wire)
{
	enum gpio_state before = group->state[wire];

	group->state[wire] = GPIO_STATE_WELL;
	if (group->fn && before != GPIO_STATE_NEW && before != GPIO_STATE_WELL)
		group->fn(group->context, wire, NULL);
}

static void complain_of_error(struct gpio_group *group, unsigned wire,
			      const char *label, int error)
{
	const char *name = group->wire[wire].line;

	if (error == -ENODEV || error == -ENXIO || error == -ENOENT)
		complain(group, wire, GPIO_STATE_GONE,
			 "GPIO line %s is gone with its chip \"%s\"; it is "
			 "taken again when that is back",
			 name, label);
	else
		complain(group, wire, GPIO_STATE_FAILED,
			 "GPIO line %s does not work: its chip \"%s\" answers "
			 "\"%s\"; tried again every second",
			 name, label, strerror(-error));
}

static void complain_of_holder(struct gpio_group *group, unsigned wire,
			       const struct gpio_line *line)
{
	char holder[256];

	if (group->state[wire] == GPIO_STATE_BUSY)
		return;
	gpio_holder("/proc", line, holder, sizeof(holder));
	complain(group, wire, GPIO_STATE_BUSY,
		 "GPIO line %s is held by %s; it is taken when that lets go",
		 group->wire[wire].line, holder);
}

void gpio_group_drop(struct gpio_group *group, struct gpio_hold *hold,
		     int error)
{
	gpio_request_close(hold->request);
	hold->request = NULL;
	for (unsigned i = 0; i < hold->count; i++)
		complain_of_error(group, hold->wire[i], hold->label, error);
}

/* ---- holding ---- */

int gpio_group_get(struct gpio_group *group, struct gpio_hold *hold,
		   bool *levels)
{
	int result = gpio_request_get(hold->request, levels);

	if (result > 0)
		group->calls += (unsigned)result;
	return result;
}

static bool physical(const struct gpio_group *group, unsigned wire)
{
	return group->level[wire] != group->wire[wire].active_low;
}

int gpio_group_set(struct gpio_group *group, struct gpio_hold *hold)
{
	bool levels[GPIO_REQUEST_MAX];
	int result;

	for (unsigned i = 0; i < hold->count; i++)
		levels[i] = physical(group, hold->wire[i]);
	result = gpio_request_set(hold->request, levels);
	if (result > 0)
		group->calls += (unsigned)result;
	return result;
}

/* Wires that are to become one hold. */
struct lot {
	const struct gpio_line *line[GPIO_REQUEST_MAX];
	unsigned wire[GPIO_REQUEST_MAX];
	unsigned count;
};

static struct gpio_hold *free_place(struct gpio_group *group)
{
	for (unsigned i = 0; i < group->count; i++)
		if (!group->hold[i].request)
			return &group->hold[i];
	return NULL;
}

static int open_lot(struct gpio_group *group, const struct lot *lot,
		    enum gpio_use use, struct gpio_request **request)
{
	struct gpio_want want[GPIO_REQUEST_MAX];
	char path[GPIO_NAME_MAX + sizeof("/dev/")];

	for (unsigned i = 0; i < lot->count; i++) {
		const struct gpio_wire *wire = &group->wire[lot->wire[i]];

		want[i].offset = lot->line[i]->offset;
		want[i].pull = wire->pull;
		want[i].drive = wire->drive;
		want[i].level = physical(group, lot->wire[i]);
	}
	snprintf(path, sizeof(path), "/dev/%s", lot->line[0]->chip);
	return gpio_request_open(request, path, use, want, lot->count);
}

/* A dead expander may well be asked for, since the kernel remembers what it
 * was set to; only reading tells. */
static int open_and_try(struct gpio_group *group, const struct lot *lot,
			enum gpio_use use, struct gpio_request **request)
{
	bool levels[GPIO_REQUEST_MAX];
	int result = open_lot(group, lot, use, request);

	if (result < 0)
		return result;
	result = gpio_request_get(*request, levels);
	if (result < 0)
		gpio_request_close(*request);
	return result < 0 ? result : 0;
}

static int hold_lot(struct gpio_group *group, const struct lot *lot,
		    enum gpio_use use)
{
	struct gpio_hold *hold = free_place(group);
	struct gpio_request *request;
	int result;

	if (!hold)
		return -ENOSPC;
	result = open_and_try(group, lot, use, &request);
	if (result < 0)
		return result;
	memset(hold, 0, sizeof(*hold));
	hold->request = request;
	hold->count = lot->count;
	hold->polled = use == GPIO_USE_LEVELS;
	hold->fresh = true;
	snprintf(hold->chip, sizeof(hold->chip), "%s", lot->line[0]->chip);
	snprintf(hold->label, sizeof(hold->label), "%s", lot->line[0]->label);
	for (unsigned i = 0; i < lot->count; i++) {
		hold->wire[i] = lot->wire[i];
		hold->offset[i] = lot->line[i]->offset;
		all_is_well(group, lot->wire[i]);
	}
	return 0;
}

/* Each line by itself; what still fails is told. */
static void hold_each(struct gpio_group *group, const struct lot *lot,
		      enum gpio_use use)
{
	for (unsigned i = 0; i < lot->count; i++) {
		struct lot one = {{lot->line[i]}, {lot->wire[i]}, 1};
		int result = hold_lot(group, &one, use);

		if (result == -EBUSY)
			complain_of_holder(group, lot->wire[i], lot->line[i]);
		else if (result < 0)
			complain_of_error(group, lot->wire[i],
					  lot->line[i]->label, result);
	}
}

static void hold_or_each(struct gpio_group *group, const struct lot *lot,
			 enum gpio_use use)
{
	if (lot->count > 0 && hold_lot(group, lot, use) < 0)
		hold_each(group, lot, use);
}

/* Inputs that interrupt in one hold, those that cannot in another. Which is
 * which is only known by trying. */
static void hold_inputs(struct gpio_group *group, const struct lot *lot)
{
	struct lot edges = {.count = 0}, levels = {.count = 0};

	if (hold_lot(group, lot, GPIO_USE_EDGES) == 0)
		return;
	for (unsigned i = 0; i < lot->count; i++) {
		struct lot one = {{lot->line[i]}, {lot->wire[i]}, 1};
		struct gpio_request *request = NULL;
		int result = open_lot(group, &one, GPIO_USE_EDGES, &request);
		struct lot *to =
			result == 0 || result == -EBUSY ? &edges : &levels;

		gpio_request_close(request);
		to->line[to->count] = lot->line[i];
		to->wire[to->count++] = lot->wire[i];
	}
	hold_or_each(group, &edges, GPIO_USE_EDGES);
	hold_or_each(group, &levels, GPIO_USE_LEVELS);
}

/* ---- connecting ---- */

static void check_holds(struct gpio_group *group)
{
	bool levels[GPIO_REQUEST_MAX];

	for (unsigned i = 0; i < group->count; i++) {
		struct gpio_hold *hold = &group->hold[i];
		int result;

		if (!hold->request)
			continue;
		result = gpio_group_get(group, hold, levels);
		if (result < 0)
			gpio_group_drop(group, hold, result);
	}
}

static unsigned missing_wires(const struct gpio_group *group)
{
	unsigned missing = 0;

	for (unsigned i = 0; i < group->count; i++)
		missing += group->state[i] != GPIO_STATE_WELL;
	return missing;
}

static void complain_of_name(struct gpio_group *group, unsigned wire,
			     int result, const char *words)
{
	enum gpio_state state = result == -ENOTUNIQ ? GPIO_STATE_UNCLEAR
				: result == -EACCES ? GPIO_STATE_DENIED
						    : GPIO_STATE_GONE;

	complain(group, wire, state, "%s", words);
}

/* The line of a wire that is not held, if it can be asked for. chosen: of the
 * wires before it. */
static const struct gpio_line *choose(struct gpio_group *group,
				      const struct gpio_listing *listing,
				      const struct gpio_line **chosen,
				      unsigned wire)
{
	char words[GPIO_WORDS_MAX];
	const struct gpio_line *line;
	int result;

	line = gpio_listing_pick(listing, group->wire[wire].line, &result,
				 words, sizeof(words));
	if (result == -EACCES && group->denials <= GPIO_PATIENCE)
		return NULL;
	if (!line) {
		complain_of_name(group, wire, result, words);
		return NULL;
	}
	for (unsigned i = 0; i < wire; i++) {
		if (chosen[i] != line)
			continue;
		complain(group, wire, GPIO_STATE_BUSY,
			 "GPIO line %s is wired twice: %s is the same line; "
			 "correct the board file",
			 group->wire[wire].line, group->wire[i].line);
		return NULL;
	}
	if (line->used) {
		complain_of_holder(group, wire, line);
		return NULL;
	}
	return line;
}

/* Gives up the holds of a chip, to ask for all of its lines at once. */
static void join_chip(struct gpio_group *group,
		      const struct gpio_listing *listing, const char *chip,
		      const struct gpio_line **chosen)
{
	for (unsigned h = 0; h < group->count; h++) {
		struct gpio_hold *hold = &group->hold[h];

		if (!hold->request || strcmp(hold->chip, chip) != 0)
			continue;
		for (size_t l = 0; l < listing->count; l++) {
			const struct gpio_line *line = &listing->line[l];

			if (strcmp(line->chip, chip) != 0)
				continue;
			for (unsigned i = 0; i < hold->count; i++)
				if (hold->offset[i] == line->offset)
					chosen[hold->wire[i]] = line;
		}
		gpio_request_close(hold->request);
		hold->request = NULL;
	}
}

/* Takes what was chosen of one chip, GPIO_REQUEST_MAX at a time. */
static void hold_chip(struct gpio_group *group, const char *chip,
		      const struct gpio_line **chosen)
{
	struct lot lot = {.count = 0};

	for (unsigned i = 0; i < group->count; i++) {
		if (!chosen[i] || strcmp(chosen[i]->chip, chip) != 0 ||
		    lot.count == GPIO_REQUEST_MAX)
			continue;
		lot.line[lot.count] = chosen[i];
		lot.wire[lot.count++] = i;
		chosen[i] = NULL;
	}
	if (group->output)
		hold_or_each(group, &lot, GPIO_USE_OUTPUT);
	else
		hold_inputs(group, &lot);
}

static void connect_missing(struct gpio_group *group,
			    const struct gpio_listing *listing)
{
	const struct gpio_line *chosen[GPIO_WIRES_MAX] = {NULL};

	for (unsigned i = 0; i < group->count; i++)
		if (group->state[i] != GPIO_STATE_WELL)
			chosen[i] = choose(group, listing, chosen, i);
	for (unsigned i = 0; group->output && i < group->count; i++)
		if (chosen[i])
			join_chip(group, listing, chosen[i]->chip, chosen);
	for (unsigned i = 0; i < group->count; i++)
		while (chosen[i])
			hold_chip(group, chosen[i]->chip, chosen);
}

int gpio_group_connect(struct gpio_group *group)
{
	struct gpio_listing listing = {0};
	unsigned missing;

	check_holds(group);
	missing = missing_wires(group);
	if (missing == 0)
		return 0;
	if (gpio_listing_read(&listing) == 0) {
		group->denials = listing.denied[0] ? group->denials + 1 : 0;
		connect_missing(group, &listing);
	}
	gpio_listing_free(&listing);
	return (int)missing_wires(group);
}
