/*
 * Conventions: buttons and switches to ground with the chip's own pull-up, LEDs
 * from the line through a resistor to ground; the other way round where the
 * board file says so.
 */
#include "tools/wiring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEVEL_RESISTOR 1000 /* ohms in series with a level from elsewhere */

/* ---- what hangs on a line ---- */

static void set_text(char *out, size_t size, const char *role, unsigned track)
{
	if (track)
		snprintf(out, size, "%s %u", role, track);
	else
		snprintf(out, size, "%s", role);
}

static void set_input(struct wiring_pin *pin, const struct board_input *input)
{
	const struct gpio_wire *wire = &input->wire;
	const char *end = wire->active_low ? "ground" : "3.3 V";
	const char *pull = wire->pull == GPIO_PULL_NONE
				   ? ", with a resistor of 10 kΩ to the other "
				     "side"
				   : "";

	set_text(pin->what, sizeof(pin->what), board_input_name(input->role),
		 input->track);
	pin->active_low = wire->active_low;
	if (input->role == BOARD_TRIGGER || input->role == BOARD_POWER_FAIL) {
		pin->kind = WIRING_LEVEL_IN;
		if (input->role == BOARD_TRIGGER)
			strcpy(pin->what, "trigger in");
		pin->resistor = LEVEL_RESISTOR;
		snprintf(pin->how, sizeof(pin->how),
			 "level in through %u Ω, %s; at most 3.3 V",
			 pin->resistor,
			 wire->active_low ? "active at 0 V"
					  : "active at 3.3 V");
		return;
	}
	pin->kind = input->latched ? WIRING_SWITCH : WIRING_BUTTON;
	snprintf(pin->how, sizeof(pin->how), "%s to %s%s",
		 input->latched ? "switch" : "button", end, pull);
}

static const char *colour_of(const struct board_output *output)
{
	switch (output->role) {
	case BOARD_LAMP_REC:
	case BOARD_LAMP_ARM:
		return "red";
	case BOARD_LAMP_ALERT:
	case BOARD_LAMP_LOCK:
		return "amber";
	case BOARD_LAMP_BAR:
		return output->db >= -3	   ? "red"
		       : output->db >= -12 ? "amber"
					   : "green";
	default:
		return "green";
	}
}

static void set_led(struct wiring_pin *pin, const struct board_output *output,
		    bool active_low, unsigned resistor)
{
	pin->kind = WIRING_LED;
	pin->active_low = active_low;
	pin->resistor = resistor;
	pin->colour = colour_of(output);
	snprintf(pin->how, sizeof(pin->how),
		 active_low ? "%u Ω, LED (%s), 3.3 V"
			    : "%u Ω, LED (%s), ground",
		 resistor, pin->colour);
	if (output->role == BOARD_LAMP_BAR)
		snprintf(pin->what, sizeof(pin->what), "bar %u, %g dB",
			 output->track, output->db);
}

static void set_output(struct wiring_pin *pin,
		       const struct board_output *output, bool active_low,
		       unsigned resistor)
{
	set_text(pin->what, sizeof(pin->what), board_output_name(output->role),
		 output->track);
	pin->active_low = active_low;
	if (output->role == BOARD_BUZZER) {
		pin->kind = WIRING_BUZZER;
		pin->resistor = LEVEL_RESISTOR;
		snprintf(pin->how, sizeof(pin->how),
			 "%u Ω, NPN transistor, buzzer with a sound of its own",
			 pin->resistor);
	} else if (output->role == BOARD_TRIGGER_OUT) {
		pin->kind = WIRING_LEVEL_OUT;
		strcpy(pin->what, "trigger out");
		pin->resistor = resistor;
		snprintf(pin->how, sizeof(pin->how),
			 "level out through %u Ω, %s", resistor,
			 active_low ? "active at 0 V" : "active at 3.3 V");
	} else {
		set_led(pin, output, active_low, resistor);
	}
}

static void set_to(struct wiring_pin *pin, const char *what, const char *how)
{
	pin->kind = WIRING_TO;
	snprintf(pin->what, sizeof(pin->what), "%s", what);
	snprintf(pin->how, sizeof(pin->how), "%s", how);
}

/* The pin that line is, or NULL. */
typedef struct wiring_pin *(*find_pin_fn)(struct wiring_pin *pins,
					  const char *line, const void *which);

