/*
 * board_draw: a board as a drawing (SVG) and as tables (Markdown), for whoever
 * wires it.
 */
#ifndef TAKEBOX_TOOLS_BOARD_DRAW_H
#define TAKEBOX_TOOLS_BOARD_DRAW_H

#include <stdio.h>

#include "surface/board.h"

void board_draw(const struct board *board, FILE *out);
void board_table(const struct board *board, FILE *out);

/* What a gesture does, in words: "start a take; in a take, set a marker". */
const char *board_action_words(enum board_action action);

#endif
