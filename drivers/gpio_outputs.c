/*
 * Outputs: a picture of levels, written chip by chip where it changed. The
 * picture is kept while a chip is away, and is what it shows when it returns.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/gpio_group.h"

struct gpio_outputs {
	struct gpio_group group;
};

struct gpio_outputs *gpio_outputs_create(const struct gpio_wire *wires,
					 unsigned count, gpio_trouble_fn fn,
					 void *context)
{
	struct gpio_outputs *outputs = calloc(1, sizeof(*outputs));

	if (outputs && gpio_group_init(&outputs->group, true, wires, count, fn,
				       context) < 0) {
		free(outputs);
		outputs = NULL;
	}
	return outputs;
}

void gpio_outputs_destroy(struct gpio_outputs *outputs)
{
	bool off[GPIO_WIRES_MAX] = {false};

	if (!outputs)
		return;
	outputs->group.fn = NULL;
	gpio_outputs_set(outputs, off);
	gpio_group_finish(&outputs->group);
	free(outputs);
}

int gpio_outputs_connect(struct gpio_outputs *outputs)
{
	return gpio_group_connect(&outputs->group);
}

static void write_hold(struct gpio_group *group, struct gpio_hold *hold)
{
	int result = gpio_group_set(group, hold);

	if (result < 0)
		gpio_group_drop(group, hold, result);
}

static bool differs(const struct gpio_group *group,
		    const struct gpio_hold *hold, const bool *active)
{
	for (unsigned i = 0; i < hold->count; i++)
		if (group->level[hold->wire[i]] != active[hold->wire[i]])
			return true;
	return false;
}

void gpio_outputs_set(struct gpio_outputs *outputs, const bool *active)
{
	struct gpio_group *group = &outputs->group;
	bool changed[GPIO_WIRES_MAX] = {false};

	for (unsigned i = 0; i < group->count; i++)
		changed[i] = group->hold[i].request &&
			     differs(group, &group->hold[i], active);
	for (unsigned i = 0; i < group->count; i++)
		group->level[i] = active[i];
	for (unsigned i = 0; i < group->count; i++)
		if (changed[i])
			write_hold(group, &group->hold[i]);
}

/* The hold that has a wire, or NULL. */
static struct gpio_hold *hold_of(struct gpio_group *group, unsigned wire)
{
	for (unsigned h = 0; h < group->count; h++) {
		struct gpio_hold *hold = &group->hold[h];

		for (unsigned i = 0; hold->request && i < hold->count; i++)
			if (hold->wire[i] == wire)
				return hold;
	}
	return NULL;
}

int gpio_outputs_pulse(struct gpio_outputs *outputs, unsigned first,
		       unsigned count, const bool *active)
{
	struct gpio_group *group = &outputs->group;
	struct gpio_hold *hold;
	int result;

	if (count == 0 || first >= group->count || count > group->count - first)
		return -EINVAL;
	hold = hold_of(group, first);
	for (unsigned i = 0; i < count; i++) {
		struct gpio_hold *other = hold_of(group, first + i);

		if (!other)
			return -ENODEV;
		if (other != hold)
			return -EXDEV;
	}
	memcpy(group->level + first, active, count * sizeof(*active));
	result = gpio_group_set(group, hold);
	if (result < 0)
		gpio_group_drop(group, hold, result);
	return result < 0 ? result : 0;
}

uint64_t gpio_outputs_calls(const struct gpio_outputs *outputs)
{
	return outputs->group.calls;
}
