/*
 * The control socket: clients, each with a line being read and a queue being
 * written.
 */
#include "surface/control_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/json_text.h"
#include "base/log.h"

#define LINE_MAX_BYTES	65536
#define QUEUE_MAX_BYTES (1u << 20)
#define READ_BYTES	4096

/* ---- a client's life ---- */

void control_drop(struct client *client)
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

/* It may be in use further up: it goes when the loop comes round to it, which
 * the end of the connection sees to. Whoever waits for an answer waits no
 * longer. */
static void doom(struct client *client)
{
	client->doomed = true;
	shutdown(client->fd, SHUT_RDWR);
}

static void write_some(struct client *client)
{
	ssize_t done = 0;

	if (client->queued > 0)
		done = send(client->fd, client->queue, client->queued,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
	if (done < 0 && errno != EAGAIN && errno != EINTR)
		doom(client);
	if (done > 0) {
		client->queued -= (size_t)done;
		memmove(client->queue, client->queue + done, client->queued);
	}
	loop_change_events(client->source,
			   client->queued ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void control_send(struct client *client, json_t *object)
{
	char *text = object ? json_text(object,
					JSON_COMPACT | JSON_REAL_PRECISION(12))
			    : NULL;
	size_t length = text ? strlen(text) : 0;
	char *grown = NULL;

	json_decref(object);
	if (text && client->queued + length + 1 <= QUEUE_MAX_BYTES)
		grown = realloc(client->queue, client->queued + length + 1);
	if (!grown) {
		doom(client);
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

/* ---- lines ---- */

static void do_line(struct client *client, const char *line, size_t length)
{
	json_error_t error;
	json_t *request = json_read(line, length, &error);
	char message[sizeof(error.text) + 32];

	if (!request && errno == ENOMEM) {
		client->doomed = true;
	} else if (json_is_object(request)) {
		control_request(client, request);
	} else {
		snprintf(message, sizeof(message), "not a JSON object: %s",
			 request ? "something else" : error.text);
		control_send_error(client, NULL, COMMAND_USAGE, message);
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
		control_drop(client);
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
		client->serial = ++control->clients;
		client->source = loop_add_fd(control->loop, fd, EPOLLIN,
					     client_ready, client);
		if (!client->source)
			control_drop(client);
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
			control_send_event(client);
		if (news && !client->doomed)
			control_answer_who_waits(client, news);
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
	control->aside = aside_create(loop);
	error = control->aside ? start_listening(control) : -ENOMEM;
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
	aside_destroy(control->aside);
	for (int i = 0; i < CLIENTS_MAX; i++)
		control_drop(&control->client[i]);
	loop_remove(control->source);
	if (control->bound)
		unlink(control->path);
	if (control->listen_fd >= 0)
		close(control->listen_fd);
	free(control);
}
