/* qualify_capacity: is a medium as large as it says? Part of qualify. */
#ifndef TAKEBOX_QUALIFY_CAPACITY_H
#define TAKEBOX_QUALIFY_CAPACITY_H

#include "take/qualify.h"

#define QUALIFY_MARKED "marks" /* the file */

/* Bytes that may be written: some stay free, for a take that begins. */
uint64_t qualify_room(const struct qualify *result);

/* The plan has a progress. */
int qualify_try_capacity(struct qualify *result, int dir,
			 const struct qualify_plan *plan);

#endif
