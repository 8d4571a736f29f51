/*
 * What clients ask for and what they are answered. Replies are at once, but for
 * those that a medium has a say in: record and keep are answered when the take
 * has its folder, stop when its files are closed, takes when all ledgers are
 * read.
 */
#include "surface/control_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "surface/protocol.h"
#include "transport/recording.h"
#include "transport/summary.h"

#define STATUS_NS	 NS_PER_S
#define INTERVAL_MIN	 0.02
#define INTERVAL_MAX	 10.0
#define INTERVAL_DEFAULT 0.04

static json_t *success(json_t *id)
{
	json_t *reply = json_pack("{sb}", "ok", 1);

	if (id)
		json_object_set(reply, "id", id);
	return reply;
}

void control_send_error(struct client *client, json_t *id,
			enum command_error error, const char *message)
{
	json_t *reply = json_pack("{sb ss ss}", "ok", 0, "error",
				  protocol_error(error), "message", message);

	if (id)
		json_object_set(reply, "id", id);
	control_send(client, reply);
}

/* status is some 40 KB: not for the stack of a callback in a callback. */
static struct transport_status *get_status(struct control *control)
{
	struct transport_status *status = malloc(sizeof(*status));

	if (status)
		transport_get_status(control->transport, status);
	return status;
}

static void send_status(struct client *client, json_t *reply, const char *key)
{
	struct transport_status *status = get_status(client->control);

	if (status)
		json_object_set_new(reply, key,
				    strcmp(key, "tracks") == 0
					    ? protocol_tracks(status)
					    : protocol_status(status));
	free(status);
	control_send(client, reply);
}

static void send_take(struct client *client, json_t *reply)
{
	struct transport_status *status = get_status(client->control);

	if (status && status->has_take)
		json_object_set_new(reply, "take",
				    json_pack("{ss ss ss}", "session",
					      status->session, "name",
					      status->take, "folder",
					      status->folder));
	free(status);
	control_send(client, reply);
}

static void wait_for_news(struct client *client, json_t *id, uint64_t ticket,
			  bool wants_end)
{
	for (int i = 0; i < WAITING_MAX; i++) {
		struct waiting *waiting = &client->waiting[i];

		if (waiting->ticket)
			continue;
		*waiting = (struct waiting){
			.ticket = ticket,
			.id = json_incref(id),
			.wants_end = wants_end,
		};
		return;
	}
	control_send_error(client, id, COMMAND_FAILED,
			   "done, but too many requests wait for their answer");
}

static json_t *begun_json(const struct transport_news *news)
{
	return json_pack("{ss ss ss}", "session", news->session, "name",
			 news->take, "folder", news->folder);
}

static void answer(struct client *client, struct waiting *waiting,
		   const struct transport_news *news)
{
	json_t *id = waiting->id, *reply;

	*waiting = (struct waiting){0};
	if (news->kind == NEWS_NOT_BEGUN) {
		control_send_error(client, id, COMMAND_MEDIUM, news->error);
	} else {
		reply = success(id);
		json_object_set_new(reply, "take",
				    news->kind == NEWS_BEGUN
					    ? begun_json(news)
					    : json_deep_copy(news->summary));
		control_send(client, reply);
	}
	json_decref(id);
}

void control_answer_who_waits(struct client *client,
			      const struct transport_news *news)
{
	for (int i = 0; i < WAITING_MAX && !client->doomed; i++) {
		struct waiting *waiting = &client->waiting[i];

		if (!waiting->ticket || waiting->ticket != news->ticket)
			continue;
		if (news->kind == NEWS_NOT_BEGUN ||
		    waiting->wants_end == (news->kind == NEWS_ENDED))
			answer(client, waiting, news);
	}
}

static void do_command(struct client *client, json_t *id,
		       const struct command *command)
{
	struct command_reply answer;
	json_t *reply;

	transport_command(client->control->transport, command, &answer);
	if (answer.error != COMMAND_OK) {
		control_send_error(client, id, answer.error, answer.message);
		return;
	}
	if (answer.ticket) {
		wait_for_news(client, id, answer.ticket,
			      command->kind == COMMAND_TO_STOP);
		return;
	}
	reply = success(id);
	switch (command->kind) {
	case COMMAND_TO_KEEP: /* in a take that runs */
		send_take(client, reply);
		break;
	case COMMAND_TO_MARK:
		json_object_set_new(reply, "position",
				    json_integer((json_int_t)answer.position));
		control_send(client, reply);
		break;
	case COMMAND_TO_EJECT:
		json_object_set_new(reply, "medium",
				    json_string(answer.message));
		control_send(client, reply);
		break;
	case COMMAND_TO_SESSION:
		json_object_set_new(reply, "session",
				    json_string(command->name));
		control_send(client, reply);
		break;
	default:
		send_status(client, reply, "tracks");
		break;
	}
}

