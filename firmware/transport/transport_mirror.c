/*
 * The mirror is brought up to date when no take runs: after each take, and
 * when one of the two media has come back. REC ends it at once; what was not
 * copied is copied afterwards.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "take/fill.h"
#include "transport/transport_private.h"

#define LEAVE_SHARE 2 /* of what is free: half of it */

struct filling {
	struct transport *transport;
	atomic_bool stop;
	char from[CONFIG_PATH_MAX], to[CONFIG_PATH_MAX];
	unsigned index[2]; /* the two media */
	uint64_t leave;	   /* bytes on the first */
	int forth, back;
	unsigned copied, unlike, large_forth, large_back;
};

static void count(struct filling *filling, unsigned *large,
		  const struct fill_take *take)
{
	filling->copied += take->result == FILL_COPIED;
	*large += take->result == FILL_LARGE;
}

static void count_forth(void *context, const struct fill_take *take)
{
	struct filling *filling = context;

	filling->unlike += take->result == FILL_OTHER;
	count(filling, &filling->large_forth, take);
}

static void count_back(void *context, const struct fill_take *take)
{
	struct filling *filling = context;

	count(filling, &filling->large_back, take);
}

/* Both ways: each may have been the one that was pulled. But what only the
 * mirror has, of years perhaps, is not to fill a fresh medium. */
static void work(void *context)
{
	struct filling *f = context;

	f->forth = fill_mirror(f->from, f->to, 0, &f->stop, count_forth, f);
	f->back = -ECANCELED;
	if (f->forth != -ECANCELED)
		f->back = fill_mirror(f->to, f->from, f->leave, &f->stop,
				      count_back, f);
}

/* Nobody but who looks can put that right. */
static void tell_unlike(const struct filling *f)
{
	if (f->unlike > f->transport->unlike)
		log_warning("mirror: %u takes of %s are not in %s, where other "
			    "takes have their names",
			    f->unlike, f->from, f->to);
	f->transport->unlike = f->unlike;
}

static void tell_large(const char *from, const char *to, unsigned takes)
{
	if (takes)
		log_warning("mirror: %u takes of %s stay on that one medium "
			    "only: they have files of 4 GiB or more, which %s "
			    "cannot hold, being FAT32; use a mirror with exFAT "
			    "or ext4",
			    takes, from, to);
}

/* Once: it stays like that until somebody does something. */
static void tell_too_large(const struct filling *f)
{
	unsigned takes = f->large_forth + f->large_back;

	if (takes > f->transport->too_large) {
		tell_large(f->from, f->to, f->large_forth);
		tell_large(f->to, f->from, f->large_back);
	}
	f->transport->too_large = takes;
}

static bool has_failed(const struct filling *f)
{
	return f->forth != (int)f->large_forth || f->back != (int)f->large_back;
}

static void done(void *context, bool worked)
{
	struct filling *f = context;
	struct transport *transport = f->transport;

	if (worked && f->copied)
		log_info("mirror: %u takes were copied and compared",
			 f->copied);
	if (worked && (f->forth == -ECANCELED || f->back == -ECANCELED))
		transport->mirror_is_due = true;
	else if (worked && has_failed(f))
		log_warning("mirror: %s and %s could not be made alike: there "
			    "is too little room, or one of them refuses",
			    f->from, f->to);
	if (worked && f->forth >= 0)
		tell_unlike(f);
	if (worked && f->forth >= 0 && f->back >= 0)
		tell_too_large(f);
	transport->filling = NULL;
	free(f);
	transport_changed(transport);
}

static bool at_rest(const struct transport *transport)
{
	for (unsigned i = 0; i < HANDS_MAX; i++)
		if (transport->hand[i].take)
			return false;
	return !transport->onward.wanted && !transport->quitting;
}

static int find(struct transport *transport, enum volume_role role)
{
	return volumes_choose(transport->volumes, role, 0);
}

static void begin(struct transport *transport, int from, int to)
{
	struct filling *f = calloc(1, sizeof(*f));
	struct volume volume;

	if (!f)
		return;
	f->transport = transport;
	f->index[0] = (unsigned)from;
	f->index[1] = (unsigned)to;
	volumes_get(transport->volumes, f->index[0], &volume);
	snprintf(f->from, sizeof(f->from), "%s", volume.folder);
	f->leave = volume.space.free_bytes / LEAVE_SHARE;
	volumes_get(transport->volumes, f->index[1], &volume);
	snprintf(f->to, sizeof(f->to), "%s", volume.folder);
	transport->filling = f;
	transport->mirror_is_due = false;
	if (aside_run(transport->aside, work, done, f) < 0)
		done(f, false);
}

void transport_look_after_mirror(struct transport *transport)
{
	int from, to;

	if (transport->filling) {
		if (!at_rest(transport))
			atomic_store(&transport->filling->stop, true);
		return;
	}
	if (!transport->mirror_is_due || !at_rest(transport))
		return;
	from = find(transport, VOLUME_FOR_TAKES);
	to = find(transport, VOLUME_FOR_MIRROR);
	/* What lies open there is made whole before. */
	if (from >= 0 && to >= 0 && !transport->survey[from] &&
	    !transport->survey[to])
		begin(transport, from, to);
}

bool transport_is_filling(const struct transport *transport, unsigned index)
{
	const struct filling *f = transport->filling;

	return f && (f->index[0] == index || f->index[1] == index);
}

void transport_end_mirror(struct transport *transport)
{
	if (transport->filling)
		atomic_store(&transport->filling->stop, true);
}
