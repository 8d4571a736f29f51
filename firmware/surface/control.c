/*
 * The control socket. Each client has a line being read and a queue being
 * written. Replies are at once, but for stop, which answers when the take is
 * closed: what it came to is known only then.
 */
#include "surface/control.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "surface/protocol.h"
#include "transport/meters.h"
#include "transport/summary.h"

#define CLIENTS_MAX	 16
#define WAITING_MAX	 8 /* requests of one client */
#define LINE_MAX_BYTES	 65536
#define QUEUE_MAX_BYTES	 (1u << 20)
#define READ_BYTES	 4096
#define STATUS_NS	 NS_PER_S
#define INTERVAL_MIN	 0.02
#define INTERVAL_MAX	 10.0
#define INTERVAL_DEFAULT 0.04

struct client {
	struct control *control;
	int fd; /* -1: free */
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
	struct transport *transport;
	char path[PATH_MAX];
	int listen_fd;
	bool bound; /* the path is ours to remove */
	struct loop_source *source;
	struct meters meters;
	int64_t meters_ns;
	struct client client[CLIENTS_MAX];
};

/* ---- a client's life ---- */

static void drop(struct client *client)
{
	if (client->fd < 0)
		return;
	loop_remove(client->source);
	loop_remove(client->timer);
	close(client->fd);
	free(client->line);
	free(client->queue);
	for (int i = 0; i < WAITING_MAX; i++)
		json_decref(client->waiting[i].id);
	*client = (struct client){.control = client->control, .fd = -1};
}

