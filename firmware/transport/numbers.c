/* A thread per medium: one that hangs keeps its own. */
#include "transport/numbers.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "take/names.h"

struct question {
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t answered;
	unsigned users;	  /* who asks, and those who have not answered */
	unsigned highest; /* so far */
};

struct asked { /* a medium's part of it */
	struct question *question;
	char session[PATH_MAX]; /* the folder */
};

static unsigned highest_in(const char *session)
{
	int dir = open(session, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int highest = dir < 0 ? 0 : names_highest_take(dir);

	if (dir >= 0)
		close(dir);
	return highest > 0 ? (unsigned)highest : 0;
}

/* With the mutex held, which is gone with the last one. */
static void leave(struct question *question)
{
	bool last = --question->users == 0;

	pthread_cond_signal(&question->answered);
	pthread_mutex_unlock(&question->mutex);
	if (!last)
		return;
	pthread_cond_destroy(&question->answered);
	pthread_mutex_destroy(&question->mutex);
	free(question);
}

static void *answer(void *context)
{
	struct asked *asked = context;
	struct question *question = asked->question;
	unsigned highest = highest_in(asked->session);

	free(asked);
	pthread_mutex_lock(&question->mutex);
	if (highest > question->highest)
		question->highest = highest;
	leave(question);
	return NULL;
}

static void ask(struct question *question, const char *medium, size_t length,
		const char *session)
{
	struct asked *asked = malloc(sizeof(*asked));
	pthread_t thread;

	if (!asked)
		return;
	asked->question = question;
	snprintf(asked->session, sizeof(asked->session), "%.*s/Takebox/%s",
		 (int)length, medium, session);
	pthread_mutex_lock(&question->mutex);
	question->users++;
	pthread_mutex_unlock(&question->mutex);
	if (pthread_create(&thread, NULL, answer, asked) == 0)
		pthread_detach(thread);
	else
		answer(asked);
}

static struct question *begin(void)
{
	struct question *question = calloc(1, sizeof(*question));
	pthread_condattr_t attr;

	if (!question)
		return NULL;
	question->users = 1;
	pthread_mutex_init(&question->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&question->answered, &attr);
	pthread_condattr_destroy(&attr);
	return question;
}

static unsigned wait_for_answers(struct question *question, int64_t until_ns)
{
	struct timespec until = {until_ns / NS_PER_S, until_ns % NS_PER_S};
	unsigned highest;
	int error = 0;

	pthread_mutex_lock(&question->mutex);
	while (question->users > 1 && error == 0)
		error = pthread_cond_timedwait(&question->answered,
					       &question->mutex, &until);
	highest = question->highest;
	leave(question);
	return highest;
}

unsigned numbers_highest(const char *media, const char *session,
			 int64_t patience_ns)
{
	int64_t until_ns = clock_now_ns() + patience_ns;
	struct question *question = media[0] ? begin() : NULL;

	if (!question)
		return 0;
	while (media[0]) {
		size_t length = strcspn(media, ":");

		if (length > 0)
			ask(question, media, length, session);
		media += length + (media[length] == ':');
	}
	return wait_for_answers(question, until_ns);
}
