/*
 * Every source is a file descriptor in one epoll set: timers are timerfds,
 * signals are signalfds, and the wish to quit is an eventfd, which is what
 * makes loop_quit safe from other threads and from signal handlers.
 *
 * One epoll_wait can return several events, and the callback of the first may
 * remove the source of the second. So a removed source leaves the epoll set at
 * once but its memory lives, marked, until the batch is through.
 */
#include "base/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"

#define BATCH 16

enum source_kind { SOURCE_FD, SOURCE_TIMER, SOURCE_SIGNAL };

struct loop_source {
	struct loop *loop;
	struct loop_source *next; /* in sources, or in removed */
	enum source_kind kind;
	int fd; /* ours, to be closed, unless SOURCE_FD */
	bool removed;
	union {
		loop_fd_fn fd;
		loop_timer_fn timer;
		loop_signal_fn signal;
	} fn;
	void *context;
};

struct loop {
	int epoll_fd;
	int quit_fd;
	bool dispatching;
	struct loop_source *sources;
	struct loop_source *removed;
};

static int watch_quit(struct loop *loop)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->quit_fd, &event);
}

struct loop *loop_create(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int error;

	if (!loop)
		return NULL;
	loop->quit_fd = -1;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		goto fail;
	loop->quit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->quit_fd < 0 || watch_quit(loop) < 0)
		goto fail;
	return loop;

fail:
	error = errno;
	loop_destroy(loop);
	errno = error;
	return NULL;
}

static void free_list(struct loop_source **list)
{
	while (*list) {
		struct loop_source *source = *list;

		*list = source->next;
		free(source);
	}
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	while (loop->sources)
		loop_remove(loop->sources);
	free_list(&loop->removed);
	close(loop->quit_fd);
	close(loop->epoll_fd);
	free(loop);
}

void loop_quit(struct loop *loop)
{
	int saved_errno = errno;
	uint64_t one = 1;

	/* Fails only when the counter is full: then a quit is pending. */
	if (write(loop->quit_fd, &one, sizeof(one)) < 0)
		errno = saved_errno;
}

static void fire_timer(struct loop_source *source)
{
	uint64_t expirations;

	if (read(source->fd, &expirations, sizeof(expirations)) ==
	    sizeof(expirations))
		source->fn.timer(source->context);
}

static void fire_signal(struct loop_source *source)
{
	struct signalfd_siginfo info;

	if (read(source->fd, &info, sizeof(info)) == sizeof(info))
		source->fn.signal(source->context, (int)info.ssi_signo);
}

static void dispatch(struct loop_source *source, uint32_t events)
{
	if (source->removed)
		return;
	switch (source->kind) {
	case SOURCE_FD:
		source->fn.fd(source->context, events);
		break;
	case SOURCE_TIMER:
		fire_timer(source);
		break;
	case SOURCE_SIGNAL:
		fire_signal(source);
		break;
	}
}

/* Dispatches what one epoll_wait brought; true if a quit was among it. The
 * rest of the batch is dispatched all the same: a one-shot timer that fired
 * together with the quit is not lost. */
static bool dispatch_batch(struct loop *loop, const struct epoll_event *events,
			   int count)
{
	bool quit = false;
	uint64_t quits;

	loop->dispatching = true;
	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr)
			dispatch(events[i].data.ptr, events[i].events);
		else if (read(loop->quit_fd, &quits, sizeof(quits)) > 0)
			quit = true;
	}
	loop->dispatching = false;
	free_list(&loop->removed);
	return quit;
}

int loop_run(struct loop *loop)
{
	struct epoll_event events[BATCH];

	for (;;) {
		int count = epoll_wait(loop->epoll_fd, events, BATCH, -1);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		if (dispatch_batch(loop, events, count))
			return 0;
	}
}

/* fd belongs to the new source, unless it is a SOURCE_FD, also on failure. */
static struct loop_source *add_source(struct loop *loop, enum source_kind kind,
				      int fd, uint32_t events, void *context)
{
	struct loop_source *source = calloc(1, sizeof(*source));
	struct epoll_event event = {.events = events};
	int error = ENOMEM;

	if (!source)
		goto close_fd;
	source->loop = loop;
	source->kind = kind;
	source->fd = fd;
	source->context = context;
	event.data.ptr = source;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		error = errno;
		goto free_source;
	}
	source->next = loop->sources;
	loop->sources = source;
	return source;

free_source:
	free(source);
close_fd:
	if (kind != SOURCE_FD)
		close(fd);
	errno = error;
	return NULL;
}

struct loop_source *loop_add_fd(struct loop *loop, int fd, uint32_t events,
				loop_fd_fn fn, void *context)
{
	struct loop_source *source =
		add_source(loop, SOURCE_FD, fd, events, context);

	if (source)
		source->fn.fd = fn;
	return source;
}

int loop_change_events(struct loop_source *source, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	if (epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_MOD, source->fd,
		      &event) < 0)
		return -errno;
	return 0;
}

static struct timespec to_timespec(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / NS_PER_S,
				 .tv_nsec = ns % NS_PER_S};
}

struct loop_source *loop_add_timer(struct loop *loop, int64_t first_ns,
				   int64_t interval_ns, loop_timer_fn fn,
				   void *context)
{
	struct loop_source *source;
	struct itimerspec spec;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0)
		return NULL;
	/* A timerfd set to 0 is one that never fires. */
	spec.it_value = to_timespec(first_ns > 0 ? first_ns : 1);
	spec.it_interval = to_timespec(interval_ns > 0 ? interval_ns : 0);
	source = add_source(loop, SOURCE_TIMER, fd, EPOLLIN, context);
	if (!source)
		return NULL;
	source->fn.timer = fn;
	timerfd_settime(fd, 0, &spec, NULL);
	return source;
}

struct loop_source *loop_add_signal(struct loop *loop, int signal_number,
				    loop_signal_fn fn, void *context)
{
	struct loop_source *source;
	sigset_t set;
	int fd, error;

	sigemptyset(&set);
	if (sigaddset(&set, signal_number) < 0)
		return NULL;
	error = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (error) {
		errno = error;
		return NULL;
	}
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return NULL;
	source = add_source(loop, SOURCE_SIGNAL, fd, EPOLLIN, context);
	if (source)
		source->fn.signal = fn;
	return source;
}

static void unlink_source(struct loop_source *source)
{
	struct loop_source **link = &source->loop->sources;

	while (*link != source)
		link = &(*link)->next;
	*link = source->next;
}

void loop_remove(struct loop_source *source)
{
	struct loop *loop;

	if (!source || source->removed)
		return;
	loop = source->loop;
	unlink_source(source);
	/* Fails harmlessly if the owner has closed fd already. */
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	if (source->kind != SOURCE_FD)
		close(source->fd);
	if (!loop->dispatching) {
		free(source);
		return;
	}
	source->removed = true;
	source->next = loop->removed;
	loop->removed = source;
}
