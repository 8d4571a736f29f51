/*
 * lamps: the outputs of a board, whatever they are wired to: lines of their
 * own, bits of a chain of shift registers, or LEDs of the kernel's. Only the
 * last can be dimmed; the others are lit when they should be dim.
 *
 * Main thread.
 */
#ifndef TAKEBOX_LAMPS_H
#define TAKEBOX_LAMPS_H

#include <stdbool.h>
#include <stdint.h>

#include "surface/board.h"

#define LAMPS_PLACES (GPIO_WIRES_MAX + BOARD_CHAINS_MAX + BOARD_LEDS_MAX)
#define LAMPS_DIM    25 /* percent of full */

enum lamp_level { LAMP_OFF, LAMP_DIM, LAMP_FULL };

/* place: below LAMPS_PLACES, a line, a chain or a LED. text: what is wrong with
 * it; NULL: it is well again. Once per change. */
typedef void (*lamps_trouble_fn)(void *context, unsigned place,
				 const char *text);

struct lamps;

/* NULL: no memory. board must outlive the lamps. */
struct lamps *lamps_create(const struct board *board, lamps_trouble_fn fn,
			   void *context);
void lamps_destroy(struct lamps *lamps); /* all off; NULL allowed */

/* Sees to what is held and takes what is not held yet: about once a second.
 * 0, or something is missing. */
int lamps_connect(struct lamps *lamps);

/* One level (enum lamp_level) per output of the board, in its order. */
void lamps_show(struct lamps *lamps, const uint8_t *level);

uint64_t lamps_calls(const struct lamps *lamps); /* of the kernel, so far */

#endif
