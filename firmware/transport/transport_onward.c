/*
 * What becomes of a take when its medium fails it: full, pulled, broken, or
 * silent for too long. It goes on in a linked one with the first frame that is
 * not safe, on the next medium, or on the same one once that takes something
 * again. Until there is one, the tape keeps the sound. A take that is mirrored
 * goes on with the writer that is left.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "take/names.h"
#include "transport/transport_private.h"

#define STILL_NS     (5 * NS_PER_S) /* a writer that stands */
#define BEHIND_SHARE 0.4	    /* of the tape, that it may be behind */

/* Between two tapes there is no counting: the ledger has a "pause" for that. */
static json_t *link_entry(const char *type, uint64_t at,
			  const struct recording_place *place,
			  const char *medium, const struct onward *from,
			  uint64_t gap)
{
	return json_pack("{ss sI ss ss ss so}", "type", type, "at",
			 (json_int_t)at, "session", place->session, "take",
			 place->take, "medium", medium, "gap",
			 from->power ? json_null()
				     : json_integer((json_int_t)gap));
}

/* Where a take comes from. */
static json_t *origin_entry(const struct onward *from, uint64_t gap)
{
	json_t *entry = link_entry("continues", 0, &from->place, from->medium,
				   from, gap);
	int error = json_object_set_new(entry, "frames",
					json_integer((json_int_t)from->frames));

	if (from->power && error == 0)
		error = json_object_set_new(entry, "cause",
					    json_string("power"));
	if (from->power && from->ended.set && error == 0) {
		error = json_object_set_new(entry, "ended",
					    json_integer(from->ended.ms));
		if (error == 0)
			error = json_object_set_new(
				entry, "ended_error",
				json_real(from->ended.error));
	}
	if (error == 0)
		return entry;
	json_decref(entry);
	return NULL;
}

static uint64_t gap_before(const struct hand *hand)
{
	return hand->start - hand->from.from;
}

static bool is_origin(const struct hand *old, const struct onward *from)
{
	return (from->old && old->ticket == from->old) ||
	       (from->power && old->awaited);
}

/* The old take's side of the link, if it is still being closed. */
static void link_back(struct hand *next)
{
	struct transport *transport = next->transport;
	const struct onward *from = &next->from;
	struct volume volume;

	volumes_get(transport->volumes, (unsigned)next->volume, &volume);
	for (unsigned i = 0; i < HANDS_MAX; i++) {
		struct hand *old = &transport->hand[i];

		if (old->take && old != next && is_origin(old, from))
			take_link(old->take,
				  link_entry("continued", from->frames,
					     &next->place, volume.folder, from,
					     gap_before(next)));
	}
}

static void tell_of_onward(struct hand *next)
{
	struct transport *transport = next->transport;
	const struct onward *from = &next->from;
	uint64_t gap = gap_before(next);

	transport->lost_between = gap > 0 || from->power;
	if (from->power) {
		snprintf(transport->went_on, sizeof(transport->went_on),
			 "the power failed in %s; the recording goes on as %s",
			 from->place.take, next->place.take);
		log_warning("%s, in %s", transport->went_on,
			    next->place.folder);
		return;
	}
	if (gap > 0 && transport_has_tape(transport))
		log_error("%.1f s of sound are lost between %s and %s: no "
			  "medium could be written to, and the tape could not "
			  "hold them all",
			  (double)gap / transport->client.tape.facts->rate,
			  from->place.take, next->place.take);
	snprintf(transport->went_on, sizeof(transport->went_on),
		 "%s was ended (%.80s); the recording goes on as %s %s",
		 from->place.take, from->reason, next->place.take,
		 gap ? "with sound missing between the two"
		     : "without a lost sample");
	log_warning("%s, in %s", transport->went_on, next->place.folder);
}

