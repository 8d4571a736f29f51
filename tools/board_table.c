/*
 * The tables: what goes where, pin by pin, and what the buttons do.
 */
#include <string.h>

#include "tools/board_draw.h"
#include "tools/wiring.h"

const char *board_action_words(enum board_action action)
{
	static const char *const words[BOARD_ACTIONS] = {
		[BOARD_DO_NOTHING] = "nothing",
		[BOARD_DO_RECORD] = "start a take",
		[BOARD_DO_STOP] = "end the take",
		[BOARD_DO_TOGGLE] = "start a take; in a take, end it",
		[BOARD_DO_MARK] = "set a marker",
		[BOARD_DO_KEEP] = "keep the past as a take",
		[BOARD_DO_LOCK] = "lock or unlock the panel",
		[BOARD_DO_ARM_ALL] = "arm all tracks, or none if all are",
		[BOARD_DO_CLEAR] = "clear peaks, clips and the alert",
		[BOARD_DO_RECORD_OR_MARK] =
			"start a take; in a take, set a marker",
	};

	return action < BOARD_ACTIONS ? words[action] : "?";
}

static bool is_used(const struct wiring_pin *pin)
{
	return pin->kind != WIRING_FREE && pin->kind != WIRING_SUPPLY_3V3 &&
	       pin->kind != WIRING_SUPPLY_5V && pin->kind != WIRING_GROUND &&
	       pin->kind != WIRING_KEPT_FREE;
}

static void print_pins(FILE *out, const struct wiring_pin *pins, unsigned count)
{
	fputs("\n| pin | line | what | wired |\n| --- | --- | --- | --- |\n",
	      out);
	for (unsigned i = 0; i < count; i++)
		if (is_used(&pins[i]))
			fprintf(out, "| %u | %s | %s | %s |\n", pins[i].pin,
				pins[i].name, pins[i].what, pins[i].how);
}

static void print_chain(const struct board *board, unsigned chain, FILE *out)
{
	struct wiring_pin pins[WIRING_REGISTER_PINS];

	fprintf(out,
		"\n### Chain %s: %u registers 74HC595\n\n"
		"Every LED: %u Ω in series, %s.\n"
		"The pins of the first register; the others are wired "
		"alike, but their SER to QH' of the one before.\n",
		board->chain[chain].name, board->chain[chain].bits / 8,
		board->chain[chain].resistor,
		board->chain[chain].active_low ? "to 3.3 V" : "to ground");
	wiring_register(board, chain, pins);
	print_pins(out, pins, WIRING_REGISTER_PINS);
	fputs("\n| register | QA | QB | QC | QD | QE | QF | QG | QH |\n"
	      "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
	      out);
	for (unsigned bit = 0; bit < board->chain[chain].bits; bit++) {
		struct wiring_pin pin = wiring_bit(board, chain, bit);

		if (bit % 8 == 0)
			fprintf(out, "| %u |", bit / 8);
		fprintf(out, " %s |%s", pin.what, bit % 8 == 7 ? "\n" : "");
	}
}

static void print_others(const struct board *board, FILE *out)
{
	struct wiring_pin pin;
	unsigned place = 0;

	if (!wiring_other(board, &place, &pin))
		return;
	fputs("\n### Other chips\n\n| line | what | wired |\n"
	      "| --- | --- | --- |\n",
	      out);
	do
		fprintf(out, "| %s | %s | %s |\n", pin.name, pin.what, pin.how);
	while (wiring_other(board, &place, &pin));
}

static void print_gestures(const struct board *board, FILE *out)
{
	if (board->rules == 0)
		return;
	fputs("\n### Gestures\n\n| button | gesture | does |\n"
	      "| --- | --- | --- |\n",
	      out);
	for (unsigned i = 0; i < board->rules; i++) {
		const struct board_rule *rule = &board->rule[i];

		fprintf(out, "| %s | %s", board_input_name(rule->button),
			board_gesture_name(rule->gesture));
		if (rule->gesture == BOARD_HOLD)
			fprintf(out, " (%g s)", board->hold);
		if (rule->gesture == BOARD_LONG)
			fprintf(out, " (%g s)", board->long_press);
		if (rule->gesture == BOARD_DOUBLE)
			fprintf(out, " (within %g s)", board->double_press);
		fprintf(out, " | %s |\n", board_action_words(rule->action));
	}
}

void board_table(const struct board *board, FILE *out)
{
	struct wiring_pin pins[WIRING_HEADER_PINS];

	fprintf(out, "# %s\n\n%s.\n\n![Drawing](%s.svg)\n", board->name,
		board->text, board->name);
	wiring_header(board, pins);
	if (board->inputs + board->outputs > 0) {
		fputs("\n### The Pi's header\n", out);
		print_pins(out, pins, WIRING_HEADER_PINS);
	}
	for (unsigned i = 0; i < board->expanders; i++) {
		fprintf(out, "\n### Expander %s: MCP23017 at 0x%02x\n",
			board->expander[i].label, board->expander[i].address);
		wiring_expander(board, i, pins);
		print_pins(out, pins, WIRING_EXPANDER_PINS);
	}
	for (unsigned i = 0; i < board->chains; i++)
		print_chain(board, i, out);
	print_others(board, out);
	print_gestures(board, out);
}
