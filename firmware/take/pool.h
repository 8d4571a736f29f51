/*
 * pool: a few threads that do the jobs of one round and then rest.
 *
 * Owned by one thread, which works along. Nothing is queued beyond a round.
 */
#ifndef TAKEBOX_POOL_H
#define TAKEBOX_POOL_H

struct pool;

typedef void (*pool_fn)(void *context, unsigned job);

/* helpers: threads beside the owner's, 0 allowed. NULL: out of memory. */
struct pool *pool_create(unsigned helpers);
void pool_destroy(struct pool *pool); /* NULL allowed */

/* Runs fn for jobs 0..jobs-1 on all threads; returns when all are done. */
void pool_run(struct pool *pool, pool_fn fn, void *context, unsigned jobs);

unsigned pool_threads(const struct pool *pool); /* the owner's included */

#endif