void transport_note_begun(struct hand *hand)
{
	struct transport *transport = hand->transport;
	struct transport_news news = {
		.ticket = hand->ticket,
		.kind = NEWS_BEGUN,
		.session = hand->place.session,
		.take = hand->place.take,
		.folder = hand->place.folder,
	};

	hand->place = hand->job->place;
	hand->prepared = true;
	/* What was dated stays that session until another one is named. */
	if (!transport->session[0])
		snprintf(transport->session, sizeof(transport->session),
			 "%.63s", hand->place.session);
	if (!hand->mirror) {
		transport->number = names_take_number(hand->place.take);
		snprintf(transport->numbered, sizeof(transport->numbered),
			 "%.63s", hand->place.session);
		transport_begin_mirror(hand);
	}
	if (hand->from.place.take[0]) {
		tell_of_onward(hand);
		link_back(hand);
	}
	transport_tell(transport, &news);
}

/* What is overwritten, or will be before it is read, is a gap between the take
 * that was ended and the next one. */
static uint64_t first_frame(const struct transport *transport,
			    const struct onward *onward)
{
	uint64_t oldest = transport_oldest_start(&transport->client.tape);
	uint64_t from = onward->from > oldest ? onward->from : oldest;

	return from < onward->stop ? from : onward->stop;
}

/* Two media can have ended it at different frames. One that is back goes on
 * where it was itself, if that is still on the tape: the other may never be
 * back. */
static void go_back(struct transport *transport, int index)
{
	struct onward *onward = &transport->onward;
	const struct shorter *shorter = &onward->shorter;
	uint64_t less = onward->frames - shorter->frames;
	struct volume volume;

	if (!shorter->frames || shorter->volume != index ||
	    shorter->frames >= onward->frames ||
	    onward->from - less <
		    transport_oldest_start(&transport->client.tape))
		return;
	volumes_get(transport->volumes, (unsigned)index, &volume);
	onward->from -= less;
	onward->frames -= less;
	snprintf(onward->medium, sizeof(onward->medium), "%s", volume.folder);
}

/* It was stopped, and no medium came while the tape had what was missing. */
static void tell_lost_rest(struct transport *transport,
			   const struct onward *onward)
{
	if (onward->from >= onward->stop)
		return;
	snprintf(transport->last_error, sizeof(transport->last_error),
		 "the last %.1f s of %.64s are lost: no medium came while the "
		 "tape held them",
		 (double)(onward->stop - onward->from) /
			 transport->client.tape.facts->rate,
		 onward->place.take[0] ? onward->place.take : "a take");
	log_error("%s", transport->last_error);
}

/* Whether a writer is at it now. */
static bool go_on(struct transport *transport, int not_this)
{
	struct onward *onward = &transport->onward;
	int index = transport_choose_place(
		transport,
		transport_needed_from(transport, onward->from, onward->since),
		not_this);
	json_t *note = NULL;
	struct hand *hand;
	uint64_t from;

	go_back(transport, index);
	from = first_frame(transport, onward);
	if (from >= onward->stop) { /* nothing of it is left, or ever was */
		tell_lost_rest(transport, onward);
		transport_end_onward(transport);
		return false;
	}
	if (onward->place.take[0])
		note = origin_entry(onward, from - onward->from);
	hand = transport_begin_onward(transport, index, from, note);
	json_decref(note);
	if (!hand)
		return false;
	hand->from = *onward;
	if (onward->ticket)
		hand->ticket = onward->ticket;
	transport_end_onward(transport);
	transport_note_intent(transport);
	take_go(hand->take);
	return true;
}

/* One that never got its folder, or nothing into it, goes on with what it was
 * to go on with. */
void transport_describe_rest(const struct hand *hand,
			     const struct take_status *status, uint64_t end,
			     struct onward *rest)
{
	struct volume volume;

	*rest = hand->from;
	rest->wanted = true;
	rest->stop = hand->stop;
	rest->since = hand->since;
	rest->ticket = hand->prepared ? 0 : hand->ticket;
	snprintf(rest->name, sizeof(rest->name), "%s", hand->name);
	if (!hand->prepared || (hand->job && !status->begun)) {
		if (!rest->place.take[0])
			rest->from = hand->start;
		return;
	}
	volumes_get(hand->transport->volumes, (unsigned)hand->volume, &volume);
	rest->power = false;
	rest->from = hand->start + end;
	rest->frames = end;
	rest->shorter = hand->shorter;
	rest->place = hand->place;
	rest->old = hand->ticket;
	snprintf(rest->medium, sizeof(rest->medium), "%s", volume.folder);
	snprintf(rest->reason, sizeof(rest->reason), "%s", status->reason);
}