static void set_lines(const struct board *board, struct wiring_pin *pins,
		      find_pin_fn find, const void *which)
{
	for (unsigned i = 0; i < board->inputs; i++) {
		struct wiring_pin *pin =
			find(pins, board->input[i].wire.line, which);

		if (pin)
			set_input(pin, &board->input[i]);
	}
	for (unsigned i = 0; i < board->outputs; i++) {
		const struct board_output *output = &board->output[i];
		struct wiring_pin *pin =
			output->chain == BOARD_ON_LINE
				? find(pins, output->wire.line, which)
				: NULL;

		if (pin)
			set_output(pin, output, output->wire.active_low,
				   board->resistor);
	}
}

/* ---- the header ---- */

static struct wiring_pin *header_pin(struct wiring_pin *pins, const char *line,
				     const void *which)
{
	unsigned pin = board_header_pin(board_header_line(line));

	(void)which;
	return pin ? &pins[pin - 1] : NULL;
}

static void keep_free(struct wiring_pin *pins, unsigned first, unsigned last,
		      const char *what)
{
	for (unsigned line = first; line <= last; line++) {
		struct wiring_pin *pin = &pins[board_header_pin((int)line) - 1];

		if (pin->kind != WIRING_FREE)
			continue;
		pin->kind = WIRING_KEPT_FREE;
		snprintf(pin->what, sizeof(pin->what), "%s", what);
		snprintf(pin->how, sizeof(pin->how), "leave free");
	}
}

static void keep_shared_free(const struct board *board, struct wiring_pin *pins)
{
	static const struct {
		unsigned share, first, last;
		const char *what;
	} shared[] = {
		{BOARD_SHARES_I2C, 2, 3, "I2C"},
		{BOARD_SHARES_SPI0, 7, 11, "SPI0"},
		{BOARD_SHARES_SPI1, 16, 21, "SPI1"},
		{BOARD_SHARES_UART, 14, 15, "UART"},
		{BOARD_SHARES_I2S, 18, 21, "I2S"},
		{BOARD_SHARES_I2S8, 18, 27, "I2S"},
	};

	unsigned shares = board->shares;

	for (unsigned i = 0; i < board->chains; i++) {
		const char *spi = board->chain[i].spi;

		if (strstr(spi, "spidev0."))
			shares |= BOARD_SHARES_SPI0;
		if (strstr(spi, "spidev1."))
			shares |= BOARD_SHARES_SPI1;
	}
	keep_free(pins, 0, 1, "ID EEPROM");
	for (size_t i = 0; i < sizeof(shared) / sizeof(*shared); i++)
		if (shares & shared[i].share)
			keep_free(pins, shared[i].first, shared[i].last,
				  shared[i].what);
}

static void set_supplies(struct wiring_pin *pins)
{
	static const unsigned char grounds[] = {6, 9, 14, 20, 25, 30, 34, 39};

	for (size_t i = 0; i < sizeof(grounds); i++) {
		pins[grounds[i] - 1].kind = WIRING_GROUND;
		strcpy(pins[grounds[i] - 1].name, "GND");
	}
	for (unsigned i = 0; i < 2; i++) {
		struct wiring_pin *pin = &pins[i ? 16 : 0];

		pin->kind = WIRING_SUPPLY_3V3;
		strcpy(pin->name, "3.3 V");
		pin = &pins[i ? 3 : 1];
		pin->kind = WIRING_SUPPLY_5V;
		strcpy(pin->name, "5 V");
	}
}

static void set_line(struct wiring_pin *pins, const char *line,
		     const char *what, const char *how)
{
	struct wiring_pin *pin = header_pin(pins, line, NULL);

	if (pin)
		set_to(pin, what, how);
}

/* The lines of spidevB.C on the header. */
static void spi_lines(const char *spi, char data[8], char clock[8],
		      char latch[8])
{
	bool second = strstr(spi, "spidev1.") != NULL;
	int select = atoi(strchr(spi, '.') ? strchr(spi, '.') + 1 : "0");
	int selects[2][3] = {{8, 7, 7}, {18, 17, 16}};

	select = select < 0 || select > 2 ? 0 : select;
	snprintf(data, 8, "GPIO%d", second ? 20 : 10);
	snprintf(clock, 8, "GPIO%d", second ? 21 : 11);
	snprintf(latch, 8, "GPIO%d", selects[second][select]);
}

