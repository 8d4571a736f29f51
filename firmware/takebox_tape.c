/*
 * takebox-tape: owns the interface and the tape, and nothing else.
 *
 * No files, no parsers, no network: it takes requests of one fixed shape on a
 * unix socket and hands out the tape. With --fd it serves the one client that
 * started it, and leaves when that client does.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/autogroup.h"
#include "base/clock.h"
#include "base/exit_codes.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/notify.h"
#include "engine/supervisor.h"

#define CLIENTS_MAX 8

struct client {
	int fd; /* -1: free */
	struct loop_source *source;
	struct service *service;
};

struct service {
	struct loop *loop;
	struct supervisor *supervisor;
	struct notify notify;
	int listen_fd;
	bool only_child;  /* leaves with its client */
	uint8_t kept[16]; /* id of the tape that the service manager keeps */
	bool keeps;	  /* it does keep one */
	int autogroup;	  /* what came of asking for more of the processor */
	struct client client[CLIENTS_MAX];
};

static void drop_client(struct client *client)
{
	loop_remove(client->source);
	close(client->fd);
	client->fd = -1;
	if (client->service->only_child)
		loop_quit(client->service->loop);
}

static void answer(struct client *client, int error, const char *message)
{
	struct supervisor *supervisor = client->service->supervisor;
	const struct tape_writer *tape = supervisor_tape(supervisor);
	struct tape_reply reply = {
		.magic = TAPE_LINK_MAGIC,
		.version = TAPE_LINK_VERSION,
		.error = error,
		.realtime = supervisor_realtime(supervisor),
	};
	int fd = -1;

	snprintf(reply.message, sizeof(reply.message), "%s", message);
	if (error == 0 && tape) {
		fd = tape_writer_share(tape);
		reply.error = fd < 0 ? fd : 0;
	}
	if (tape_link_reply(client->fd, &reply, fd) < 0)
		log_warning("a client left before it was answered");
	if (fd >= 0)
		close(fd);
}

/* The tape outlives this process, and takeboxd's, if the manager has it too. */
static void keep_tape(struct service *service)
{
	const struct tape_writer *tape = supervisor_tape(service->supervisor);
	const uint8_t *id = tape ? tape->header->facts.id : NULL;
	int fd;

	if (id ? service->keeps && memcmp(id, service->kept,
					  sizeof(service->kept)) == 0
	       : !service->keeps)
		return;
	fd = tape ? tape_writer_share(tape) : -1;
	service->keeps = notify_keep(&service->notify, fd) == 0 && fd >= 0;
	if (service->keeps)
		memcpy(service->kept, id, sizeof(service->kept));
	if (fd >= 0)
		close(fd);
}

/* Whoever has no tape to go on with may have been killed together with the
 * process before this one. */
static void go_on(struct service *service, const struct tape_request *request,
		  int tape)
{
	int kept = service->notify.kept;

	service->notify.kept = -1;
	if (tape >= 0 || kept >= 0)
		supervisor_adopt(service->supervisor, request,
				 tape >= 0 ? tape : kept);
	if (tape >= 0)
		close(tape);
	if (kept >= 0)
		close(kept);
}

static void client_ready(void *context, uint32_t events)
{
	struct client *client = context;
	struct supervisor *supervisor = client->service->supervisor;
	struct tape_request request;
	char message[sizeof(((struct tape_reply *)0)->message)];
	int error, tape;

	(void)events;
	error = tape_link_read_request(client->fd, &request, &tape);
	if (error == -EAGAIN || error == -EINTR)
		return;
	if (error < 0) {
		if (error == -EPROTO)
			log_warning("a client of another version was refused");
		drop_client(client);
		return;
	}
	if (tape_request_asks(&request)) {
		if (tape >= 0)
			close(tape);
		answer(client, supervisor_tape(supervisor) ? 0 : -ENODATA, "");
		return;
	}
	go_on(client->service, &request, tape);
	error = supervisor_open(supervisor, &request, message, sizeof(message));
	keep_tape(client->service);
	answer(client, error, message);
}

static void add_client(struct service *service, int fd)
{
	for (int i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &service->client[i];

		if (client->fd >= 0)
			continue;
		client->fd = fd;
		client->service = service;
		client->source = loop_add_fd(service->loop, fd, EPOLLIN,
					     client_ready, client);
		if (client->source)
			return;
		client->fd = -1;
		break;
	}
	log_warning("too many clients: one was turned away");
	close(fd);
}