static void want_onward(struct hand *hand, const struct take_status *status,
			uint64_t end)
{
	transport_describe_rest(hand, status, end, &hand->transport->onward);
	if (!hand->prepared)
		hand->ticket = 0;
}

/* Another writer of the same take. */
static struct hand *twin(struct hand *hand)
{
	struct hand *other = NULL;

	while ((other = transport_next_twin(hand->transport, hand, other)))
		if (other != hand)
			return other;
	return NULL;
}

/* By somebody who has got so far as to write. */
static bool is_written_elsewhere(struct hand *hand)
{
	struct take_status status;
	struct hand *other = NULL;

	while ((other = transport_next_twin(hand->transport, hand, other))) {
		take_get_status(other->take, &status);
		if (other != hand && status.state != TAKE_STARTING)
			return true;
	}
	return false;
}

uint64_t transport_safe_frames(const struct hand *hand,
			       const struct take_status *status,
			       uint64_t durable)
{
	return status->begun || durable > hand->safe ? durable : hand->safe;
}

static void leave(struct hand *hand, const struct take_status *status,
		  uint64_t end)
{
	struct transport *transport = hand->transport;
	struct hand *other = twin(hand);

	hand->left = true;
	if (other) {
		other->alone = true;
		other->shorter = (struct shorter){hand->volume, end};
		transport->lost_between = false;
		snprintf(transport->went_on, sizeof(transport->went_on),
			 "the medium of %.200s failed (%.80s); the take goes "
			 "on in %.160s",
			 hand->place.folder, status->reason,
			 other->place.folder);
		log_warning("%s", transport->went_on);
		if (transport->current == hand)
			transport->current = other;
		take_link(hand->take, NULL);
	} else {
		want_onward(hand, status, end);
		/* A copy of it that is found from now on ends where it does. */
		if (!hand->was_stopped && !transport->recalling)
			transport->settled = true;
		if (transport->current == hand)
			transport->current = NULL;
		if (!go_on(transport, hand->volume))
			take_link(hand->take, NULL);
	}
	transport_note_intent(transport);
	transport_changed(transport);
}

/* Has the writer stood still for so long that its medium must be taken for
 * gone? Not if there is nowhere else to go: the tape carries on until then. */
static bool hangs(struct hand *hand, const struct take_status *status)
{
	struct transport *transport = hand->transport;
	const struct tape *tape = &transport->client.tape;
	int64_t now = clock_now_ns();
	/* Silence in place of what a track lacks is work, too. */
	uint64_t work = status->encoded + status->silence;
	uint64_t end, safe;

	if (hand->encoded != work || !hand->encoded_ns) {
		hand->encoded = work;
		hand->encoded_ns = now;
	}
	if (!transport_has_tape(transport) || now - hand->encoded_ns < STILL_NS)
		return false;
	/* What is found again is read first; the other medium has it all. */
	if (!hand->job && status->state == TAKE_STARTING &&
	    is_written_elsewhere(hand))
		return false;
	safe = hand->start +
	       transport_safe_frames(hand, status, status->durable);
	end = tape_published(tape);
	if (end <= safe ||
	    (double)(end - safe) < BEHIND_SHARE * (double)tape->facts->frames)
		return false;
	return twin(hand) || hand->whole ||
	       transport_choose_place(
		       transport,
		       transport_needed_from(transport, safe, hand->since),
		       hand->volume) >= 0;
}

/* A take that has no folder yet, and nowhere else to go, was never begun. */
static bool is_refused(struct hand *hand)
{
	struct transport *transport = hand->transport;

	return !hand->prepared && !hand->alone && !hand->from.place.take[0] &&
	       (hand->mirror ||
		transport_choose_place(transport,
				       transport_needed_from(transport,
							     hand->start,
							     hand->since),
				       hand->volume) < 0);
}

/* And has something on the tape that is not safe. Of one that was found again
 * the ledger can say that already. */
static bool is_ended_early(const struct hand *hand,
			   const struct take_status *status)
{
	return (status->error || comeback_is_accident(status->reason)) &&
	       status->end != TAKE_FOREVER &&
	       hand->start + status->end < hand->stop;
}

