/*
 * board_keys: the one table of what a board file can say, and entries of its
 * lists as they are read, before they become parts of the board.
 *
 * Internal to board.
 */
#ifndef TAKEBOX_BOARD_KEYS_H
#define TAKEBOX_BOARD_KEYS_H

#include "base/config_reader.h"
#include "surface/board_read.h"

#define BOARD_WORD_MAX 24 /* roles, gestures, ... */
#define BOARD_NO_BIT   0xffffffffu

struct board_input_entry {
	char role[BOARD_WORD_MAX];
	unsigned track; /* 0: not given */
	char line[GPIO_NAME_MAX];
	char active[BOARD_WORD_MAX];
	char pull[BOARD_WORD_MAX];
	bool latched;
};

struct board_output_entry {
	char role[BOARD_WORD_MAX];
	unsigned track;
	char line[GPIO_NAME_MAX];
	char active[BOARD_WORD_MAX];
	char drive[BOARD_WORD_MAX];
	char chain[BOARD_NAME_MAX];
	unsigned bit;
	char led[GPIO_NAME_MAX];
	unsigned brightness;
	char lines_of_bar[BOARD_STEPS_MAX][GPIO_NAME_MAX];
	unsigned bits_of_bar[BOARD_STEPS_MAX];
	double steps_of_bar[BOARD_STEPS_MAX];
	unsigned lines, bits, steps;
};

struct board_chain_entry {
	char name[BOARD_NAME_MAX];
	unsigned bits;
	char active[BOARD_WORD_MAX];
	char spi[BOARD_PATH_MAX];
	unsigned speed, resistor;
	char data[GPIO_NAME_MAX], clock[GPIO_NAME_MAX], latch[GPIO_NAME_MAX];
};

struct board_expander_entry {
	char label[BOARD_NAME_MAX];
	unsigned address;
	char interrupt[GPIO_NAME_MAX];
};

struct board_gesture_entry {
	char button[BOARD_WORD_MAX];
	char gesture[BOARD_WORD_MAX];
	char action[BOARD_WORD_MAX];
};

/* The board itself and the steps that its bars have in common. */
struct board_root {
	struct board *board;
	const struct config_setting_t *inputs, *outputs, *chains, *expanders,
		*gestures;
	double steps_of_bars[BOARD_STEPS_MAX];
	unsigned steps;
};

/* All keys; the group is "board", for those at the top, "times", "inputs",
 * "outputs", "chains", "expanders" or "gestures". Offsets are in the entry of
 * that name, or in struct board. */
extern const struct config_key board_keys[];

/* The place of word among names; config_store has seen to it that it has one.
 */
unsigned board_word(const char *const *names, const char *word);

/* Reads one entry of the list of outputs, chains or expanders. */
int board_read_output(const struct config_reader *reader,
		      const struct config_setting_t *setting);
int board_read_chain(const struct config_reader *reader,
		     const struct config_setting_t *setting);
int board_read_expander(const struct config_reader *reader,
			const struct config_setting_t *setting);

/* Reads numbers, "[-48, -24, -6]", into steps. */
int board_read_steps(const struct config_reader *reader,
		     const struct config_setting_t *setting,
		     const struct config_key *key, double *steps,
		     unsigned *count);

/* That the entry is a group, of which an example is shown, and its keys. */
int board_read_entry(const struct config_reader *reader,
		     const struct config_setting_t *setting, const char *group,
		     const char *example, config_reader_list_fn list,
		     void *entry);

#endif
