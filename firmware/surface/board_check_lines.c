/*
 * Lines: which are used twice, and which somebody else on the 40-pin header
 * uses. The header is that of every Raspberry Pi since the B+; a line of
 * another chip is an expander's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "surface/board_check.h"

/* Inputs, outputs, three wires of each chain, interrupts, in this order. */
#define USES_MAX                                                               \
	(BOARD_INPUTS_MAX + BOARD_OUTPUTS_MAX + 3 * BOARD_CHAINS_MAX +         \
	 BOARD_EXPANDERS_MAX)

#define HEADER_MA   50 /* of all lines of the Pi together */
#define REGISTER_MA 70 /* through the supply pin of a 74HC595 */

struct use {
	const char *name;		 /* of the line */
	const struct board_input *input; /* or NULL */
	int header;			 /* n of GPIOn; -1 */
	unsigned line;			 /* of the file */
	char who[BOARD_NAME_MAX + 32];
};

static void name_use(struct use *use, const char *role, unsigned track)
{
	if (track)
		snprintf(use->who, sizeof(use->who), "%s of track %u", role,
			 track);
	else
		snprintf(use->who, sizeof(use->who), "%s", role);
}

static struct use *add_use(struct use *uses, unsigned *count, const char *name,
			   unsigned line)
{
	struct use *use = &uses[(*count)++];

	use->name = name;
	use->input = NULL;
	use->header = board_header_line(name);
	use->line = line;
	return use;
}

static void add_chain(struct use *uses, unsigned *count,
		      const struct board_chain *chain)
{
	static const char *const names[] = {"data", "clock", "latch"};
	const struct gpio_wire *wires[] = {&chain->data, &chain->clock,
					   &chain->latch};

	for (unsigned i = 0; i < 3; i++) {
		struct use *use =
			add_use(uses, count, wires[i]->line, chain->line);

		snprintf(use->who, sizeof(use->who), "%s of chain %s", names[i],
			 chain->name);
	}
}

static unsigned list_uses(const struct board *board, struct use *uses)
{
	unsigned count = 0;

	for (unsigned i = 0; i < board->inputs; i++) {
		const struct board_input *input = &board->input[i];
		struct use *use =
			add_use(uses, &count, input->wire.line, input->line);

		use->input = input;
		name_use(use, board_input_name(input->role), input->track);
	}
	for (unsigned i = 0; i < board->outputs; i++) {
		const struct board_output *output = &board->output[i];

		if (output->chain == BOARD_ON_LINE)
			name_use(add_use(uses, &count, output->wire.line,
					 output->line),
				 board_output_name(output->role),
				 output->track);
	}
	for (unsigned i = 0; i < board->chains; i++)
		if (!board->chain[i].spi[0])
			add_chain(uses, &count, &board->chain[i]);
	for (unsigned i = 0; i < board->expanders; i++)
		if (board->expander[i].interrupt[0])
			name_use(add_use(uses, &count,
					 board->expander[i].interrupt,
					 board->expander[i].line),
				 "an expander's interrupt", 0);
	return count;
}

static bool same_line(const struct use *a, const struct use *b)
{
	return a->header >= 0 ? a->header == b->header
			      : strcmp(a->name, b->name) == 0;
}

static void check_double_use(struct board_checker *c, const struct use *uses,
			     unsigned count)
{
	for (unsigned i = 1; i < count; i++)
		for (unsigned j = 0; j < i; j++) {
			if (!same_line(&uses[i], &uses[j]))
				continue;
			board_finding(c, true, uses[i].line,
				      "%s is used twice: by %s (line %u) and "
				      "by %s",
				      uses[i].name, uses[j].who, uses[j].line,
				      uses[i].who);
			break;
		}
}

/* ---- the header ---- */

static bool has_spi(const struct board *board, const char *bus)
{
	for (unsigned i = 0; i < board->chains; i++)
		if (strncmp(board->chain[i].spi, bus, strlen(bus)) == 0)
			return true;
	return false;
}

/* Who has a range of the header's lines, if it is there. */
struct owner {
	int first, last;
	unsigned share; /* that declares it; 0: it is always there */
	const char *who;
	const char *unless; /* what it is good for undeclared; NULL: all */
};

