/*
 * show: what the recorder said, for people, on standard output.
 *
 * Colours only on a terminal and without NO_COLOR (https://no-color.org);
 * no control character otherwise.
 */
#ifndef TAKEBOX_TOOLS_SHOW_H
#define TAKEBOX_TOOLS_SHOW_H

#include <jansson.h>
#include <stdbool.h>

#include "tools/view.h"

/* Whether standard output may be coloured. */
bool show_has_colour(void);

/* Whether NO_COLOR lets a terminal be coloured. */
bool show_colour_wanted(void);

void show_status(const struct view_status *status);

/* The summary at the end of a take. */
void show_take(const struct view_take *take);

/* A table of the objects in takes. */
void show_takes(const json_t *takes);

/* "armed: 1 2 5-8 (6 of 18)". */
void show_armed(const struct view_status *tracks);

/* EXIT_GAPS or EXIT_DAMAGED as the take's verdict says, else EXIT_OK. */
int show_verdict_code(const struct view_take *take);

#endif