/* A list of takes, made beside the loop: every ledger on the medium is read. */
struct listing {
	struct client *client;
	uint64_t serial; /* the client's: it may be gone */
	json_t *id;
	char media[RECORDING_OTHERS_MAX]; /* colon-separated */
	char *session;			  /* NULL: all */
	json_t *takes;
};

static void make_list(void *context)
{
	struct listing *listing = context;

	char *rest = listing->media, *medium;

	listing->takes = json_array();
	while ((medium = strsep(&rest, ":"))) {
		json_t *takes = summary_of_takes(medium, listing->session);

		json_array_extend(listing->takes, takes);
		json_decref(takes);
	}
}

static void send_list(void *context, bool worked)
{
	struct listing *listing = context;
	struct client *client = listing->client;
	json_t *reply;

	if (worked && client->fd >= 0 && !client->doomed &&
	    client->serial == listing->serial) {
		reply = success(listing->id);
		json_object_set(reply, "takes", listing->takes);
		control_send(client, reply);
	}
	json_decref(listing->takes);
	json_decref(listing->id);
	free(listing->session);
	free(listing);
}

static void do_takes(struct client *client, json_t *id, const json_t *request)
{
	struct control *control = client->control;
	const char *session =
		json_string_value(json_object_get(request, "session"));
	struct listing *listing = calloc(1, sizeof(*listing));

	if (!listing)
		return;
	listing->client = client;
	listing->serial = client->serial;
	listing->id = json_incref(id);
	listing->session = session ? strdup(session) : NULL;
	transport_list_media(control->transport, listing->media,
			     sizeof(listing->media));
	if (aside_run(control->aside, make_list, send_list, listing) < 0)
		send_list(listing, false);
}

void control_send_event(struct client *client)
{
	json_t *event = json_pack("{ss}", "event", "status");

	client->status_ns = clock_now_ns();
	send_status(client, event, "status");
}

static void on_interval(void *context)
{
	struct client *client = context;
	struct control *control = client->control;
	const struct tape *tape = transport_tape(control->transport);
	int64_t now = clock_now_ns();

	if (now - client->status_ns >= STATUS_NS)
		control_send_event(client);
	if (client->meters && tape) {
		if (now - control->meters_ns >= 5 * NS_PER_MS)
			meters_read(&control->meters, tape, now);
		control->meters_ns = now;
		control_send(client, protocol_meters(&control->meters));
	}
	if (client->doomed)
		control_drop(client);
}

static void do_subscribe(struct client *client, json_t *id,
			 const json_t *request)
{
	const json_t *interval = json_object_get(request, "interval");
	const json_t *meters = json_object_get(request, "meters");
	double seconds =
		interval ? json_number_value(interval) : INTERVAL_DEFAULT;

	if (!(seconds >= INTERVAL_MIN && seconds <= INTERVAL_MAX)) {
		control_send_error(client, id, COMMAND_USAGE,
				   "interval must be 0.02 to 10 seconds");
		return;
	}
	loop_remove(client->timer);
	client->subscribed = true;
	client->meters = !meters || json_is_true(meters);
	client->timer = loop_add_timer(
		client->control->loop, (int64_t)(seconds * NS_PER_S),
		(int64_t)(seconds * NS_PER_S), on_interval, client);
	control_send(client, success(id));
	control_send_event(client);
}

void control_request(struct client *client, const json_t *request)
{
	const char *word = json_string_value(json_object_get(request, "cmd"));
	json_t *id = json_object_get(request, "id");
	struct command_reply problem;
	struct command command;
	int error;

	if (!word) {
		control_send_error(client, id, COMMAND_USAGE,
				   "a request is an object with \"cmd\"");
		return;
	}
	if (strcmp(word, "status") == 0) {
		send_status(client, success(id), "status");
	} else if (strcmp(word, "takes") == 0) {
		do_takes(client, id, request);
	} else if (strcmp(word, "subscribe") == 0) {
		do_subscribe(client, id, request);
	} else {
		error = protocol_read(request, &command, &problem);
		if (error == 0)
			do_command(client, id, &command);
		else
			control_send_error(client, id, COMMAND_USAGE,
					   error == -ENOENT
						   ? "there is no such cmd"
						   : problem.message);
	}
}
