/* qualify_capacity: is a medium as large as it says? Part of qualify. */
#ifndef TAKEBOX_QUALIFY_CAPACITY_H
#define TAKEBOX_QUALIFY_CAPACITY_H

#include "take/qualify.h"

#define QUALIFY_MARKS "marks" /* its files' names begin so */

/* Bytes that may be written: what is free but 176 MiB, or but half, for a take
 * that begins. */
uint64_t qualify_room(const struct qualify *result);

/* Removes all that a trial makes in its folder. */
void qualify_clear(int dir, const struct storage *storage);

/* Leaves its files in dir. The plan has a progress and max_file_bytes. Errors
 * as of qualify_medium. */
int qualify_try_capacity(struct qualify *result, int dir,
			 const struct qualify_plan *plan);

#endif
