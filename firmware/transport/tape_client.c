/* Asking takebox-tape for a tape. */
#include "transport/tape_client.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/pcm.h"

#define ASK_SECONDS 20

void tape_client_init(struct tape_client *client)
{
	*client = (struct tape_client){.socket = -1};
}

int tape_client_beside(char *path, size_t size, const char *name)
{
	char self[PATH_MAX], *slash;
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		return -errno;
	self[length] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	return snprintf(path, size, "%s/%s", self, name) < (int)size
		       ? 0
		       : -ENAMETOOLONG;
}

static void run_child(const char *program, int socket)
{
	char number[16];
	int copy = dup(socket); /* without close-on-exec */

	snprintf(number, sizeof(number), "%d", copy);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	execl(program, program, "--fd", number, (char *)NULL);
	_exit(127);
}

int tape_client_start(struct tape_client *client, const char *program)
{
	int pair[2];
	pid_t child;

	if (access(program, X_OK) < 0)
		return -errno;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	child = fork();
	if (child == 0)
		run_child(program, pair[1]);
	close(pair[1]);
	if (child < 0) {
		int error = -errno;

		close(pair[0]);
		return error;
	}
	client->socket = pair[0];
	client->child = child;
	return 0;
}

int tape_client_connect(struct tape_client *client, const char *path)
{
	int socket = tape_link_connect(path);

	if (socket < 0)
		return socket;
	client->socket = socket;
	return 0;
}

void tape_client_close(struct tape_client *client)
{
	tape_client_hang_up(client);
	tape_detach(&client->tape);
	tape_client_init(client);
}

void tape_client_hang_up(struct tape_client *client)
{
	if (client->socket >= 0)
		close(client->socket);
	if (client->child > 0)
		waitpid(client->child, NULL, 0);
	client->socket = -1;
	client->child = 0;
	client->error = 0;
}

int tape_client_request(struct tape_client *client,
			const struct tape_request *request)
{
	return tape_link_send(client->socket, request,
			      client->tape.header ? client->tape.fd : -1);
}

int tape_client_receive(struct tape_client *client)
{
	struct tape_reply reply;
	struct tape tape = {0};
	int fd, error;

	error = tape_link_receive(client->socket, &reply, &fd);
	if (error < 0)
		return error;
	client->realtime = reply.realtime;
	client->error = reply.error;
	snprintf(client->message, sizeof(client->message), "%s", reply.message);
	if (fd < 0)
		return reply.error < 0 ? reply.error : -EPROTO;
	error = tape_attach(&tape, fd);
	if (error < 0)
		return error;
	tape_detach(&client->tape);
	client->tape = tape;
	return 0;
}

/* It may be opening an interface, which takes a moment. */
static int receive_tape(int socket, struct tape *tape)
{
	struct timeval patience = {.tv_sec = ASK_SECONDS};
	struct tape_reply reply;
	int fd, error;

	setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	error = tape_link_receive(socket, &reply, &fd);
	if (error == 0 && fd < 0)
		error = reply.error == -ENODATA ? -ENOENT : -EPROTO;
	return error < 0 ? error : tape_attach(tape, fd);
}

int tape_client_ask(const char *path, char name[TAPE_NAME_SIZE])
{
	int socket = tape_link_connect(path), error;
	struct tape tape = {0};

	if (socket < 0) /* nobody there, or nobody behind it any more */
		return socket == -ECONNREFUSED || socket == -ENOTDIR ? -ENOENT
								     : socket;
	error = tape_link_send_ask(socket);
	if (error == 0)
		error = receive_tape(socket, &tape);
	close(socket);
	if (error < 0)
		return error;
	for (int i = 0; i < 16; i++)
		snprintf(name + 2 * i, 3, "%02x", tape.facts->id[i]);
	tape_detach(&tape);
	return 0;
}

void tape_client_describe(struct tape_request *request,
			  const struct config *config)
{
	tape_request_init(request);
	snprintf(request->device, sizeof(request->device), "%.191s",
		 config->device);
	request->channels = config->channels;
	request->rate = config->rate;
	request->format = pcm_format_parse(config->format);
	request->period = config->period;
	request->buffer = config->buffer;
	request->clip_run = config->clip_run;
	request->tape_seconds = config->tape_seconds;
}
