/*
 * syncers: several files made durable at the same time.
 *
 * A file system asks the disk to empty its cache for every file that is synced
 * by itself; those that wait for that at the same time are served by one such
 * flush (FORMAT.md, "What a sync costs"). So a few threads wait.
 *
 * Owned by one thread, which waits along.
 */
#ifndef TAKEBOX_SYNCERS_H
#define TAKEBOX_SYNCERS_H

#include "take/storage.h"

struct syncers;

/* NULL: out of memory. With fewer threads than it would have liked it is
 * slower, no more. */
struct syncers *syncers_create(const struct storage *storage);
void syncers_destroy(struct syncers *syncers); /* NULL allowed */

/* All of them; 0, or the negative errno of one that failed. Their writing back
 * is to be under way (start_sync). */
int syncers_sync(struct syncers *syncers, const int *files, unsigned count);

#endif
