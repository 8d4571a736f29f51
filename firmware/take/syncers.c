/* A pool whose jobs are the syncs. */
#include "take/syncers.h"

#include <stdlib.h>

#include "take/pool.h"

#define THREADS 16

struct syncers {
	const struct storage *storage;
	struct pool *pool;
	const int *file;
	int error;
};

struct syncers *syncers_create(const struct storage *storage)
{
	struct syncers *syncers = calloc(1, sizeof(*syncers));

	if (!syncers)
		return NULL;
	syncers->storage = storage;
	syncers->pool = pool_create(THREADS - 1);
	if (!syncers->pool) {
		free(syncers);
		return NULL;
	}
	return syncers;
}

void syncers_destroy(struct syncers *syncers)
{
	if (!syncers)
		return;
	pool_destroy(syncers->pool);
	free(syncers);
}

static void sync_one(void *context, unsigned job)
{
	struct syncers *syncers = context;
	int error = syncers->storage->sync(syncers->file[job]);

	if (error < 0)
		__atomic_store_n(&syncers->error, error, __ATOMIC_RELAXED);
}

int syncers_sync(struct syncers *syncers, const int *files, unsigned count)
{
	syncers->file = files;
	syncers->error = 0;
	pool_run(syncers->pool, sync_one, syncers, count);
	return syncers->error;
}
