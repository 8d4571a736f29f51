/*
 * The two messages between the processes, checked for size, magic and version
 * on both sides before anything in them is believed.
 */
#include "engine/tape_link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

void tape_request_init(struct tape_request *request)
{
	*request = (struct tape_request){
		.magic = TAPE_LINK_MAGIC,
		.version = TAPE_LINK_VERSION,
	};
}

bool tape_request_equal(const struct tape_request *a,
			const struct tape_request *b)
{
	return strncmp(a->device, b->device, sizeof(a->device)) == 0 &&
	       a->channels == b->channels && a->rate == b->rate &&
	       a->format == b->format && a->period == b->period &&
	       a->buffer == b->buffer && a->clip_run == b->clip_run &&
	       a->tape_seconds == b->tape_seconds;
}

static int fill_address(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	strcpy(address->sun_path, path);
	return 0;
}

int tape_link_connect(const char *path)
{
	struct sockaddr_un address;
	int fd, error = fill_address(&address, path);

	if (error < 0)
		return error;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

int tape_link_listen(const char *path)
{
	struct sockaddr_un address;
	int fd, error = fill_address(&address, path);

	if (error < 0)
		return error;
	/* A socket that nobody listens on was left behind by a crash. */
	fd = tape_link_connect(path);
	if (fd >= 0) {
		close(fd);
		return -EADDRINUSE;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(path, 0660) < 0 || listen(fd, 4) < 0) {
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* One message, with a descriptor unless that is -1. */
static int send_message(int socket, const void *data, size_t size, int fd)
{
	struct iovec part = {(void *)data, size};
	union control control = {0};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t sent;

	if (fd >= 0) {
		struct cmsghdr *header;

		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(int));
	}
	sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	return sent == (ssize_t)size ? 0 : -errno;
}

/* The one that came; more than one are none of ours. */
static void take_descriptor(struct msghdr *message, int *fd)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	size_t count;

	if (!header || header->cmsg_level != SOL_SOCKET ||
	    header->cmsg_type != SCM_RIGHTS)
		return;
	count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < count; i++) {
		int one;

		memcpy(&one, CMSG_DATA(header) + i * sizeof(int), sizeof(one));
		if (count == 1)
			*fd = one;
		else
			close(one);
	}
}

/* One message of just that size. */
static int receive_message(int socket, void *data, size_t size, int *fd)
{
	struct iovec part = {data, size};
	union control control = {0};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t got;

	*fd = -1;
	got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	if (got == 0)
		return -ECONNRESET;
	if (got < 0)
		return -errno;
	take_descriptor(&message, fd);
	return got == (ssize_t)size &&
			       !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		       ? 0
		       : -EPROTO;
}

static int refuse_message(int error, int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return error;
}

int tape_link_send(int socket, const struct tape_request *request, int fd)
{
	return send_message(socket, request, sizeof(*request), fd);
}

int tape_link_send_ask(int socket)
{
	struct tape_request request;

	tape_request_init(&request);
	request.magic = TAPE_LINK_ASK;
	return send_message(socket, &request, sizeof(request), -1);
}

bool tape_request_asks(const struct tape_request *request)
{
	return request->magic == TAPE_LINK_ASK;
}

int tape_link_read_request(int socket, struct tape_request *request, int *fd)
{
	int error = receive_message(socket, request, sizeof(*request), fd);

	if (error < 0)
		return refuse_message(error, fd);
	if ((request->magic != TAPE_LINK_MAGIC &&
	     request->magic != TAPE_LINK_ASK) ||
	    request->version != TAPE_LINK_VERSION ||
	    !memchr(request->device, '\0', sizeof(request->device)))
		return refuse_message(-EPROTO, fd);
	return 0;
}

int tape_link_reply(int socket, const struct tape_reply *reply, int fd)
{
	return send_message(socket, reply, sizeof(*reply), fd);
}

int tape_link_receive(int socket, struct tape_reply *reply, int *fd)
{
	int error = receive_message(socket, reply, sizeof(*reply), fd);

	if (error < 0)
		return refuse_message(error, fd);
	if (reply->magic != TAPE_LINK_MAGIC ||
	    reply->version != TAPE_LINK_VERSION)
		return refuse_message(-EPROTO, fd);
	reply->message[sizeof(reply->message) - 1] = '\0';
	return 0;
}
