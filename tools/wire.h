/*
 * wire: bytes from the control socket into JSON objects, one per line.
 *
 * Pure: knows no descriptor. One thread at a time. Whatever bytes come, it
 * neither crashes nor grows beyond WIRE_LINE_MAX.
 */
#ifndef TAKEBOX_TOOLS_WIRE_H
#define TAKEBOX_TOOLS_WIRE_H

#include <jansson.h>
#include <stddef.h>

#define WIRE_LINE_MAX (16u << 20) /* bytes; a list of 50000 takes fits */

struct wire {
	char *data;
	size_t start;	/* of the line that comes next */
	size_t scanned; /* no newline in [start, scanned) */
	size_t used;	/* bytes held end here */
	size_t capacity;
};

void wire_init(struct wire *wire);
void wire_finish(struct wire *wire); /* of a zeroed one too */

/* Room for at least one byte, to be filled by a read; *room bytes. Returns
 * NULL with errno EMSGSIZE (a line is too long) or ENOMEM. */
char *wire_room(struct wire *wire, size_t *room);
void wire_filled(struct wire *wire, size_t count);

/* Next object. Returns 1 and *object, which the caller owns; 0 if no whole
 * line is there; -EPROTO if a line was not a JSON object: it is gone, the next
 * call goes on behind it. Empty lines are passed over. */
int wire_next(struct wire *wire, json_t **object);

#endif