static void write_some(struct client *client)
{
	ssize_t done = 0;

	if (client->queued > 0)
		done = send(client->fd, client->queue, client->queued,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
	if (done < 0 && errno != EAGAIN && errno != EINTR)
		client->doomed = true;
	if (done > 0) {
		client->queued -= (size_t)done;
		memmove(client->queue, client->queue + done, client->queued);
	}
	loop_change_events(client->source,
			   client->queued ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* Takes object (may be NULL). */
static void send_json(struct client *client, json_t *object)
{
	char *text = object ? json_dumps(object,
					 JSON_COMPACT | JSON_REAL_PRECISION(12))
			    : NULL;
	size_t length = text ? strlen(text) : 0;
	char *grown = NULL;

	json_decref(object);
	if (text && client->queued + length + 1 <= QUEUE_MAX_BYTES)
		grown = realloc(client->queue, client->queued + length + 1);
	if (!grown) {
		client->doomed = true;
		free(text);
		return;
	}
	client->queue = grown;
	memcpy(grown + client->queued, text, length);
	grown[client->queued + length] = '\n';
	client->queued += length + 1;
	free(text);
	write_some(client);
}

/* ---- replies ---- */

static json_t *success(json_t *id)
{
	json_t *reply = json_pack("{sb}", "ok", 1);

	if (id)
		json_object_set(reply, "id", id);
	return reply;
}

static void send_error(struct client *client, json_t *id,
		       enum command_error error, const char *message)
{
	json_t *reply = json_pack("{sb ss ss}", "ok", 0, "error",
				  protocol_error(error), "message", message);

	if (id)
		json_object_set(reply, "id", id);
	send_json(client, reply);
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
	send_json(client, reply);
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
	send_json(client, reply);
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
	send_error(client, id, COMMAND_FAILED,
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
		send_error(client, id, COMMAND_MEDIUM, news->error);
	} else {
		reply = success(id);
		json_object_set_new(reply, "take",
				    news->kind == NEWS_BEGUN
					    ? begun_json(news)
					    : json_deep_copy(news->summary));
		send_json(client, reply);
	}
	json_decref(id);
}

static void answer_who_waits(struct client *client,
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
		send_error(client, id, answer.error, answer.message);
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
		send_json(client, reply);
		break;
	case COMMAND_TO_EJECT:
		json_object_set_new(reply, "medium",
				    json_string(answer.message));
		send_json(client, reply);
		break;
	case COMMAND_TO_SESSION:
		json_object_set_new(reply, "session",
				    json_string(command->name));
		send_json(client, reply);
		break;
	default:
		send_status(client, reply, "tracks");
		break;
	}
}

static void do_takes(struct client *client, json_t *id, const json_t *request)
{
	json_t *reply = success(id);

	json_object_set_new(
		reply, "takes",
		summary_of_takes(transport_medium(client->control->transport),
				 json_string_value(
					 json_object_get(request, "session"))));
	send_json(client, reply);
}

static void send_event(struct client *client)
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
		send_event(client);
	if (client->meters && tape) {
		if (now - control->meters_ns >= 5 * NS_PER_MS)
			meters_read(&control->meters, tape, now);
		control->meters_ns = now;
		send_json(client, protocol_meters(&control->meters));
	}
	if (client->doomed)
		drop(client);
}

static void do_subscribe(struct client *client, json_t *id,
			 const json_t *request)
{
	const json_t *interval = json_object_get(request, "interval");
	const json_t *meters = json_object_get(request, "meters");
	double seconds =
		interval ? json_number_value(interval) : INTERVAL_DEFAULT;

	if (!(seconds >= INTERVAL_MIN && seconds <= INTERVAL_MAX)) {
		send_error(client, id, COMMAND_USAGE,
			   "interval must be 0.02 to 10 seconds");
		return;
	}
	loop_remove(client->timer);
	client->subscribed = true;
	client->meters = !meters || json_is_true(meters);
	client->timer = loop_add_timer(
		client->control->loop, (int64_t)(seconds * NS_PER_S),
		(int64_t)(seconds * NS_PER_S), on_interval, client);
	send_json(client, success(id));
	send_event(client);
}

static void do_request(struct client *client, const json_t *request)
{
	const char *word = json_string_value(json_object_get(request, "cmd"));
	json_t *id = json_object_get(request, "id");
	struct command_reply problem;
	struct command command;
	int error;

	if (!word) {
		send_error(client, id, COMMAND_USAGE,
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
			send_error(client, id, COMMAND_USAGE,
				   error == -ENOENT ? "there is no such cmd"
						    : problem.message);
	}
}

/* ---- lines ---- */

static void do_line(struct client *client, const char *line, size_t length)
{
	json_error_t error;
	json_t *request =
		json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
	char message[sizeof(error.text) + 32];

	if (json_is_object(request)) {
		do_request(client, request);
	} else {
		snprintf(message, sizeof(message), "not a JSON object: %s",
			 request ? "something else" : error.text);
		send_error(client, NULL, COMMAND_USAGE, message);
	}
	json_decref(request);
}

static void split_lines(struct client *client)
{
	size_t start = 0;
	char *end;

	while (!client->doomed && (end = memchr(client->line + start, '\n',
						client->length - start))) {
		size_t length = (size_t)(end - client->line) - start;

		if (length > 0)
			do_line(client, client->line + start, length);
		start += length + 1;
	}
	client->length -= start;
	memmove(client->line, client->line + start, client->length);
	if (client->length >= LINE_MAX_BYTES) {
		log_warning("a client sent a line of more than %d bytes",
			    LINE_MAX_BYTES);
		client->doomed = true;
	}
}

static void read_some(struct client *client)
{
	char *grown = realloc(client->line, client->length + READ_BYTES);
	ssize_t got;

	if (!grown) {
		client->doomed = true;
		return;
	}
	client->line = grown;
	got = recv(client->fd, client->line + client->length, READ_BYTES,
		   MSG_DONTWAIT);
	if (got > 0) {
		client->length += (size_t)got;
		split_lines(client);
	} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		client->doomed = true;
	}
}

static void client_ready(void *context, uint32_t events)
{
	struct client *client = context;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_some(client);
	if (!client->doomed && events & EPOLLOUT)
		write_some(client);
	if (client->doomed)
		drop(client);
}

static void on_connect(void *context, uint32_t events)
{
	struct control *control = context;
	int fd = accept4(control->listen_fd, NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	for (int i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &control->client[i];

		if (client->fd >= 0)
			continue;
		client->fd = fd;
		client->source = loop_add_fd(control->loop, fd, EPOLLIN,
					     client_ready, client);
		if (!client->source)
			drop(client);
		return;
	}
	log_warning("too many programs at the control socket: one was turned "
		    "away");
	close(fd);
}

/* ---- news from the transport ---- */

static void on_change(void *context, const struct transport_news *news)
{
	struct control *control = context;

	for (int i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &control->client[i];

		if (client->fd < 0)
			continue;
		if (client->subscribed && !client->doomed)
			send_event(client);
		if (news && !client->doomed)
			answer_who_waits(client, news);
	}
}

/* A socket that somebody still answers on is another takeboxd's. */
static bool is_answered(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answered = fd >= 0 && connect(fd, (const void *)address,
					   sizeof(*address)) == 0;

	if (fd >= 0)
		close(fd);
	return answered;
}

static int bind_socket(struct control *control)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(control->path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, control->path);
	if (is_answered(&address))
		return -EADDRINUSE;
	unlink(control->path);
	if (bind(control->listen_fd, (struct sockaddr *)&address,
		 sizeof(address)) < 0)
		return -errno;
	control->bound = true;
	if (chmod(control->path, 0660) < 0 ||
	    listen(control->listen_fd, CLIENTS_MAX) < 0)
		return -errno;
	return 0;
}

static int start_listening(struct control *control)
{
	int error;

	control->listen_fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->listen_fd < 0)
		return -errno;
	error = bind_socket(control);
	if (error < 0)
		return error;
	control->source = loop_add_fd(control->loop, control->listen_fd,
				      EPOLLIN, on_connect, control);
	return control->source ? 0 : -ENOMEM;
}

int control_create(struct control **out, struct loop *loop,
		   struct transport *transport, const char *path)
{
	struct control *control = calloc(1, sizeof(*control));
	int error;

	*out = NULL;
	if (!control)
		return -ENOMEM;
	control->loop = loop;
	control->transport = transport;
	control->listen_fd = -1;
	snprintf(control->path, sizeof(control->path), "%s", path);
	for (int i = 0; i < CLIENTS_MAX; i++)
		control->client[i] =
			(struct client){.control = control, .fd = -1};
	error = start_listening(control);
	if (error == 0)
		error = transport_listen(transport, on_change, control);
	if (error < 0) {
		control_destroy(control);
		return error;
	}
	*out = control;
	return 0;
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	for (int i = 0; i < CLIENTS_MAX; i++)
		drop(&control->client[i]);
	loop_remove(control->source);
	if (control->bound)
		unlink(control->path);
	if (control->listen_fd >= 0)
		close(control->listen_fd);
	free(control);
}
