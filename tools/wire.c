/*
 * wire: one growing buffer, lines cut from its front. What is consumed is
 * moved out only when room is needed, so a burst of events costs one move.
 */
#include "tools/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 4096u

void wire_init(struct wire *wire)
{
	memset(wire, 0, sizeof(*wire));
}

void wire_finish(struct wire *wire)
{
	free(wire->data);
	wire_init(wire);
}

static void drop_consumed(struct wire *wire)
{
	if (wire->start == 0)
		return;
	memmove(wire->data, wire->data + wire->start, wire->used - wire->start);
	wire->used -= wire->start;
	wire->scanned -= wire->start;
	wire->start = 0;
}

char *wire_room(struct wire *wire, size_t *room)
{
	if (wire->capacity - wire->used < ROOM_MIN)
		drop_consumed(wire);
	if (wire->used >= WIRE_LINE_MAX) {
		errno = EMSGSIZE;
		return NULL;
	}
	if (wire->capacity - wire->used < ROOM_MIN) {
		size_t capacity = wire->capacity * 2 + 4 * ROOM_MIN;
		char *data = realloc(wire->data, capacity);

		if (!data)
			return NULL;
		wire->data = data;
		wire->capacity = capacity;
	}
	*room = wire->capacity - wire->used;
	return wire->data + wire->used;
}

void wire_filled(struct wire *wire, size_t count)
{
	wire->used += count;
}

int wire_next(struct wire *wire, json_t **object)
{
	while (wire->used > wire->scanned) {
		char *line = wire->data + wire->start;
		char *end = memchr(wire->data + wire->scanned, '\n',
				   wire->used - wire->scanned);
		size_t length;

		if (!end) {
			wire->scanned = wire->used;
			return 0;
		}
		length = (size_t)(end - line);
		wire->start += length + 1;
		wire->scanned = wire->start;
		if (length == 0 || (length == 1 && line[0] == '\r'))
			continue;
		*object = json_loadb(line, length, 0, NULL);
		if (json_is_object(*object))
			return 1;
		json_decref(*object);
		*object = NULL;
		return -EPROTO;
	}
	return 0;
}
