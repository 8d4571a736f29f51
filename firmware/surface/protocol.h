/* protocol: JSON to commands, status to JSON. Pure; any thread. */
#ifndef TAKEBOX_PROTOCOL_H
#define TAKEBOX_PROTOCOL_H

#include <jansson.h>

#include "transport/meters.h"
#include "transport/transport.h"

/* Fills in command from a request for one of the transport's commands. 0;
 * -ENOENT: cmd is none of them; -EINVAL: reply says what is wrong with it. */
int protocol_read(const json_t *request, struct command *command,
		  struct command_reply *reply);

/* New references; NULL: out of memory. */
json_t *protocol_status(const struct transport_status *status);
json_t *protocol_tracks(const struct transport_status *status);
json_t *protocol_meters(const struct meters *meters);

const char *protocol_error(enum command_error error);

#endif
