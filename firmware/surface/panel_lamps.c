/* From one level per output of the board to its lines and chains. */
#include "surface/panel_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void wire_trouble(void *context, unsigned wire, const char *text)
{
	panel_trouble(context, GPIO_WIRES_MAX + wire, text);
}

static void chain_trouble(void *context, const char *text)
{
	struct panel_chain *chain = context;

	panel_trouble(chain->panel, 2 * GPIO_WIRES_MAX + chain->number, text);
}

static int create_lines(struct panel *panel)
{
	const struct board *board = &panel->board;
	struct gpio_wire wires[GPIO_WIRES_MAX];

	for (unsigned i = 0; i < board->outputs; i++) {
		if (board->output[i].chain >= 0 ||
		    panel->wires == GPIO_WIRES_MAX)
			continue;
		panel->wire_output[panel->wires] = i;
		wires[panel->wires++] = board->output[i].wire;
	}
	if (panel->wires == 0)
		return 0;
	panel->outputs =
		gpio_outputs_create(wires, panel->wires, wire_trouble, panel);
	return panel->outputs ? 0 : -ENOMEM;
}

static int create_chain(struct panel *panel, unsigned number)
{
	const struct board_chain *from = &panel->board.chain[number];
	struct panel_chain *chain = &panel->chain[number];
	struct shift_plan plan = {
		.bits = from->bits,
		.active_low = from->active_low,
		.speed_hz = from->speed_hz,
		.data = from->data,
		.clock = from->clock,
		.latch = from->latch,
	};

	snprintf(plan.spi, sizeof(plan.spi), "%s", from->spi);
	chain->panel = panel;
	chain->number = number;
	for (unsigned i = 0; i < panel->board.outputs; i++)
		if (panel->board.output[i].chain == (int)number)
			chain->output[panel->board.output[i].bit] = i + 1;
	chain->shift = shift_create(&plan, chain_trouble, chain);
	return chain->shift ? 0 : -ENOMEM;
}

int panel_lamps_init(struct panel *panel)
{
	int error = create_lines(panel);

	for (unsigned i = 0; i < panel->board.chains && error == 0; i++)
		error = create_chain(panel, i);
	return error;
}

int panel_lamps_connect(struct panel *panel)
{
	int missing = 0;

	if (panel->outputs && gpio_outputs_connect(panel->outputs) != 0)
		missing++;
	for (unsigned i = 0; i < panel->board.chains; i++)
		if (shift_connect(panel->chain[i].shift) != 0)
			missing++;
	return missing;
}

void panel_lamps_show(struct panel *panel)
{
	bool level[BOARD_CHAIN_BITS];

	for (unsigned i = 0; i < panel->wires; i++)
		level[i] = panel->on[panel->wire_output[i]];
	if (panel->outputs)
		gpio_outputs_set(panel->outputs, level);
	for (unsigned c = 0; c < panel->board.chains; c++) {
		const struct panel_chain *chain = &panel->chain[c];

		for (unsigned i = 0; i < panel->board.chain[c].bits; i++)
			level[i] = chain->output[i] &&
				   panel->on[chain->output[i] - 1];
		shift_set(chain->shift, level);
	}
}

void panel_lamps_finish(struct panel *panel)
{
	for (unsigned i = 0; i < panel->board.chains; i++)
		shift_destroy(panel->chain[i].shift);
	gpio_outputs_destroy(panel->outputs);
}
