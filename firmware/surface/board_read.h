/*
 * board_read: a board file's text into a struct board.
 *
 * Internal to board. board->file is set; the rest is what board_defaults made
 * of it.
 */
#ifndef TAKEBOX_BOARD_READ_H
#define TAKEBOX_BOARD_READ_H

#include "surface/board.h"

/* In the order of their enums, NULL at the end. */
extern const char *const board_input_names[];
extern const char *const board_output_names[];
extern const char *const board_gesture_names[];
extern const char *const board_action_names[];
extern const char *const board_share_names[]; /* bit by bit */

/* An empty board with the default times. */
void board_defaults(struct board *board);

/* The default rules of each button that the board has and its file has no
 * rule for. */
void board_add_rules(struct board *board);

/* 0 or negative errno with a line in error; -ENOENT, without one: no file. */
int board_read_text(struct board *board, const char *text, char *error,
		    size_t error_size);
int board_read_file(struct board *board, char *error, size_t error_size);

#endif
