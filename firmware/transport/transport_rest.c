/*
 * What only the tape has of takes that were stopped, and waits for a medium
 * behind another one. What a medium ended just before the process before this
 * one did itself is found by what that wrote down.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "transport/transport_private.h"

static const char *name_of(const struct onward *rest)
{
	return rest->place.take[0] ? rest->place.take : "a take";
}

void transport_keep_rest(struct transport *transport, const struct onward *rest)
{
	if (!transport->onward.wanted)
		transport->onward = *rest;
	else if (transport->rests < RESTS_MAX)
		transport->rest[transport->rests++] = *rest;
	else
		log_error("%s: what its medium does not have is not written: "
			  "too many takes wait for a medium",
			  name_of(rest));
}

void transport_end_onward(struct transport *transport)
{
	transport->onward.wanted = false;
	if (transport->rests == 0)
		return;
	transport->onward = transport->rest[0];
	transport->rests--;
	memmove(transport->rest, transport->rest + 1,
		transport->rests * sizeof(transport->rest[0]));
}

/* ---- of the process before this one ---- */

static void go_on_behind(struct onward *rest, const struct take_info *info)
{
	rest->from += info->frames - rest->frames;
	rest->frames = info->frames;
	snprintf(rest->reason, sizeof(rest->reason), "%s", info->reason);
}

/* By what its media have. False: one has all of it. */
static bool is_to_go_on(struct transport *transport,
			const struct closing *closing, struct onward *rest)
{
	struct sought sought = {
		.place = &closing->place,
		.tape = transport->left.closing_tape,
		.start = closing->start,
	};
	struct take_info info;
	bool whole = false;
	int index = -1;

	while ((index = transport_find_take(transport, &sought,
					    (unsigned)(index + 1), &info)) >=
	       0) {
		whole |= info.ended && !comeback_is_accident(info.reason);
		if (info.ended && info.frames > rest->frames)
			go_on_behind(rest, &info);
		take_info_finish(&info);
	}
	return !whole && rest->from < rest->stop;
}

static void recall(struct transport *transport, const struct closing *closing)
{
	static struct onward rest;

	/* Older versions did not say of which take. */
	if (!closing->place.take[0] && closing->frames > 0)
		return;
	rest = (struct onward){
		.wanted = true,
		.from = closing->start + closing->frames,
		.stop = closing->stop,
		.frames = closing->frames,
		.since = closing->since,
		.place = closing->place,
	};
	snprintf(rest.name, sizeof(rest.name), "%s", closing->name);
	snprintf(rest.medium, sizeof(rest.medium), "%s", closing->medium);
	snprintf(rest.reason, sizeof(rest.reason), "%s",
		 comeback_is_accident(closing->reason) ? closing->reason
						       : "medium failed");
	if (!is_to_go_on(transport, closing, &rest))
		return;
	log_warning("%s: what its medium does not have goes on from the tape",
		    name_of(&rest));
	transport_keep_rest(transport, &rest);
	transport->settled |= !transport->current;
}

bool transport_misses_rests(const struct transport *transport)
{
	return transport->recall_ns && transport->left.closings > 0 &&
	       !transport->rests_known;
}

/* Behind what ran, which goes on first. One that is found open later has its
 * rest elsewhere. */
void transport_recall_rests(struct transport *transport)
{
	if (transport->recalling || !transport_misses_rests(transport) ||
	    !(transport->quitting || transport_has_read_all(transport)))
		return;
	transport->rests_known = true;
	for (unsigned i = 0; i < transport->left.closings; i++) {
		if (transport->taken_up[i])
			continue;
		transport->taken_up[i] = UINT32_MAX;
		recall(transport, &transport->left.closing[i]);
	}
}
