/*
 * The drawing: the header, then each chip, as two columns of pins seen from
 * above. What a pin goes to is drawn beside it, on its own side, so that no two
 * leads ever cross. A chain of registers is drawn once, with a chart of what
 * hangs on which of them.
 */
#include "tools/board_draw.h"

#include <string.h>

#include "tools/wiring.h"

#define WIDTH	   960
#define MIDDLE	   (WIDTH / 2)
#define ROW	   26 /* between two pins */
#define PIN_X	   16 /* of a pin's middle, from the chip's */
#define PIN_RADIUS 10
#define NAME_X	   36 /* from the chip's middle outwards */
#define LEAD_X	   88
#define PART_X	   104
#define PART_END_X 214
#define WHAT_X	   226
#define CHART_X	   130 /* of the chart of a chain */
#define CHART_CELL 98
#define CHART_ROW  24

static const char style[] =
	"<style>text{font:13px sans-serif;fill:#222}"
	".title{font-size:20px;font-weight:bold}"
	".head{font-size:15px;font-weight:bold}"
	".pin{font-size:10px;text-anchor:middle;fill:#fff}"
	".name{font:12px monospace}.faint{fill:#999}"
	".small{font-size:11px;fill:#555}.cell{font-size:10.5px}"
	".part{fill:none;stroke:#222;stroke-width:1.5}"
	".ohms{font-size:9px;text-anchor:middle}</style>\n";

/* A chip that is being drawn: its first row's middle, and the side. */
struct side {
	FILE *out;
	int y;
	int sign; /* -1: left, 1: right */
};

static int at(const struct side *s, int x)
{
	return MIDDLE + s->sign * x;
}

static void put(FILE *out, const char *words)
{
	for (; *words; words++) {
		if (*words == '<')
			fputs("&lt;", out);
		else if (*words == '>')
			fputs("&gt;", out);
		else if (*words == '&')
			fputs("&amp;", out);
		else
			fputc(*words, out);
	}
}

/* anchor: "start", "middle", "end", of the words, is at x. */
static void put_text(FILE *out, int x, int y, const char *class,
		     const char *anchor, const char *words)
{
	fprintf(out,
		"<text x=\"%d\" y=\"%d\" class=\"%s\" "
		"text-anchor=\"%s\">",
		x, y, class, anchor);
	put(out, words);
	fputs("</text>\n", out);
}

static void text(const struct side *s, int x, int dy, const char *class,
		 const char *words)
{
	put_text(s->out, at(s, x), s->y + dy, class,
		 s->sign < 0 ? "end" : "start", words);
}

static void line(const struct side *s, int x1, int y1, int x2, int y2)
{
	fprintf(s->out, "<path class=\"part\" d=\"M%d %dL%d %d\"/>\n",
		at(s, x1), s->y + y1, at(s, x2), s->y + y2);
}

/* ---- parts, from x outwards ---- */

static void draw_ground(const struct side *s, int x)
{
	line(s, x, -7, x, 7);
	line(s, x + 4, -4, x + 4, 4);
	line(s, x + 8, -1, x + 8, 1);
}

static void draw_supply(const struct side *s, int x)
{
	line(s, x, -6, x, 6);
	text(s, x + 4, 4, "small", "3.3 V");
}

static void draw_end(const struct side *s, int x, bool ground)
{
	if (ground)
		draw_ground(s, x);
	else
		draw_supply(s, x);
}

static void draw_resistor(const struct side *s, int x, unsigned ohms)
{
	int left = s->sign > 0 ? at(s, x) : at(s, x + 36);

	fprintf(s->out,
		"<rect class=\"part\" x=\"%d\" y=\"%d\" width=\"36\" "
		"height=\"12\" rx=\"2\"/><text class=\"ohms\" x=\"%d\" "
		"y=\"%d\">%u</text>\n",
		left, s->y - 6, left + 18, s->y + 3, ohms);
}

static const char *paint(const char *colour)
{
	if (strcmp(colour, "red") == 0)
		return "#e03c31";
	if (strcmp(colour, "amber") == 0)
		return "#f2a900";
	return "#3aaa35";
}

static void draw_led(const struct side *s, const struct wiring_pin *pin)
{
	/* The current's direction: outwards to ground, inwards from 3.3 V. */
	int from = pin->active_low ? 178 : 164,
	    to = pin->active_low ? 164 : 178;

	line(s, LEAD_X, 0, PART_X, 0);
	draw_resistor(s, PART_X, pin->resistor);
	line(s, PART_X + 36, 0, 164, 0);
	fprintf(s->out,
		"<path d=\"M%d %dL%d %dL%d %dZ\" fill=\"%s\" stroke=\"#222\" "
		"stroke-width=\"1.2\"/>\n",
		at(s, from), s->y - 7, at(s, from), s->y + 7, at(s, to), s->y,
		paint(pin->colour));
	line(s, to, -7, to, 7);
	line(s, 178, 0, 200, 0);
	draw_end(s, 200, !pin->active_low);
}

