/*
 * wiring: a board as somebody with a soldering iron sees it: which pin of the
 * header or a chip goes where. The tables and drawings are made from it, and
 * it is made from the board file alone.
 *
 * Pure; what it returns is by value.
 */
#ifndef TAKEBOX_TOOLS_WIRING_H
#define TAKEBOX_TOOLS_WIRING_H

#include "surface/board.h"

#define WIRING_HEADER_PINS   40
#define WIRING_EXPANDER_PINS 28 /* MCP23017 */
#define WIRING_REGISTER_PINS 16 /* 74HC595 */

enum wiring_kind {
	WIRING_FREE,
	WIRING_SUPPLY_3V3,
	WIRING_SUPPLY_5V,
	WIRING_GROUND,
	WIRING_KEPT_FREE, /* the ID EEPROM, or what the board shares */
	WIRING_BUTTON,	  /* to ground, or to 3.3 V if active high */
	WIRING_SWITCH,	  /* likewise, latched */
	WIRING_LEVEL_IN,
	WIRING_LEVEL_OUT,
	WIRING_LED,
	WIRING_BUZZER,
	WIRING_TO, /* another chip's pin, a supply */
};

struct wiring_pin {
	unsigned pin;
	char name[24]; /* "GPIO5", "GND", "GPA0" */
	char what[64]; /* "rec", "arm 3"; "": nothing */
	char how[96];  /* "button to ground" */
	enum wiring_kind kind;
	bool active_low;
	unsigned resistor;  /* ohms; 0: none */
	const char *colour; /* of an LED: "red", ... */
};

/* Pins 1 to 40 of the header. */
void wiring_header(const struct board *board,
		   struct wiring_pin pins[WIRING_HEADER_PINS]);

/* Pins 1 to 28 of an expander. */
void wiring_expander(const struct board *board, unsigned expander,
		     struct wiring_pin pins[WIRING_EXPANDER_PINS]);

/* Pins 1 to 16 of a chain's first register. */
void wiring_register(const struct board *board, unsigned chain,
		     struct wiring_pin pins[WIRING_REGISTER_PINS]);

/* What hangs on a bit of a chain; kind WIRING_FREE: nothing. */
struct wiring_pin wiring_bit(const struct board *board, unsigned chain,
			     unsigned bit);

/* Lines that are neither the header's nor a declared expander's, in turn from
 * *place = 0; false at the end. */
bool wiring_other(const struct board *board, unsigned *place,
		  struct wiring_pin *pin);

#endif