/* It has a medium that it can be ended by, and its tape is there. */
static bool can_go_on(const struct hand *hand)
{
	return !hand->healing && !hand->left && hand->volume >= 0 &&
	       hand->tape == hand->transport->tapes;
}

bool transport_waits_to_go_on(struct hand *hand)
{
	struct transport *transport = hand->transport;
	struct take_status status;

	if (!can_go_on(hand) || !transport->onward.wanted ||
	    !transport_has_tape(transport))
		return false;
	take_get_status(hand->take, &status);
	return is_ended_early(hand, &status) && !is_refused(hand);
}

void transport_leave_rest(const struct hand *hand)
{
	static struct onward rest;
	struct take_status status;

	take_get_status(hand->take, &status);
	transport_describe_rest(
		hand, &status, transport_safe_frames(hand, &status, status.end),
		&rest);
	transport_keep_rest(hand->transport, &rest);
}

/* One that is full is no worse than its space says; but where a take cannot
 * even have its folder, there is less than that. */
static void blame(struct hand *hand, int error)
{
	struct volumes *volumes = hand->transport->volumes;
	unsigned index = (unsigned)hand->volume;

	if (!hand->blamed && error == -ENOSPC && hand->prepared)
		volumes_look_again(volumes, index);
	else if (!hand->blamed && error != -ENOMEM)
		volumes_blame(volumes, index, error);
	hand->blamed = true;
}

/* A writer that is left, though another one has closed the take already. */
static void leave_behind(struct hand *hand)
{
	log_warning("%s failed to get all of the take; another medium has it",
		    hand->place.folder);
	hand->left = true;
	if (hand->transport->current == hand)
		hand->transport->current = NULL;
	take_link(hand->take, NULL);
}

static void leave_ended(struct hand *hand, const struct take_status *status)
{
	struct transport *transport = hand->transport;

	if (status->error)
		blame(hand, status->error);
	if (hand->whole)
		leave_behind(hand);
	else if (transport_has_tape(transport) && !is_refused(hand) &&
		 (twin(hand) || !transport->onward.wanted))
		leave(hand, status,
		      transport_safe_frames(hand, status, status->end));
}

/* It stands still. */
static void leave_hanging(struct hand *hand, struct take_status *status)
{
	blame(hand, -ETIMEDOUT);
	snprintf(status->reason, sizeof(status->reason), "medium stalled");
	take_stop(hand->take, hand->start + status->encoded, status->reason);
	if (hand->whole)
		leave_behind(hand);
	else
		leave(hand, status,
		      transport_safe_frames(hand, status, status->durable));
}

void transport_look_at_medium(struct hand *hand)
{
	struct transport *transport = hand->transport;
	struct take_status status;
	bool over, ended;

	if (!can_go_on(hand))
		return;
	take_get_status(hand->take, &status);
	over = status.state == TAKE_DONE || status.state == TAKE_FAILED;
	ended = status.error && status.end != TAKE_FOREVER;
	if (is_ended_early(hand, &status)) {
		leave_ended(hand, &status);
	} else if (!over && !ended && hangs(hand, &status) &&
		   (twin(hand) || hand->whole || !transport->onward.wanted)) {
		leave_hanging(hand, &status);
	}
}

void transport_forget_onward(struct transport *transport)
{
	struct onward *onward = &transport->onward;

	for (; onward->wanted; transport_end_onward(transport)) {
		snprintf(transport->last_error, sizeof(transport->last_error),
			 "%s did not go on: the tape that had the rest is gone",
			 onward->place.take[0] ? onward->place.take : "a take");
		log_error("%s", transport->last_error);
	}
	onward->stop = TAKE_FOREVER;
}

void transport_look_after_media(struct transport *transport)
{
	for (unsigned i = 0; i < HANDS_MAX; i++) {
		struct hand *hand = &transport->hand[i];

		if (hand->take)
			transport_look_at_medium(hand);
	}
	if (!transport->onward.wanted)
		return;
	if (transport_has_tape(transport))
		go_on(transport, -1);
	else
		transport_forget_onward(transport);
}