/* The three lines that a chain hangs on. */
static void chain_lines(const struct board_chain *chain,
			char lines[3][GPIO_NAME_MAX])
{
	char spi[3][8];

	if (!chain->spi[0]) {
		memcpy(lines[0], chain->data.line, GPIO_NAME_MAX);
		memcpy(lines[1], chain->clock.line, GPIO_NAME_MAX);
		memcpy(lines[2], chain->latch.line, GPIO_NAME_MAX);
		return;
	}
	spi_lines(chain->spi, spi[0], spi[1], spi[2]);
	for (unsigned i = 0; i < 3; i++)
		snprintf(lines[i], GPIO_NAME_MAX, "%s", spi[i]);
}

static void set_chain(const struct board_chain *chain, struct wiring_pin *pins)
{
	static const char *const ends[] = {"SER, pin 14 of the first",
					   "SRCLK, pin 11 of every",
					   "RCLK, pin 12 of every"};
	char lines[3][GPIO_NAME_MAX], how[96];

	chain_lines(chain, lines);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(how, sizeof(how), "%s 74HC595", ends[i]);
		set_line(pins, lines[i], chain->name, how);
	}
}

void wiring_header(const struct board *board,
		   struct wiring_pin pins[WIRING_HEADER_PINS])
{
	memset(pins, 0, WIRING_HEADER_PINS * sizeof(*pins));
	for (unsigned i = 0; i < WIRING_HEADER_PINS; i++)
		pins[i].pin = i + 1;
	for (int line = 0; line <= 27; line++)
		snprintf(pins[board_header_pin(line) - 1].name,
			 sizeof(pins->name), "GPIO%d", line);
	set_supplies(pins);
	set_lines(board, pins, header_pin, NULL);
	for (unsigned i = 0; i < board->chains; i++)
		set_chain(&board->chain[i], pins);
	for (unsigned i = 0; i < board->expanders; i++) {
		const struct board_expander *expander = &board->expander[i];

		set_line(pins, "GPIO2", "I2C", "SDA, pin 13 of the MCP23017");
		set_line(pins, "GPIO3", "I2C", "SCL, pin 12 of the MCP23017");
		set_line(pins, expander->interrupt, expander->label,
			 "INTA, pin 20 of the MCP23017");
	}
	keep_shared_free(board, pins);
}

/* ---- expanders ---- */

/* Offset of a line of the expander; -1: not its own. */
static int expander_offset(const struct board_expander *expander,
			   const char *line)
{
	size_t length = strlen(expander->label);
	int offset;

	if (strncmp(line, expander->label, length) != 0 || line[length] != ':')
		return -1;
	offset = atoi(line + length + 1);
	return offset >= 0 && offset < BOARD_EXPANDER_LINES ? offset : -1;
}

static struct wiring_pin *expander_pin(struct wiring_pin *pins,
				       const char *line, const void *which)
{
	int offset = expander_offset(which, line);

	if (offset < 0)
		return NULL;
	return &pins[offset < 8 ? 20 + offset : offset - 8];
}

void wiring_expander(const struct board *board, unsigned index,
		     struct wiring_pin pins[WIRING_EXPANDER_PINS])
{
	static const char *const names[WIRING_EXPANDER_PINS] = {
		"GPB0", "GPB1", "GPB2", "GPB3",	 "GPB4", "GPB5", "GPB6",
		"GPB7", "VDD",	"VSS",	"NC",	 "SCL",	 "SDA",	 "NC",
		"A0",	"A1",	"A2",	"RESET", "INTB", "INTA", "GPA0",
		"GPA1", "GPA2", "GPA3", "GPA4",	 "GPA5", "GPA6", "GPA7",
	};
	const struct board_expander *expander = &board->expander[index];

	memset(pins, 0, WIRING_EXPANDER_PINS * sizeof(*pins));
	for (unsigned i = 0; i < WIRING_EXPANDER_PINS; i++) {
		pins[i].pin = i + 1;
		strcpy(pins[i].name, names[i]);
	}
	set_lines(board, pins, expander_pin, expander);
	set_to(&pins[8], "3.3 V", "pin 1 of the header; 100 nF to VSS");
	set_to(&pins[9], "ground", "pin 6 of the header");
	set_to(&pins[11], "GPIO3", "pin 5 of the header");
	set_to(&pins[12], "GPIO2", "pin 3 of the header");
	for (unsigned i = 0; i < 3; i++)
		set_to(&pins[14 + i],
		       expander->address >> i & 1 ? "3.3 V" : "ground",
		       "address");
	set_to(&pins[17], "3.3 V", "through 10 kΩ");
	if (expander->interrupt[0]) {
		char how[32];

		snprintf(how, sizeof(how), "pin %u of the header",
			 board_header_pin(
				 board_header_line(expander->interrupt)));
		set_to(&pins[19], expander->interrupt, how);
	}
}

