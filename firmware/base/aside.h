/*
 * aside: work that may have to wait for a medium, done beside the loop.
 *
 * One thread does it, piece by piece in the order in which it was given, so a
 * medium that stalls holds up other questions about media and nothing else.
 * Created, used and destroyed on the loop's thread.
 */
#ifndef TAKEBOX_ASIDE_H
#define TAKEBOX_ASIDE_H

#include <stdbool.h>

#include "base/loop.h"

struct aside;

/* On the thread beside; touches nothing but context. */
typedef void (*aside_work_fn)(void *context);

/* On the loop; context is the caller's again. worked: false if the work was not
 * begun because everything ends. */
typedef void (*aside_done_fn)(void *context, bool worked);

struct aside *aside_create(struct loop *loop); /* NULL: no memory */

/* Waits for the piece that is being worked on; every piece is done with when it
 * returns. NULL allowed. */
void aside_destroy(struct aside *aside);

/* 0, or -ENOMEM: done is not called. */
int aside_run(struct aside *aside, aside_work_fn work, aside_done_fn done,
	      void *context);

#endif
