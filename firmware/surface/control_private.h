/* What control.c (clients and their lines) and control_requests.c (what is
 * asked and answered) share. */
#ifndef TAKEBOX_CONTROL_PRIVATE_H
#define TAKEBOX_CONTROL_PRIVATE_H

#include <limits.h>

#include <jansson.h>

#include "base/aside.h"
#include "surface/control.h"
#include "transport/meters.h"

#define CLIENTS_MAX 16
#define WAITING_MAX 8 /* requests of one client */

struct client {
	struct control *control;
	int fd;		 /* -1: free */
	uint64_t serial; /* another one for each that comes */
	struct loop_source *source, *timer;
	char *line;
	size_t length;
	char *queue;
	size_t queued;
	bool doomed; /* to be dropped once its callback is over */

	bool subscribed, meters;
	int64_t status_ns; /* when status was last sent */
	/* Requests that are answered by what becomes of a take. */
	struct waiting {
		uint64_t ticket; /* the take's; 0: a free place */
		json_t *id;
		bool wants_end;
	} waiting[WAITING_MAX];
};

struct control {
	struct loop *loop;
	struct aside *aside;
	struct transport *transport;
	char path[PATH_MAX];
	int listen_fd;
	bool bound; /* the path is ours to remove */
	struct loop_source *source;
	struct meters meters;
	int64_t meters_ns;
	uint64_t clients; /* that ever came */
	struct client client[CLIENTS_MAX];
};

/* ---- control.c ---- */

/* Takes object (may be NULL). */
void control_send(struct client *client, json_t *object);
void control_drop(struct client *client);

/* ---- control_requests.c ---- */

void control_request(struct client *client, const json_t *request);
void control_send_error(struct client *client, json_t *id,
			enum command_error error, const char *message);
void control_send_event(struct client *client);
void control_answer_who_waits(struct client *client,
			      const struct transport_news *news);

#endif
