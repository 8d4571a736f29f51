/*
 * track_list: "1 2 5-8 11,12" or "all" as people type it.
 *
 * Pure; any thread.
 */
#ifndef TAKEBOX_TOOLS_TRACK_LIST_H
#define TAKEBOX_TOOLS_TRACK_LIST_H

#include <stdbool.h>
#include <stddef.h>

#define TRACK_LIST_MAX 64 /* track numbers go from 1 to this */

struct track_list {
	bool all;
	bool chosen[TRACK_LIST_MAX + 1]; /* by number; [0] unused */
};

/* Adds what one argument names. Returns 0; -EINVAL if it is not a number, a
 * range or "all"; -ERANGE if a number is not that of a possible track. */
int track_list_add(struct track_list *list, const char *argument);

#endif
