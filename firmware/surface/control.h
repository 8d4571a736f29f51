/*
 * control: the socket that commands come in by, JSON lines (takebox(1) has the
 * protocol). Main thread; driven by the loop.
 *
 * A client that sends too long a line, or does not read what it asked for, is
 * dropped: no client can hold up the recorder or make it grow.
 */
#ifndef TAKEBOX_CONTROL_H
#define TAKEBOX_CONTROL_H

#include "base/loop.h"
#include "transport/transport.h"

struct control;

/* Listens at path (mode 0660). 0 or a negative errno. */
int control_create(struct control **control, struct loop *loop,
		   struct transport *transport, const char *path);
void control_destroy(struct control *control); /* NULL allowed */

#endif
