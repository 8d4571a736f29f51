/* From one level per output of the board to its lines and chains. */
#include "surface/lamps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/shift.h"

struct lamps {
	const struct board *board;
	lamps_trouble_fn trouble;
	void *context;
	struct gpio_outputs *lines; /* NULL: none */
	unsigned wire_output[GPIO_WIRES_MAX];
	unsigned wires;
	struct lamps_chain {
		struct lamps *lamps;
		unsigned number;
		struct shift *shift;
		/* + 1; 0: nothing is wired there */
		unsigned output[BOARD_CHAIN_BITS];
	} chain[BOARD_CHAINS_MAX];
};

static void wire_trouble(void *context, unsigned wire, const char *text)
{
	struct lamps *lamps = context;

	lamps->trouble(lamps->context, wire, text);
}

static void chain_trouble(void *context, const char *text)
{
	struct lamps_chain *chain = context;

	chain->lamps->trouble(chain->lamps->context,
			      GPIO_WIRES_MAX + chain->number, text);
}

static int create_lines(struct lamps *lamps)
{
	const struct board *board = lamps->board;
	struct gpio_wire wires[GPIO_WIRES_MAX];

	for (unsigned i = 0; i < board->outputs; i++) {
		if (board->output[i].chain >= 0 ||
		    lamps->wires == GPIO_WIRES_MAX)
			continue;
		lamps->wire_output[lamps->wires] = i;
		wires[lamps->wires++] = board->output[i].wire;
	}
	if (lamps->wires == 0)
		return 0;
	lamps->lines =
		gpio_outputs_create(wires, lamps->wires, wire_trouble, lamps);
	return lamps->lines ? 0 : -ENOMEM;
}

static int create_chain(struct lamps *lamps, unsigned number)
{
	const struct board_chain *from = &lamps->board->chain[number];
	struct lamps_chain *chain = &lamps->chain[number];
	struct shift_plan plan = {
		.bits = from->bits,
		.active_low = from->active_low,
		.speed_hz = from->speed_hz,
		.data = from->data,
		.clock = from->clock,
		.latch = from->latch,
	};

	snprintf(plan.spi, sizeof(plan.spi), "%s", from->spi);
	chain->lamps = lamps;
	chain->number = number;
	for (unsigned i = 0; i < lamps->board->outputs; i++)
		if (lamps->board->output[i].chain == (int)number)
			chain->output[lamps->board->output[i].bit] = i + 1;
	chain->shift = shift_create(&plan, chain_trouble, chain);
	return chain->shift ? 0 : -ENOMEM;
}

struct lamps *lamps_create(const struct board *board, lamps_trouble_fn fn,
			   void *context)
{
	struct lamps *lamps = calloc(1, sizeof(*lamps));
	int error;

	if (!lamps)
		return NULL;
	lamps->board = board;
	lamps->trouble = fn;
	lamps->context = context;
	error = create_lines(lamps);
	for (unsigned i = 0; i < board->chains && error == 0; i++)
		error = create_chain(lamps, i);
	if (error == 0)
		return lamps;
	lamps_destroy(lamps);
	return NULL;
}

int lamps_connect(struct lamps *lamps)
{
	int missing = 0;

	if (lamps->lines && gpio_outputs_connect(lamps->lines) != 0)
		missing++;
	for (unsigned i = 0; i < lamps->board->chains; i++)
		if (shift_connect(lamps->chain[i].shift) != 0)
			missing++;
	return missing;
}

static void show_chain(struct lamps_chain *chain, unsigned bits, const bool *on)
{
	bool level[BOARD_CHAIN_BITS];

	for (unsigned i = 0; i < bits; i++)
		level[i] = chain->output[i] && on[chain->output[i] - 1];
	shift_set(chain->shift, level);
}

void lamps_show(struct lamps *lamps, const bool *on)
{
	bool level[GPIO_WIRES_MAX];

	for (unsigned i = 0; i < lamps->wires; i++)
		level[i] = on[lamps->wire_output[i]];
	if (lamps->lines)
		gpio_outputs_set(lamps->lines, level);
	for (unsigned i = 0; i < lamps->board->chains; i++)
		show_chain(&lamps->chain[i], lamps->board->chain[i].bits, on);
}

uint64_t lamps_calls(const struct lamps *lamps)
{
	uint64_t calls = lamps->lines ? gpio_outputs_calls(lamps->lines) : 0;

	for (unsigned i = 0; i < lamps->board->chains; i++)
		calls += shift_calls(lamps->chain[i].shift);
	return calls;
}

void lamps_destroy(struct lamps *lamps)
{
	if (!lamps)
		return;
	for (unsigned i = 0; i < lamps->board->chains; i++)
		shift_destroy(lamps->chain[i].shift);
	gpio_outputs_destroy(lamps->lines);
	free(lamps);
}
