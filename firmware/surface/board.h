/*
 * board: what is wired to the recorder: buttons, switches, LEDs. Facts, read
 * from a board file (takebox.board(5), libconfig's language); no code knows a
 * pin.
 *
 * Errors are lines for whoever wires the board: "file:line: what; what to do".
 * By value, no ownership; any thread may read it once loaded. What a struct
 * board holds fits: bits lie within their chain, tracks are 1..64, texts end.
 *
 * Gestures are told apart by gesture.h: one movement of a hand is exactly one
 * of them.
 */
#ifndef TAKEBOX_BOARD_H
#define TAKEBOX_BOARD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "drivers/gpio.h"

#define BOARD_NAME_MAX	     64
#define BOARD_TEXT_MAX	     160
#define BOARD_PATH_MAX	     128 /* of a device */
#define BOARD_FILE_MAX	     512
#define BOARD_INPUTS_MAX     GPIO_WIRES_MAX
#define BOARD_OUTPUTS_MAX    512 /* lamps: lines and register bits */
#define BOARD_CHAINS_MAX     4	 /* chains of shift registers */
#define BOARD_EXPANDERS_MAX  8
#define BOARD_EXPANDER_LINES 16
#define BOARD_CHAIN_BITS     256 /* of one chain */
#define BOARD_GESTURES_MAX   32
#define BOARD_STEPS_MAX	     32 /* LEDs of one bar */
#define BOARD_LEDS_MAX	     64 /* of the kernel's LED class */

/* Where an output is that is on no chain. */
#define BOARD_ON_LINE -1
#define BOARD_ON_LED  -2

enum board_input_role {
	BOARD_REC,
	BOARD_STOP,
	BOARD_PLAY, /* reserved */
	BOARD_MARK,
	BOARD_KEEP,
	BOARD_LOCK,
	BOARD_FOOTSWITCH,
	BOARD_TALK, /* reserved */
	BOARD_TRIGGER,
	BOARD_ARM,	  /* of .track */
	BOARD_POWER_FAIL, /* active: the supply is going */
	BOARD_INPUT_ROLES
};

struct board_input {
	enum board_input_role role;
	unsigned track; /* BOARD_ARM: 1.. */
	bool latched;	/* a switch: its state counts, not its presses: armed,
			   locked, or (REC, FOOTSWITCH, TRIGGER) recording
			   while it is on */
	struct gpio_wire wire;
	unsigned line; /* of the board file, for messages */
};

enum board_output_role {
	BOARD_LAMP_REC,	  /* frames of a take are being kept */
	BOARD_LAMP_PLAY,  /* reserved */
	BOARD_LAMP_READY, /* could record now; the heartbeat */
	BOARD_LAMP_ALERT, /* kept, degraded, lost */
	BOARD_LAMP_LOCK,
	BOARD_BUZZER,
	BOARD_TRIGGER_OUT, /* active from a take's first frame to its last, as
			      well as a program can say: for benches */
	BOARD_LAMP_ARM,	   /* of .track */
	BOARD_LAMP_SIGNAL, /* of .track: off, signal, clip */
	BOARD_LAMP_BAR,	   /* of .track, one LED: lit from .db up */
	BOARD_OUTPUT_ROLES
};

struct board_output {
	enum board_output_role role;
	unsigned track;
	double db; /* BAR: dBFS from which it is lit */
	int chain; /* BOARD_ON_LINE: wire; BOARD_ON_LED: the kernel's LED
		      wire.line; else a bit of that chain */
	unsigned bit;
	unsigned brightness; /* of a LED, percent, when it is not dimmed */
	struct gpio_wire wire;
	unsigned line;
};

/* A chain of 74HC595; bit 0 is QA of the register next to the board. */
struct board_chain {
	char name[BOARD_NAME_MAX];
	unsigned bits;
	bool active_low;
	char spi[BOARD_PATH_MAX]; /* "/dev/spidev0.0"; "": the three wires */
	unsigned speed_hz;	  /* of SPI */
	struct gpio_wire data, clock, latch;
	unsigned resistor; /* ohms in series with each LED; for people */
	unsigned line;
};

/* An MCP23017; its lines are "label:0" (GPA0) to "label:15" (GPB7). The kernel
 * drives it, told by a device-tree overlay: to the panel its lines are like any
 * others, and this is for people and for the checks. */
struct board_expander {
	char label[BOARD_NAME_MAX];
	unsigned address;	       /* on I2C, 0x20 to 0x27 */
	char interrupt[GPIO_NAME_MAX]; /* the line its INT is on; "": none */
	unsigned line;
};