static void draw_contact(const struct side *s, int x)
{
	fprintf(s->out,
		"<circle cx=\"%d\" cy=\"%d\" r=\"2.5\" fill=\"#222\"/>\n",
		at(s, x), s->y);
}

static void draw_switch(const struct side *s, const struct wiring_pin *pin)
{
	line(s, LEAD_X, 0, 130, 0);
	draw_contact(s, 130);
	draw_contact(s, 160);
	if (pin->kind == WIRING_SWITCH) {
		line(s, 130, 0, 158, -9);
	} else {
		line(s, 128, -5, 162, -5);
		line(s, 145, -5, 145, -10);
		line(s, 139, -10, 151, -10);
	}
	line(s, 160, 0, 200, 0);
	draw_end(s, 200, pin->active_low);
}

static void draw_level(const struct side *s, const struct wiring_pin *pin)
{
	line(s, LEAD_X, 0, PART_X, 0);
	draw_resistor(s, PART_X, pin->resistor);
	line(s, PART_X + 36, 0, 196, 0);
	fprintf(s->out,
		"<circle class=\"part\" cx=\"%d\" cy=\"%d\" r=\"5\"/>\n",
		at(s, 201), s->y);
	/* An arrow on the lead: in or out. */
	if (pin->kind == WIRING_LEVEL_IN) {
		line(s, 162, 0, 170, -4);
		line(s, 162, 0, 170, 4);
	} else {
		line(s, 170, 0, 162, -4);
		line(s, 170, 0, 162, 4);
	}
}

static void draw_part(const struct side *s, const struct wiring_pin *pin)
{
	switch (pin->kind) {
	case WIRING_LED:
		draw_led(s, pin);
		break;
	case WIRING_BUTTON:
	case WIRING_SWITCH:
		draw_switch(s, pin);
		break;
	case WIRING_LEVEL_IN:
	case WIRING_LEVEL_OUT:
	case WIRING_BUZZER:
		draw_level(s, pin);
		break;
	default:
		return;
	}
	text(s, WHAT_X + 10, 4, "what", pin->what);
}

static void draw_to(const struct side *s, const struct wiring_pin *pin)
{
	char words[sizeof(pin->what) + sizeof(pin->how) + 8];

	line(s, LEAD_X, 0, PART_X - 4, 0);
	if (pin->how[0])
		snprintf(words, sizeof(words), "%s: %s", pin->what, pin->how);
	else
		snprintf(words, sizeof(words), "%s", pin->what);
	text(s, PART_X, 4, "what", words);
}

/* ---- pins ---- */

static const char *pin_paint(const struct wiring_pin *pin)
{
	switch (pin->kind) {
	case WIRING_SUPPLY_3V3:
		return "#d9822b";
	case WIRING_SUPPLY_5V:
		return "#c0392b";
	case WIRING_GROUND:
		return "#333";
	case WIRING_FREE:
		return "#bbb";
	case WIRING_KEPT_FREE:
		return "#8e7cc3";
	case WIRING_TO:
		return "#6a4c93";
	case WIRING_LED:
	case WIRING_LEVEL_OUT:
	case WIRING_BUZZER:
		return "#2e8b57";
	default:
		return "#2b6cb0";
	}
}

static void draw_pin(const struct side *s, const struct wiring_pin *pin)
{
	bool faint = pin->kind == WIRING_FREE || pin->kind == WIRING_KEPT_FREE;

	fprintf(s->out,
		"<circle cx=\"%d\" cy=\"%d\" r=\"%d\" fill=\"%s\"/>"
		"<text class=\"pin\" x=\"%d\" y=\"%d\">%u</text>\n",
		at(s, PIN_X), s->y, PIN_RADIUS, pin_paint(pin), at(s, PIN_X),
		s->y + 4, pin->pin);
	text(s, NAME_X, 4, faint ? "name faint" : "name", pin->name);
	if (pin->kind == WIRING_TO)
		draw_to(s, pin);
	else if (pin->kind == WIRING_KEPT_FREE)
		text(s, PART_X, 4, "small", pin->what);
	else
		draw_part(s, pin);
}

/* A chip's body, with a notch unless it is the header. */
static void draw_body(FILE *out, int y, unsigned rows)
{
	fprintf(out,
		"<rect x=\"%d\" y=\"%d\" width=\"64\" height=\"%d\" rx=\"5\" "
		"fill=\"#eee\" stroke=\"#999\"/>\n",
		MIDDLE - 32, y - ROW / 2 - 2, (int)rows * ROW + 4);
}

/* Pins of the header run across, those of a chip down and up again. */
static int draw_chip(FILE *out, int y, const struct wiring_pin *pins,
		     unsigned count, bool header)
{
	draw_body(out, y, count / 2);
	for (unsigned row = 0; row < count / 2; row++) {
		struct side left = {out, y + (int)row * ROW, -1};
		struct side right = {out, y + (int)row * ROW, 1};

		draw_pin(&left, &pins[header ? 2 * row : row]);
		draw_pin(&right, &pins[header ? 2 * row + 1 : count - 1 - row]);
	}
	return y + (int)(count / 2) * ROW;
}

