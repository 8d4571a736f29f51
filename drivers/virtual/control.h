/*
 * control: the virtual interface's link to whoever breaks it on purpose.
 *
 * Beside the path PATH, where the FIFO is, lie
 *
 *     PATH.log         what happened, a line each (command.h)
 *     PATH.state       the crystal, so that its frames go on counting when
 *                      the device is opened again; also the lock by which
 *                      only one program has the device open
 *     PATH.unplugged   exists while the interface is unplugged
 *
 * A thread reads the FIFO and pushes commands to the device, and writes the
 * device's notes to the log. control_open(), control_close() and the thread
 * may block; the queues and control_notify() are for the device's side.
 */
#ifndef TAKEBOX_VIRTUAL_CONTROL_H
#define TAKEBOX_VIRTUAL_CONTROL_H

#include <stddef.h>

#include "drivers/virtual/event.h"

struct control;

/* What the thread shares with the device. */
struct control_link {
	struct event_queue commands, notes;
	_Atomic bool kicked; /* the timer was set from outside */
	int timer;	     /* set to "now" when there are commands */
};

/* -EBUSY: another program has it open; -ENODEV: unplugged. */
int control_open(struct control **control, const char *path,
		 struct control_link *link, char *error, size_t error_size);
void control_close(struct control *control); /* NULL is fine */

/* The crystal as it was left, if it was of that rate and ppm; otherwise a new
 * one that starts now. From here on it is kept. */
void control_keep_crystal(struct control *control, unsigned rate, double ppm,
			  struct crystal *crystal);

/* The device's side: there are notes. Never blocks. */
void control_notify(struct control *control);

#endif