enum board_gesture {
	BOARD_PRESS,
	BOARD_DOUBLE,
	BOARD_HOLD,
	BOARD_LONG,
	BOARD_GESTURES
};

enum board_action {
	BOARD_DO_NOTHING,
	BOARD_DO_RECORD,
	BOARD_DO_STOP,
	BOARD_DO_TOGGLE, /* record; stop if a take runs */
	BOARD_DO_MARK,
	BOARD_DO_KEEP,
	BOARD_DO_LOCK,		 /* or unlock */
	BOARD_DO_ARM_ALL,	 /* or none, if all are */
	BOARD_DO_CLEAR,		 /* peak holds, clips and the alert */
	BOARD_DO_RECORD_OR_MARK, /* record; a marker if a take runs */
	BOARD_ACTIONS
};

/* What else uses the 40-pin header; a set of bits. */
enum board_share {
	BOARD_SHARES_I2C = 1 << 0,  /* GPIO2, 3 */
	BOARD_SHARES_SPI0 = 1 << 1, /* GPIO7 to 11 */
	BOARD_SHARES_SPI1 = 1 << 2, /* GPIO16 to 21 */
	BOARD_SHARES_UART = 1 << 3, /* GPIO14, 15 */
	BOARD_SHARES_I2S = 1 << 4,  /* GPIO18 to 21 */
	BOARD_SHARES_I2S8 = 1 << 5, /* of 8 channels: GPIO18 to 27 */
};

/* What a gesture on a button (or footswitch, trigger) does. */
struct board_rule {
	enum board_input_role button;
	enum board_gesture gesture;
	enum board_action action;
	unsigned line;
};

struct board {
	char name[BOARD_NAME_MAX]; /* the file's, without folder and .board */
	char file[BOARD_FILE_MAX]; /* for messages; "": "none" */
	char text[BOARD_TEXT_MAX]; /* what it is, one line */
	unsigned shares;	   /* of enum board_share */
	struct board_input input[BOARD_INPUTS_MAX];
	unsigned inputs;
	struct board_output output[BOARD_OUTPUTS_MAX];
	unsigned outputs;
	struct board_chain chain[BOARD_CHAINS_MAX];
	unsigned chains;
	struct board_expander expander[BOARD_EXPANDERS_MAX];
	unsigned expanders;
	unsigned resistor; /* ohms in series with each LED on a line */
	struct board_rule rule[BOARD_GESTURES_MAX]; /* defaults filled in */
	unsigned rules;

	/* Times, seconds. */
	double debounce;     /* lock-out after an edge; default 0.02 */
	double settle;	     /* a switch's level counts when stable; 0.03 */
	double hold;	     /* default 0.7 */
	double long_press;   /* default 2.0 */
	double double_press; /* second press within; default 0.35 */
	double preroll; /* of BOARD_DO_RECORD, s; negative: as configured */
	bool start_locked;
};

/* name: a path (it has a '/'), or a board's name ("rack8": NAME.board in
 * $TAKEBOX_BOARDS if that is set, else in /etc/takebox/boards,
 * /usr/local/share/takebox/boards, /usr/share/takebox/boards). "none" needs no
 * file: an empty board. 0; -ENOENT and other negative errno, with a line in
 * error. */
int board_load(struct board *board, const char *name, char *error,
	       size_t error_size);
int board_parse(struct board *board, const char *text, const char *name,
		char *error, size_t error_size);

/* The folders that boards are looked for in, most important first; NULL at the
 * end. Main thread; good until the next call. */
const char *const *board_folders(void);

/* What board_load takes but cannot work, or works badly: lines used twice,
 * pins that I2S, the ID EEPROM, SPI or a console use, gestures that cannot be
 * told apart, a bar without steps, ... Returns the number of errors; warnings
 * are called as well. */
typedef void (*board_finding_fn)(void *context, bool error, unsigned line,
				 const char *text);
unsigned board_check(const struct board *board, board_finding_fn fn,
		     void *context);

const char *board_input_name(enum board_input_role role); /* "rec", "arm" */
const char *board_output_name(enum board_output_role role);
const char *board_gesture_name(enum board_gesture gesture);
const char *board_action_name(enum board_action action);

/* n of a header line, "GPIOn" or "pinctrl-...:n"; -1: another chip's. */
int board_header_line(const char *line);
/* Its pin, 1..40; 0: none. */
unsigned board_header_pin(int line);

#endif