/* ---- registers ---- */

struct wiring_pin wiring_bit(const struct board *board, unsigned chain,
			     unsigned bit)
{
	struct wiring_pin pin = {.pin = bit};

	snprintf(pin.name, sizeof(pin.name), "Q%c", 'A' + (int)(bit % 8));
	for (unsigned i = 0; i < board->outputs; i++)
		if (board->output[i].chain == (int)chain &&
		    board->output[i].bit == bit)
			set_output(&pin, &board->output[i],
				   board->chain[chain].active_low,
				   board->chain[chain].resistor);
	return pin;
}

/* "GPIO10", "pin 19 of the header". */
static void set_from(struct wiring_pin *pin, const char *line)
{
	unsigned at = board_header_pin(board_header_line(line));
	char how[48] = "";

	if (at)
		snprintf(how, sizeof(how), "pin %u of the header", at);
	set_to(pin, line, how);
}

void wiring_register(const struct board *board, unsigned chain,
		     struct wiring_pin pins[WIRING_REGISTER_PINS])
{
	static const char *const names[WIRING_REGISTER_PINS] = {
		"QB",  "QC",	"QD",	 "QE",	 "QF", "QG",  "QH", "GND",
		"QH'", "SRCLR", "SRCLK", "RCLK", "OE", "SER", "QA", "VCC",
	};
	char lines[3][GPIO_NAME_MAX];

	memset(pins, 0, WIRING_REGISTER_PINS * sizeof(*pins));
	for (unsigned bit = 0; bit < 8; bit++) {
		unsigned at = bit ? bit - 1 : 14;

		pins[at] = wiring_bit(board, chain, bit);
	}
	for (unsigned i = 0; i < WIRING_REGISTER_PINS; i++) {
		pins[i].pin = i + 1;
		strcpy(pins[i].name, names[i]);
	}
	chain_lines(&board->chain[chain], lines);
	set_to(&pins[7], "ground", "pin 6 of the header");
	set_to(&pins[8], "SER", "of the next register, pin 14");
	set_to(&pins[9], "3.3 V", "");
	set_from(&pins[10], lines[1]);
	set_from(&pins[11], lines[2]);
	set_to(&pins[12], "ground", "");
	set_from(&pins[13], lines[0]);
	set_to(&pins[15], "3.3 V", "pin 1 of the header; 100 nF to GND");
}

/* ---- other chips ---- */

static bool is_other(const struct board *board, const char *line)
{
	if (board_header_line(line) >= 0)
		return false;
	for (unsigned i = 0; i < board->expanders; i++)
		if (expander_offset(&board->expander[i], line) >= 0)
			return false;
	return true;
}

static void set_led_of_kernel(struct wiring_pin *pin,
			      const struct board_output *output)
{
	char what[sizeof(pin->what)];

	set_text(what, sizeof(what), board_output_name(output->role),
		 output->track);
	set_to(pin, what, "LED of the kernel's, wired as its driver wants it");
}

bool wiring_other(const struct board *board, unsigned *place,
		  struct wiring_pin *pin)
{
	for (; *place < board->inputs + board->outputs; ++*place) {
		bool in = *place < board->inputs;
		const struct board_input *input =
			&board->input[in ? *place : 0];
		const struct board_output *output =
			&board->output[in ? 0 : *place - board->inputs];
		const char *line = in ? input->wire.line : output->wire.line;

		if ((!in && output->chain >= 0) || !is_other(board, line))
			continue;
		memset(pin, 0, sizeof(*pin));
		snprintf(pin->name, sizeof(pin->name), "%.23s", line);
		if (in)
			set_input(pin, input);
		else if (output->chain == BOARD_ON_LED)
			set_led_of_kernel(pin, output);
		else
			set_output(pin, output, output->wire.active_low,
				   board->resistor);
		++*place;
		return true;
	}
	return false;
}