static void heading(FILE *out, int y, const char *words)
{
	put_text(out, MIDDLE, y, "head", "middle", words);
}

/* ---- a chain's chart ---- */

static void draw_cell(FILE *out, int x, int y, const struct wiring_pin *bit)
{
	fprintf(out,
		"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
		"fill=\"none\" stroke=\"#999\"/>\n",
		x, y, CHART_CELL, CHART_ROW);
	if (bit->kind == WIRING_FREE)
		return;
	if (bit->colour)
		fprintf(out,
			"<circle cx=\"%d\" cy=\"%d\" r=\"4\" fill=\"%s\"/>\n",
			x + 9, y + CHART_ROW / 2, paint(bit->colour));
	put_text(out, x + 17, y + 16, "cell", "start", bit->what);
}

static int draw_chart(FILE *out, int y, const struct board *board,
		      unsigned chain)
{
	for (int i = 0; i < 8; i++)
		fprintf(out,
			"<text class=\"small\" x=\"%d\" y=\"%d\">Q%c</text>\n",
			CHART_X + i * CHART_CELL + 4, y - 5, 'A' + i);
	for (unsigned bit = 0; bit < board->chain[chain].bits; bit++) {
		struct wiring_pin what = wiring_bit(board, chain, bit);

		if (bit % 8 == 0)
			fprintf(out,
				"<text class=\"small\" x=\"%d\" y=\"%d\" "
				"text-anchor=\"end\">register %u</text>\n",
				CHART_X - 8,
				y + (int)(bit / 8) * CHART_ROW + 16, bit / 8);
		draw_cell(out, CHART_X + (int)(bit % 8) * CHART_CELL,
			  y + (int)(bit / 8) * CHART_ROW, &what);
	}
	return y + (int)(board->chain[chain].bits / 8) * CHART_ROW;
}

/* ---- the whole ---- */

static int height_of(const struct board *board)
{
	int height = 110 + WIRING_HEADER_PINS / 2 * ROW + 70;

	height += (int)board->expanders * (70 + WIRING_EXPANDER_PINS / 2 * ROW);
	for (unsigned i = 0; i < board->chains; i++)
		height += 130 + WIRING_REGISTER_PINS / 2 * ROW +
			  (int)(board->chain[i].bits / 8) * CHART_ROW;
	return height;
}

static int draw_chains(FILE *out, int y, const struct board *board)
{
	for (unsigned i = 0; i < board->chains; i++) {
		const struct board_chain *chain = &board->chain[i];
		struct wiring_pin pins[WIRING_REGISTER_PINS];
		char words[160];

		snprintf(words, sizeof(words),
			 "Chain %s: %u 74HC595, the first of them", chain->name,
			 chain->bits / 8);
		heading(out, y + 40, words);
		wiring_register(board, i, pins);
		y = draw_chip(out, y + 70, pins, WIRING_REGISTER_PINS, false);
		y = draw_chart(out, y + 50, board, i);
	}
	return y;
}

static void draw_notes(FILE *out, int y, const struct board *board)
{
	put_text(out, MIDDLE, y, "small", "middle",
		 board->inputs + board->outputs
			 ? "Ground is pin 6, 9, 14, 20, 25, 30, 34 or 39. "
			   "Resistors in ohms. Pins in grey are free."
			 : "Nothing is wired.");
}

void board_draw(const struct board *board, FILE *out)
{
	struct wiring_pin pins[WIRING_EXPANDER_PINS > WIRING_HEADER_PINS
				       ? WIRING_EXPANDER_PINS
				       : WIRING_HEADER_PINS];
	int y = 110, height = height_of(board);

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
		"height=\"%d\" viewBox=\"0 0 %d %d\">\n",
		WIDTH, height, WIDTH, height);
	fputs(style, out);
	fprintf(out, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
		WIDTH, height);
	put_text(out, 24, 38, "title", "start", board->name);
	put_text(out, 24, 60, "what", "start", board->text);
	wiring_header(board, pins);
	heading(out, 88, "The Pi's header, seen from above");
	y = draw_chip(out, y, pins, WIRING_HEADER_PINS, true);
	draw_notes(out, y + 10, board);
	for (unsigned i = 0; i < board->expanders; i++) {
		char words[BOARD_NAME_MAX + 64];

		snprintf(words, sizeof(words), "MCP23017 (%s), address 0x%02x",
			 board->expander[i].label, board->expander[i].address);
		heading(out, y + 50, words);
		wiring_expander(board, i, pins);
		y = draw_chip(out, y + 80, pins, WIRING_EXPANDER_PINS, false);
	}
	draw_chains(out, y, board);
	fputs("</svg>\n", out);
}