static const struct owner owners[] = {
	{0, 1, 0, "the ID EEPROM, which the firmware reads at every start",
	 NULL},
	{18, 21, BOARD_SHARES_I2S | BOARD_SHARES_I2S8, "I2S",
	 "with a USB interface, not with an I2S one"},
	{22, 27, BOARD_SHARES_I2S8, "I2S of an 8-channel interface", NULL},
	{2, 3, BOARD_SHARES_I2C, "I2C", NULL},
	{7, 11, BOARD_SHARES_SPI0, "SPI0", NULL},
	{16, 21, BOARD_SHARES_SPI1, "SPI1", NULL},
	{14, 15, BOARD_SHARES_UART, "the UART",
	 "only if the serial console is off"},
};

static void check_owner(struct board_checker *c, const struct owner *owner,
			const struct use *use, unsigned shares)
{
	const char *line = use->name;

	if (use->header < owner->first || use->header > owner->last)
		return;
	if (!owner->share || (owner->share & shares))
		board_finding(c, true, use->line,
			      "%s (%s) belongs to %s; take another line", line,
			      use->who, owner->who);
	else if (owner->unless)
		board_finding(c, false, use->line,
			      "%s (%s) belongs to %s: it works %s", line,
			      use->who, owner->who, owner->unless);
}

/* GPIO2 and GPIO3 have 1.8 kOhm to 3.3 V soldered to them. */
static bool has_pull_up(const struct use *use)
{
	return use->header == 2 || use->header == 3;
}

static void check_pull(struct board_checker *c, const struct use *use)
{
	const struct gpio_wire *wire = &use->input->wire;

	if (wire->pull == GPIO_PULL_UP || has_pull_up(use)) {
		if (!wire->active_low)
			board_finding(c, true, use->line,
				      "%s (%s) is active high but pulled up%s: "
				      "it would always be active",
				      wire->line, use->who,
				      has_pull_up(use) ? " on the Pi itself"
						       : "");
	} else if (wire->pull == GPIO_PULL_DOWN) {
		if (wire->active_low)
			board_finding(c, true, use->line,
				      "%s (%s) is active low but pulled down: "
				      "it would always be active",
				      wire->line, use->who);
	} else if (wire->pull == GPIO_PULL_NONE) {
		board_finding(c, false, use->line,
			      "%s (%s) has no pull: without a resistor of its "
			      "own (10 kOhm) it picks up what is in the air",
			      wire->line, use->who);
	}
}

static void check_header(struct board_checker *c, const struct use *uses,
			 unsigned count)
{
	unsigned shares = c->board->shares;

	if (has_spi(c->board, "/dev/spidev0."))
		shares |= BOARD_SHARES_SPI0;
	if (has_spi(c->board, "/dev/spidev1."))
		shares |= BOARD_SHARES_SPI1;
	if (c->board->expanders)
		shares |= BOARD_SHARES_I2C;
	for (unsigned i = 0; i < count; i++) {
		for (size_t j = 0; j < sizeof(owners) / sizeof(*owners); j++)
			check_owner(c, &owners[j], &uses[i], shares);
		if (uses[i].header > 27)
			board_finding(c, false, uses[i].line,
				      "%s (%s) is not on the 40-pin header",
				      uses[i].name, uses[i].who);
		if (uses[i].input)
			check_pull(c, &uses[i]);
	}
}

/* ---- expanders ---- */

static const struct board_expander *expander_of(const struct board *board,
						const char *line)
{
	const char *colon = strrchr(line, ':');

	for (unsigned i = 0; colon && i < board->expanders; i++)
		if (strncmp(board->expander[i].label, line,
			    (size_t)(colon - line)) == 0 &&
		    !board->expander[i].label[colon - line])
			return &board->expander[i];
	return NULL;
}

static void check_expanders(struct board_checker *c, const struct use *uses,
			    unsigned count)
{
	const struct board *board = c->board;

	for (unsigned i = 1; i < board->expanders; i++)
		for (unsigned j = 0; j < i; j++)
			if (board->expander[i].address ==
			    board->expander[j].address)
				board_finding(c, true, board->expander[i].line,
					      "two expanders have the address "
					      "0x%02x; set other A0 to A2",
					      board->expander[i].address);
	for (unsigned i = 0; i < count; i++)
		if (expander_of(board, uses[i].name) &&
		    strtoul(strrchr(uses[i].name, ':') + 1, NULL, 10) >=
			    BOARD_EXPANDER_LINES)
			board_finding(c, true, uses[i].line,
				      "%s (%s): an expander has lines 0 to %d",
				      uses[i].name, uses[i].who,
				      BOARD_EXPANDER_LINES - 1);
}

/* ---- chains ---- */

/* Whether both are the header's, or of chips with the same label; of a named
 * line the chip is not known. */
