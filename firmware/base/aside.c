/*
 * Two lists under one mutex: what is to be worked on and what has been. An
 * eventfd wakes the loop for the second.
 */
#include "base/aside.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct piece {
	struct piece *next;
	aside_work_fn work;
	aside_done_fn done;
	void *context;
	bool worked;
};

struct list {
	struct piece *first, **end;
};

struct aside {
	pthread_t thread;
	struct loop_source *source;
	int fd;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t wake;
	struct list waiting, ready;
	bool ending;
};

static void clear(struct list *list)
{
	*list = (struct list){.end = &list->first};
}

static void append(struct list *list, struct piece *piece)
{
	piece->next = NULL;
	*list->end = piece;
	list->end = &piece->next;
}

static struct piece *remove_first(struct list *list)
{
	struct piece *piece = list->first;

	if (!piece)
		return NULL;
	list->first = piece->next;
	if (!list->first)
		list->end = &list->first;
	return piece;
}

/* NULL: the end. With the mutex held. */
static struct piece *next_piece(struct aside *aside)
{
	while (!aside->waiting.first && !aside->ending)
		pthread_cond_wait(&aside->wake, &aside->mutex);
	return aside->ending ? NULL : remove_first(&aside->waiting);
}

static void *thread_main(void *context)
{
	struct aside *aside = context;
	struct piece *piece;

	pthread_mutex_lock(&aside->mutex);
	while ((piece = next_piece(aside))) {
		pthread_mutex_unlock(&aside->mutex);
		piece->work(piece->context);
		piece->worked = true;
		pthread_mutex_lock(&aside->mutex);
		append(&aside->ready, piece);
		eventfd_write(aside->fd, 1);
	}
	pthread_mutex_unlock(&aside->mutex);
	return NULL;
}

static struct piece *take_piece(struct aside *aside, struct list *list)
{
	struct piece *piece;

	pthread_mutex_lock(&aside->mutex);
	piece = remove_first(list);
	pthread_mutex_unlock(&aside->mutex);
	return piece;
}

static void give_back(struct aside *aside, struct list *list)
{
	struct piece *piece;

	while ((piece = take_piece(aside, list))) {
		piece->done(piece->context, piece->worked);
		free(piece);
	}
}

static void some_are_ready(void *context, uint32_t events)
{
	struct aside *aside = context;
	eventfd_t count;

	(void)events;
	eventfd_read(aside->fd, &count);
	give_back(aside, &aside->ready);
}

struct aside *aside_create(struct loop *loop)
{
	struct aside *aside = calloc(1, sizeof(*aside));

	if (!aside)
		return NULL;
	clear(&aside->waiting);
	clear(&aside->ready);
	pthread_mutex_init(&aside->mutex, NULL);
	pthread_cond_init(&aside->wake, NULL);
	aside->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (aside->fd >= 0)
		aside->source = loop_add_fd(loop, aside->fd, EPOLLIN,
					    some_are_ready, aside);
	if (aside->source &&
	    pthread_create(&aside->thread, NULL, thread_main, aside) == 0)
		return aside;
	loop_remove(aside->source);
	if (aside->fd >= 0)
		close(aside->fd);
	free(aside);
	return NULL;
}

void aside_destroy(struct aside *aside)
{
	if (!aside)
		return;
	pthread_mutex_lock(&aside->mutex);
	aside->ending = true;
	pthread_cond_signal(&aside->wake);
	pthread_mutex_unlock(&aside->mutex);
	pthread_join(aside->thread, NULL);
	give_back(aside, &aside->ready);
	give_back(aside, &aside->waiting);
	loop_remove(aside->source);
	close(aside->fd);
	pthread_cond_destroy(&aside->wake);
	pthread_mutex_destroy(&aside->mutex);
	free(aside);
}

int aside_run(struct aside *aside, aside_work_fn work, aside_done_fn done,
	      void *context)
{
	struct piece *piece = malloc(sizeof(*piece));

	if (!piece)
		return -ENOMEM;
	*piece = (struct piece){.work = work, .done = done, .context = context};
	pthread_mutex_lock(&aside->mutex);
	append(&aside->waiting, piece);
	pthread_cond_signal(&aside->wake);
	pthread_mutex_unlock(&aside->mutex);
	return 0;
}
