/*
 * client: the connection to the recorder's control socket.
 *
 * One thread. The descriptor never blocks; what waits takes a deadline. All
 * functions return 0 (or what they say) or a negative errno.
 */
#ifndef TAKEBOX_TOOLS_CLIENT_H
#define TAKEBOX_TOOLS_CLIENT_H

#include <jansson.h>

#include "base/exit_codes.h"

#define CLIENT_PATH_MAX 108 /* sun_path, with its final zero (unix(7)) */

struct client;

/* Connects to path, or if that is NULL to $TAKEBOX_SOCKET, or if that is not
 * set to the first of /run/takebox/control and
 * $XDG_RUNTIME_DIR/takebox/control that answers. where: the path in question,
 * also on failure. */
int client_open(struct client **client, const char *path,
		char where[CLIENT_PATH_MAX]);
void client_close(struct client *client); /* NULL allowed */

int client_fd(const struct client *client); /* to poll for POLLIN */

/* Sends one request under an id of its own; request is consumed. Returns the
 * id. -EAGAIN: the recorder does not read any more. */
int client_send(struct client *client, json_t *request);

/* Next message, without waiting. 1: *message, which the caller owns; 0: none
 * yet; -EPIPE: the recorder closed; -EPROTO: a line was no JSON object and is
 * gone, call again; else the connection is of no more use. */
int client_receive(struct client *client, json_t **message);

/* The same, but waits for it at most timeout_ms. -ETIMEDOUT, -EINTR. */
int client_wait(struct client *client, int timeout_ms, json_t **message);

/* Sends (consuming request) and waits for the answer; events that come
 * between are passed over. */
int client_request(struct client *client, json_t *request, int timeout_ms,
		   json_t **reply);

/* What an answer means for the shell. *message: words for the user if it is
 * not EXIT_OK, borrowed from the reply. */
enum takebox_exit client_exit_code(const json_t *reply, const char **message);

/* The name that the protocol has for it, for commands that need no recorder. */
const char *client_cause(enum takebox_exit code);

/* A client_ error for the user, in words with the way out. */
const char *client_error_words(int error);

#endif
