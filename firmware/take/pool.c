/* A round of jobs on a few threads, with a mutex and two conditions. */
#include "take/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct pool {
	pthread_mutex_t mutex;
	pthread_cond_t work, done;
	pthread_t *thread;
	unsigned helpers;
	pool_fn fn;
	void *context;
	unsigned jobs, next, finished;
	bool quit;
};

/* With the mutex held; does jobs until none is left. */
static void work(struct pool *pool)
{
	while (pool->next < pool->jobs) {
		unsigned job = pool->next++;

		pthread_mutex_unlock(&pool->mutex);
		pool->fn(pool->context, job);
		pthread_mutex_lock(&pool->mutex);
		if (++pool->finished == pool->jobs)
			pthread_cond_signal(&pool->done);
	}
}

static void *helper(void *context)
{
	struct pool *pool = context;

	pthread_mutex_lock(&pool->mutex);
	while (!pool->quit) {
		work(pool);
		if (!pool->quit)
			pthread_cond_wait(&pool->work, &pool->mutex);
	}
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

struct pool *pool_create(unsigned helpers)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->work, NULL);
	pthread_cond_init(&pool->done, NULL);
	pool->thread = calloc(helpers + 1, sizeof(*pool->thread));
	while (pool->thread && pool->helpers < helpers &&
	       pthread_create(&pool->thread[pool->helpers], NULL, helper,
			      pool) == 0)
		pool->helpers++;
	return pool;
}

void pool_destroy(struct pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->mutex);
	pool->quit = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->mutex);
	for (unsigned i = 0; i < pool->helpers; i++)
		pthread_join(pool->thread[i], NULL);
	pthread_cond_destroy(&pool->work);
	pthread_cond_destroy(&pool->done);
	pthread_mutex_destroy(&pool->mutex);
	free(pool->thread);
	free(pool);
}

void pool_run(struct pool *pool, pool_fn fn, void *context, unsigned jobs)
{
	pthread_mutex_lock(&pool->mutex);
	pool->fn = fn;
	pool->context = context;
	pool->jobs = jobs;
	pool->next = 0;
	pool->finished = 0;
	if (jobs > 1)
		pthread_cond_broadcast(&pool->work);
	work(pool);
	while (pool->finished < pool->jobs)
		pthread_cond_wait(&pool->done, &pool->mutex);
	pool->jobs = pool->next = 0;
	pthread_mutex_unlock(&pool->mutex);
}

unsigned pool_threads(const struct pool *pool)
{
	return pool->helpers + 1;
}