static bool one_chip(const char *a, const char *b)
{
	const char *colon_a = strrchr(a, ':'), *colon_b = strrchr(b, ':');
	int header_a = board_header_line(a), header_b = board_header_line(b);

	if (header_a >= 0 || header_b >= 0)
		return header_a >= 0 && header_b >= 0;
	if (!colon_a || !colon_b)
		return true;
	return colon_a - a == colon_b - b &&
	       strncmp(a, b, (size_t)(colon_a - a)) == 0;
}

static void check_bits(struct board_checker *c, unsigned chain)
{
	unsigned used_by[BOARD_CHAIN_BITS] = {0}; /* index + 1 */
	const struct board *board = c->board;
	bool used = false;

	for (unsigned i = 0; i < board->outputs; i++) {
		const struct board_output *output = &board->output[i];
		unsigned *user;

		if (output->chain != (int)chain)
			continue;
		used = true;
		user = &used_by[output->bit];
		if (*user)
			board_finding(c, true, output->line,
				      "bit %u of chain %s is used twice: by %s "
				      "(line %u) and by %s",
				      output->bit, board->chain[chain].name,
				      board_output_name(
					      board->output[*user - 1].role),
				      board->output[*user - 1].line,
				      board_output_name(output->role));
		*user = i + 1;
	}
	if (!used)
		board_finding(c, false, board->chain[chain].line,
			      "chain %s has no outputs",
			      board->chain[chain].name);
}

static void check_chain(struct board_checker *c, unsigned index)
{
	const struct board_chain *chain = &c->board->chain[index];

	check_bits(c, index);
	if (!chain->spi[0]) {
		if (!one_chip(chain->data.line, chain->clock.line) ||
		    !one_chip(chain->data.line, chain->latch.line))
			board_finding(c, true, chain->line,
				      "data, clock and latch of chain %s must "
				      "be lines of one chip",
				      chain->name);
		return;
	}
	for (unsigned i = 0; i < index; i++)
		if (strcmp(c->board->chain[i].spi, chain->spi) == 0)
			board_finding(c, true, chain->line,
				      "chains %s and %s are both on %s; wire "
				      "them as one, or use the other chip "
				      "select",
				      c->board->chain[i].name, chain->name,
				      chain->spi);
}

/* ---- currents ---- */

/* Of a red LED, which takes most, at 3.3 V. */
static double led_ma(unsigned resistor)
{
	return (3.3 - 1.9) / resistor * 1e3;
}

static bool is_led(const struct board_output *output)
{
	return output->role != BOARD_BUZZER &&
	       output->role != BOARD_TRIGGER_OUT;
}

static void check_header_current(struct board_checker *c)
{
	const struct board *board = c->board;
	unsigned leds = 0;
	double sum;

	for (unsigned i = 0; i < board->outputs; i++)
		leds += board->output[i].chain == BOARD_ON_LINE &&
			is_led(&board->output[i]) &&
			board_header_line(board->output[i].wire.line) >= 0;
	sum = leds * led_ma(board->resistor);
	if (sum > HEADER_MA)
		board_finding(c, false, 0,
			      "all %u LEDs on lines of the Pi draw %.0f mA "
			      "together; it can give about %d: take larger "
			      "resistors than %u ohms",
			      leds, sum, HEADER_MA, board->resistor);
}

static void check_chain_current(struct board_checker *c, unsigned index)
{
	const struct board_chain *chain = &c->board->chain[index];
	unsigned leds[BOARD_CHAIN_BITS / 8] = {0}, most = 0;
	double sum;

	for (unsigned i = 0; i < c->board->outputs; i++) {
		const struct board_output *output = &c->board->output[i];

		if (output->chain != (int)index || !is_led(output))
			continue;
		if (++leds[output->bit / 8] > most)
			most = leds[output->bit / 8];
	}
	sum = most * led_ma(chain->resistor);
	if (sum > REGISTER_MA)
		board_finding(c, false, chain->line,
			      "the LEDs of a register of chain %s can draw "
			      "%.0f mA; a 74HC595 bears %d: take larger "
			      "resistors than %u ohms",
			      chain->name, sum, REGISTER_MA, chain->resistor);
}

void board_check_lines(struct board_checker *c)
{
	struct use uses[USES_MAX];
	unsigned count = list_uses(c->board, uses);

	check_double_use(c, uses, count);
	check_header(c, uses, count);
	check_expanders(c, uses, count);
	for (unsigned i = 0; i < c->board->chains; i++)
		check_chain(c, i);
	check_header_current(c);
	for (unsigned i = 0; i < c->board->chains; i++)
		check_chain_current(c, i);
}
