/*
 * panel: the front panel: what is wired, by a board, to a transport.
 *
 * Buttons become commands with the position of the edge that they were given
 * with; lamps show the transport's status and the meters of the tape 30 times a
 * second. It sends the same commands and sees the same status as any other
 * surface. Lines that are missing, busy or vanish are among the status's
 * problems until they are back; nothing here waits, and a recording does not
 * notice.
 *
 * Main thread; driven by its loop.
 */
#ifndef TAKEBOX_PANEL_H
#define TAKEBOX_PANEL_H

#include "base/loop.h"
#include "surface/board.h"
#include "transport/transport.h"

struct panel;

/* NULL: no memory. board is copied. Lines that cannot be had at once are asked
 * for every second. */
struct panel *panel_create(struct loop *loop, struct transport *transport,
			   const struct board *board);

/* All lamps off. Before the transport's end; NULL allowed. */
void panel_destroy(struct panel *panel);

/* Kernel calls for lamps so far, for the figures of its cost. */
uint64_t panel_calls(const struct panel *panel);

#endif