static void listen_ready(void *context, uint32_t events)
{
	struct service *service = context;
	int fd = accept4(service->listen_fd, NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd >= 0)
		add_client(service, fd);
}

static void tick(struct service *service)
{
	if (!supervisor_tick(service->supervisor))
		return;
	keep_tape(service);
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (service->client[i].fd >= 0)
			answer(&service->client[i], 0, "");
}

static void on_timer(void *context)
{
	struct service *service = context;
	int64_t now = clock_now_ns();

	if (service->autogroup == -EAGAIN)
		service->autogroup = autogroup_follow();
	tick(service);
	notify_feed(&service->notify,
		    supervisor_goes_on(service->supervisor, now), now);
}

static void on_capture(void *context, uint32_t events)
{
	(void)events;
	tick(context);
}

static void on_signal(void *context, int number)
{
	struct service *service = context;

	(void)number;
	notify_tell(&service->notify, "STOPPING=1");
	loop_quit(service->loop);
}

static int serve(struct service *service, const char *path, int fd)
{
	int error = 0;

	/* Ctrl-C is for the client of --fd, which has its last frames to fetch
	 * before it leaves. */
	if (fd >= 0)
		signal(SIGINT, SIG_IGN);
	if (!loop_add_signal(service->loop, SIGTERM, on_signal, service) ||
	    (fd < 0 &&
	     !loop_add_signal(service->loop, SIGINT, on_signal, service)) ||
	    !loop_add_timer(service->loop, SUPERVISOR_TICK_MS * NS_PER_MS,
			    SUPERVISOR_TICK_MS * NS_PER_MS, on_timer,
			    service) ||
	    !loop_add_fd(service->loop, supervisor_fd(service->supervisor),
			 EPOLLIN, on_capture, service))
		return -ENOMEM;
	if (fd >= 0) {
		service->only_child = true;
		add_client(service, fd);
	} else {
		service->listen_fd = tape_link_listen(path);
		if (service->listen_fd < 0) {
			log_error("cannot listen on %s: %s", path,
				  strerror(-service->listen_fd));
			return service->listen_fd;
		}
		if (!loop_add_fd(service->loop, service->listen_fd, EPOLLIN,
				 listen_ready, service))
			error = -ENOMEM;
	}
	if (error < 0)
		return error;
	notify_tell(&service->notify, "READY=1");
	return loop_run(service->loop);
}

static int usage(FILE *out, int code)
{
	fprintf(out, "usage: takebox-tape --socket PATH\n"
		     "       takebox-tape --fd N\n"
		     "Holds the interface and the tape; see "
		     "takebox-tape(8).\n");
	return code;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"socket", required_argument, NULL, 's'},
		{"fd", required_argument, NULL, 'f'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	struct service service = {.listen_fd = -1};
	const char *path = NULL;
	int option, fd = -1, error;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 's':
			path = optarg;
			break;
		case 'f':
			fd = atoi(optarg);
			break;
		case 'h':
			return usage(stdout, EXIT_OK);
		case 'V':
			/* In brackets: what must be equal for a reader. */
			printf("takebox-tape %s (tape %u, link %u)\n",
			       TAKEBOX_VERSION, TAPE_VERSION,
			       TAPE_LINK_VERSION);
			return EXIT_OK;
		default:
			return usage(stderr, EXIT_USAGE);
		}
	}
	if (optind < argc || (!path && fd < 0))
		return usage(stderr, EXIT_USAGE);
	log_init("takebox-tape", LOG_LEVEL_INFO);
	service.autogroup = autogroup_follow();
	for (int i = 0; i < CLIENTS_MAX; i++)
		service.client[i].fd = -1;
	notify_init(&service.notify);
	service.keeps = service.notify.kept >= 0;
	service.loop = loop_create();
	service.supervisor = supervisor_create();
	error = service.loop && service.supervisor ? serve(&service, path, fd)
						   : -ENOMEM;
	supervisor_destroy(service.supervisor);
	loop_destroy(service.loop);
	notify_finish(&service.notify);
	if (service.listen_fd >= 0)
		unlink(path);
	return error < 0 ? EXIT_FAILED : EXIT_OK;
}
