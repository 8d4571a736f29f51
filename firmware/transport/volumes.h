/*
 * volumes: the places that takes can be written to, and how they are.
 *
 * Each medium is a folder. A thread of its own looks after it once a second,
 * or at once when it is asked for: is it there, is it what it was, how much is
 * left. So a medium that hangs holds up nobody but its own thread. A medium
 * that has refused something is not ready again before a test file could be
 * written and synced on it.
 *
 * A folder that was seen with a file system mounted on it and is without one
 * now, or that is below /media and never had one, is absent: what is written
 * there would land on the card that the system is on.
 *
 * Main thread only.
 */
#ifndef TAKEBOX_VOLUMES_H
#define TAKEBOX_VOLUMES_H

#include <stdbool.h>
#include <stdint.h>

#include "take/storage.h"

#define VOLUMES_MAX 20

enum volume_role {
	VOLUME_FOR_TAKES, /* tried in the order in which they were added */
	VOLUME_FOR_MIRROR,
};

enum volume_state {
	VOLUME_UNKNOWN, /* not looked at yet, or the look has not returned */
	VOLUME_READY,
	VOLUME_ABSENT,
	VOLUME_FAILED, /* there, but it refuses to be written to */
};

struct volume {
	const char *folder; /* valid until another one takes its place */
	enum volume_role role;
	enum volume_state state;
	int error;	   /* negative errno, unless ready */
	unsigned arrivals; /* grows whenever it has become ready, is another
			      file system or was mounted again; or has
			      taken another one's place */
	struct storage_space space;
	uint64_t device; /* st_dev when last seen; 0: not known */
	bool let_go;	 /* just now */
};

struct volumes;

struct volumes *volumes_create(void);

/* -ENOSPC: there are VOLUMES_MAX. One that is there already is not added again.
 */
int volumes_add(struct volumes *volumes, const char *folder,
		enum volume_role role);

/* The medium with that index may not lose its place. */
typedef bool (*volumes_in_use_fn)(void *context, unsigned index);

/* For takes, and not named by the configuration: plugged in, and gone some day.
 * When there are VOLUMES_MAX, it takes the place of such a one that is absent
 * and not in use. */
int volumes_add_passing(struct volumes *volumes, const char *folder,
			volumes_in_use_fn in_use, void *context);

/* Each folder of a list separated by colons. */
int volumes_add_list(struct volumes *volumes, const char *folders,
		     enum volume_role role);

/* Waits a second for looks that have not returned; a thread that its medium
 * holds for longer ends by itself when it can. NULL allowed. */
void volumes_destroy(struct volumes *volumes);

unsigned volumes_count(const struct volumes *volumes);
void volumes_get(struct volumes *volumes, unsigned index,
		 struct volume *volume);

/* This one is tried before the others of its role from now on. */
void volumes_prefer(struct volumes *volumes, const char *folder);
unsigned volumes_preferred(const struct volumes *volumes); /* its index */

/* Neither chosen nor looked at until then (CLOCK_MONOTONIC): it is to be
 * unmounted. */
void volumes_let_go(struct volumes *volumes, const char *folder,
		    int64_t until_ns);

/* At once, what is left on it. */
void volumes_look_again(struct volumes *volumes, unsigned index);

/* The medium has refused something. */
void volumes_blame(struct volumes *volumes, unsigned index, int error);

/* It is there, and does not answer whoever reads there: it is chosen only where
 * there is no other. */
void volumes_doubt(struct volumes *volumes, unsigned index, bool doubted);

/* The first medium of a role that is ready and has bytes left; else one whose
 * folder has still to be made; or -1. */
int volumes_choose(struct volumes *volumes, enum volume_role role,
		   uint64_t bytes);
int volumes_choose_other(struct volumes *volumes, enum volume_role role,
			 uint64_t bytes, int not_this);

#endif
