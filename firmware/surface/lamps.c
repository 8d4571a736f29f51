/* From one level per output of the board to its lines, chains and LEDs. */
#include "surface/lamps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/led.h"
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
	struct lamps_led {
		struct lamps *lamps;
		struct led *led;
		unsigned output;
	} led[BOARD_LEDS_MAX];
	unsigned leds;
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

static void led_trouble(void *context, const char *text)
{
	struct lamps_led *led = context;

	led->lamps->trouble(led->lamps->context,
			    GPIO_WIRES_MAX + BOARD_CHAINS_MAX +
				    (unsigned)(led - led->lamps->led),
			    text);
}

static int create_lines(struct lamps *lamps)
{
	const struct board *board = lamps->board;
	struct gpio_wire wires[GPIO_WIRES_MAX];

	for (unsigned i = 0; i < board->outputs; i++) {
		if (board->output[i].chain != BOARD_ON_LINE ||
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

static int create_leds(struct lamps *lamps)
{
	const struct board *board = lamps->board;

	for (unsigned i = 0; i < board->outputs; i++) {
		struct lamps_led *led = &lamps->led[lamps->leds];

		if (board->output[i].chain != BOARD_ON_LED ||
		    lamps->leds == BOARD_LEDS_MAX)
			continue;
		led->lamps = lamps;
		led->output = i;
		led->led = led_create(board->output[i].wire.line, led_trouble,
				      led);
		if (!led->led)
			return -ENOMEM;
		lamps->leds++;
	}
	return 0;
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
		error = create_leds(lamps);
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
	for (unsigned i = 0; i < lamps->leds; i++)
		if (led_connect(lamps->led[i].led) != 0)
			missing++;
	return missing;
}

static void show_chain(struct lamps_chain *chain, unsigned bits,
		       const uint8_t *level)
{
	bool on[BOARD_CHAIN_BITS];

	for (unsigned i = 0; i < bits; i++)
		on[i] = chain->output[i] &&
			level[chain->output[i] - 1] != LAMP_OFF;
	shift_set(chain->shift, on);
}

static void show_led(struct lamps_led *led, unsigned full, uint8_t level)
{
	led_set(led->led, level == LAMP_OFF   ? 0
			  : level == LAMP_DIM ? (full * LAMPS_DIM + 99) / 100
					      : full);
}

void lamps_show(struct lamps *lamps, const uint8_t *level)
{
	const struct board *board = lamps->board;
	bool on[GPIO_WIRES_MAX];

	for (unsigned i = 0; i < lamps->wires; i++)
		on[i] = level[lamps->wire_output[i]] != LAMP_OFF;
	if (lamps->lines)
		gpio_outputs_set(lamps->lines, on);
	for (unsigned i = 0; i < board->chains; i++)
		show_chain(&lamps->chain[i], board->chain[i].bits, level);
	for (unsigned i = 0; i < lamps->leds; i++)
		show_led(&lamps->led[i],
			 board->output[lamps->led[i].output].brightness,
			 level[lamps->led[i].output]);
}

uint64_t lamps_calls(const struct lamps *lamps)
{
	uint64_t calls = lamps->lines ? gpio_outputs_calls(lamps->lines) : 0;

	for (unsigned i = 0; i < lamps->board->chains; i++)
		calls += shift_calls(lamps->chain[i].shift);
	for (unsigned i = 0; i < lamps->leds; i++)
		calls += led_calls(lamps->led[i].led);
	return calls;
}

void lamps_destroy(struct lamps *lamps)
{
	if (!lamps)
		return;
	for (unsigned i = 0; i < lamps->board->chains; i++)
		shift_destroy(lamps->chain[i].shift);
	for (unsigned i = 0; i < lamps->leds; i++)
		led_destroy(lamps->led[i].led);
	gpio_outputs_destroy(lamps->lines);
	free(lamps);
}
