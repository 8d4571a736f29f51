/*
 * client: a unix stream socket, JSON lines each way.
 *
 * Requests are small and sent in one piece: if the socket does not take one
 * whole, the recorder has stopped reading and the connection is given up,
 * which is simpler and more honest than a queue.
 */
#include "tools/client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "tools/wire.h"

struct client {
	int fd;
	int last_id;
	struct wire wire;
};

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, error;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static int connect_named(const char *path, char where[CLIENT_PATH_MAX])
{
	snprintf(where, CLIENT_PATH_MAX, "%s", path);
	return connect_to(path);
}

/* The system's recorder first, then that of the user. An error other than
 * "there is none" is worth more to the user than that of the second. */
static int connect_default(char where[CLIENT_PATH_MAX])
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char own[CLIENT_PATH_MAX];
	int fd = connect_named("/run/takebox/control", where);

	if (fd >= 0 || !runtime || !runtime[0])
		return fd;
	if (snprintf(own, sizeof(own), "%s/takebox/control", runtime) >=
	    (int)sizeof(own))
		return fd;
	if (fd != -ENOENT && access(own, F_OK) != 0)
		return fd;
	return connect_named(own, where);
}

int client_open(struct client **client, const char *path,
		char where[CLIENT_PATH_MAX])
{
	const char *environment = getenv("TAKEBOX_SOCKET");
	struct client *made;
	int fd;

	if (!path && environment && environment[0])
		path = environment;
	fd = path ? connect_named(path, where) : connect_default(where);
	if (fd < 0)
		return fd;
	made = calloc(1, sizeof(*made));
	if (!made) {
		close(fd);
		return -ENOMEM;
	}
	made->fd = fd;
	wire_init(&made->wire);
	*client = made;
	return 0;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	close(client->fd);
	wire_finish(&client->wire);
	free(client);
}

int client_fd(const struct client *client)
{
	return client->fd;
}

static int send_whole(int fd, const char *data, size_t size)
{
	ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);

	if (sent < 0)
		return -errno;
	return (size_t)sent == size ? 0 : -EAGAIN;
}

int client_send(struct client *client, json_t *request)
{
	char *line;
	size_t length;
	int r;

	json_object_set_new(request, "id", json_integer(client->last_id + 1));
	line = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	if (!line)
		return -EINVAL;
	length = strlen(line);
	line[length] = '\n'; /* in place of the final zero, sent with it */
	r = send_whole(client->fd, line, length + 1);
	free(line);
	return r < 0 ? r : ++client->last_id;
}

/* Reads what is there. 0: there was nothing; 1: something came. */
static int fill(struct client *client)
{
	size_t room;
	char *space = wire_room(&client->wire, &room);
	ssize_t got;

	if (!space)
		return -errno;
	got = read(client->fd, space, room);
	if (got == 0)
		return -EPIPE;
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	wire_filled(&client->wire, (size_t)got);
	return 1;
}

int client_receive(struct client *client, json_t **message)
{
	for (;;) {
		int r = wire_next(&client->wire, message);

		if (r != 0)
			return r;
		r = fill(client);
		if (r <= 0)
			return r == -ECONNRESET ? -EPIPE : r;
	}
}

int client_wait(struct client *client, int timeout_ms, json_t **message)
{
	int64_t deadline = clock_now_ns() + timeout_ms * NS_PER_MS;

	for (;;) {
		struct pollfd poll_fd = {client->fd, POLLIN, 0};
		int64_t left;
		int r = client_receive(client, message);

		if (r != 0)
			return r;
		left = (deadline - clock_now_ns()) / NS_PER_MS;
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&poll_fd, 1, (int)left) < 0)
			return -errno;
	}
}

static bool is_answer(const json_t *message, int id)
{
	const json_t *its_id = json_object_get(message, "id");

	return json_object_get(message, "ok") &&
	       (!json_is_integer(its_id) || json_integer_value(its_id) == id);
}

int client_request(struct client *client, json_t *request, int timeout_ms,
		   json_t **reply)
{
	int64_t deadline = clock_now_ns() + timeout_ms * NS_PER_MS;
	int id = client_send(client, request);

	if (id < 0)
		return id;
	for (;;) {
		int64_t left = (deadline - clock_now_ns()) / NS_PER_MS;
		int r = client_wait(client, left > 0 ? (int)left : 0, reply);

		if (r < 0)
			return r;
		if (is_answer(*reply, id))
			return 0;
		json_decref(*reply);
		*reply = NULL;
	}
}

static const struct {
	const char *error;
	enum takebox_exit code;
} causes[] = {
	{"usage", EXIT_USAGE},
	{"refused", EXIT_REFUSED},
	{"interface", EXIT_NO_INTERFACE},
	{"medium", EXIT_MEDIUM},
	{"not-found", EXIT_NOT_FOUND},
};

const char *client_cause(enum takebox_exit code)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++)
		if (code == causes[i].code)
			return causes[i].error;
	return "failed";
}

enum takebox_exit client_exit_code(const json_t *reply, const char **message)
{
	const char *error = json_string_value(json_object_get(reply, "error"));
	const char *words =
		json_string_value(json_object_get(reply, "message"));

	if (json_is_true(json_object_get(reply, "ok")))
		return EXIT_OK;
	*message = words && words[0] ? words : "takeboxd gave no reason";
	for (size_t i = 0; error && i < sizeof(causes) / sizeof(*causes); i++) {
		if (strcmp(error, causes[i].error) == 0)
			return causes[i].code;
	}
	return EXIT_FAILED;
}

const char *client_error_words(int error)
{
	switch (-error) {
	case ENOENT:
		return "there is no such socket; is takeboxd running?";
	case ECONNREFUSED:
		return "nobody listens there; takeboxd has stopped, start it "
		       "again";
	case EACCES:
	case EPERM:
		return "you may not use that socket; run as the recorder's "
		       "user or as root";
	case EPIPE:
		return "takeboxd closed the connection";
	case EAGAIN:
	case ETIMEDOUT:
		return "takeboxd does not answer in time";
	case EPROTO:
	case EMSGSIZE:
		return "takeboxd's answer cannot be understood";
	case ENAMETOOLONG:
		return "the path is too long for a socket";
	default:
		return strerror(-error);
	}
}
