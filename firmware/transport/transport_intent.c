/*
 * What is being recorded, written down: each second beside the control socket,
 * for a process that takes over on the same tape; and, whenever it is another
 * take, where it outlives the machine, for a recorder that is to go on by
 * itself when the power is back (transport_recall.c reads it).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "transport/transport_private.h"

#define WRITE_NS NS_PER_S

/* ---- what is being recorded ---- */

static void name_tape(const struct transport *transport, char name[33])
{
	for (int i = 0; i < 16; i++)
		snprintf(name + 2 * i, 3, "%02x",
			 transport->client.tape.facts->id[i]);
}

static void note_tape(struct transport *transport, struct intent *now)
{
	name_tape(transport, now->tape);
	name_tape(transport, now->closing_tape);
	snprintf(now->session, sizeof(now->session), "%s", transport->session);
	memcpy(now->tracks, transport->tracks, sizeof(now->tracks));
	now->track_count = transport->track_count;
	now->changes = transport->changes;
}

static void note_waiting(const struct onward *onward, uint64_t stop,
			 struct intent *now)
{
	now->since = onward->since;
	now->kind = INTENT_WAITING;
	now->start = now->from = onward->from;
	now->stop = stop;
	now->frames = onward->frames;
	now->place = onward->place;
	now->power = onward->power;
	now->ended = onward->ended;
	snprintf(now->name, sizeof(now->name), "%s", onward->name);
	snprintf(now->medium, sizeof(now->medium), "%s", onward->medium);
	snprintf(now->reason, sizeof(now->reason), "%s", onward->reason);
}

static uint64_t safe_frames(const struct hand *hand)
{
	struct take_status status;

	take_get_status(hand->take, &status);
	return transport_safe_frames(hand, &status, status.durable);
}

static void note_safe(struct transport *transport, const struct hand *hand,
		      struct intent *now)
{
	struct hand *twin = NULL;

	now->frames = now->least = safe_frames(hand);
	now->from = hand->start + now->frames;
	now->alone = true;
	while ((twin = transport_next_twin(transport, hand, twin))) {
		uint64_t frames = safe_frames(twin);

		if (frames < now->least)
			now->least = frames;
		now->alone = now->alone && twin == hand;
	}
}

static void note_take(struct transport *transport, const struct hand *hand,
		      struct intent *now)
{
	struct volume volume;

	if (!hand->prepared && hand->from.place.take[0]) {
		note_waiting(&hand->from, hand->stop, now);
		return;
	}
	now->since = hand->since;
	now->kind = hand->prepared ? INTENT_RECORDING : INTENT_WAITING;
	now->start = hand->start;
	note_safe(transport, hand, now);
	now->stop = hand->stop;
	snprintf(now->name, sizeof(now->name), "%s", hand->name);
	if (!hand->prepared)
		return;
	now->place = hand->place;
	volumes_get(transport->volumes, (unsigned)hand->volume, &volume);
	snprintf(now->medium, sizeof(now->medium), "%s", volume.folder);
}

/* Stopped, but not closed. A mirror that has no folder yet has nothing that the
 * other one has not. */
static bool is_closing(const struct transport *transport,
		       const struct hand *hand)
{
	return hand->take && !hand->healing && !hand->left &&
	       hand->tape == transport->tapes && hand->volume >= 0 &&
	       hand->stop != TAKE_FOREVER && (hand->prepared || !hand->mirror);
}

/* When none runs; NULL. */
static const struct hand *last_closing(const struct transport *transport)
{
	const struct hand *last = NULL;

	for (unsigned i = 0; i < HANDS_MAX; i++) {
		const struct hand *hand = &transport->hand[i];

		if (is_closing(transport, hand) &&
		    (!last || hand->start > last->start))
			last = hand;
	}
	return last;
}

/* On several media it is one. */
static bool is_same_take(const struct closing *a, const struct closing *b)
{
	return a->start == b->start && a->stop == b->stop;
}

static void note_closing(const struct closing *closing, struct intent *now)
{
	struct closing *noted = now->closing;

	while (noted < now->closing + now->closings &&
	       !is_same_take(noted, closing))
		noted++;
	if (noted < now->closing + now->closings) {
		if (closing->frames < noted->frames)
			noted->frames = closing->frames;
	} else if (now->closings < CLOSING_MAX) {
		*noted = *closing;
		now->closings++;
	}
}

/* Of one that was stopped. What the power ended is on another tape. */
static void note_rest(const struct onward *rest, struct intent *now)
{
	static struct closing closing;

	closing = (struct closing){
		.start = rest->from - rest->frames,
		.stop = rest->stop,
		.frames = rest->frames,
		.since = rest->since,
		.place = rest->place,
	};
	closing.place.folder[0] = '\0';
	if (rest->power) {
		closing.start = rest->from;
		closing.frames = 0;
		closing.place.take[0] = '\0';
	}
	snprintf(closing.name, sizeof(closing.name), "%s", rest->name);
	snprintf(closing.medium, sizeof(closing.medium), "%s", rest->medium);
	snprintf(closing.reason, sizeof(closing.reason), "%s", rest->reason);
	note_closing(&closing, now);
}

static void note_closing_hand(const struct hand *hand, struct intent *now)
{
	static struct onward rest;
	struct take_status status;

	take_get_status(hand->take, &status);
	transport_describe_rest(
		hand, &status,
		transport_safe_frames(hand, &status, status.durable), &rest);
	note_rest(&rest, now);
}

/* But for noted and its mirror; NULL: for what goes onward. */
static void note_closings(const struct transport *transport,
			  const struct hand *noted, struct intent *now)
{
	const struct onward *onward = &transport->onward;
	const struct intent *left = &transport->left;

	for (unsigned i = 0; i < HANDS_MAX; i++) {
		const struct hand *hand = &transport->hand[i];

		if (is_closing(transport, hand) &&
		    !(noted && hand->group == noted->group))
			note_closing_hand(hand, now);
	}
	if (noted && onward->wanted && onward->stop != TAKE_FOREVER)
		note_rest(onward, now);
	for (unsigned i = 0; i < transport->rests; i++)
		note_rest(&transport->rest[i], now);
	if (!transport_misses_rests(transport))
		return;
	for (unsigned i = 0; i < left->closings; i++)
		if (!transport->taken_up[i])
			note_closing(&left->closing[i], now);
}

/* Those of takes that are over are of no use. */
static void forget_changes(struct intent *now)
{
	uint64_t first = now->since;

	for (unsigned i = 0; i < now->closings; i++)
		if (now->closing[i].since < first)
			first = now->closing[i].since;
	if (now->changes.first < first)
		now->changes.first = first;
}

/* What runs; or else what waits for a medium, or is being closed. */
static void describe(struct transport *transport, struct intent *now)
{
	const struct onward *onward = &transport->onward;
	const struct hand *noted = transport->current;

	if (noted && (noted->volume < 0 || noted->tape != transport->tapes))
		noted = NULL;
	if (!noted)
		noted = last_closing(transport);
	if (noted && noted->stop != TAKE_FOREVER && onward->wanted)
		noted = NULL;
	memset(now, 0, sizeof(*now));
	now->stop = TAKE_FOREVER;
	if (!transport_has_tape(transport) || (!noted && !onward->wanted))
		return;
	note_tape(transport, now);
	if (noted)
		note_take(transport, noted, now);
	else
		note_waiting(onward, onward->stop, now);
	note_closings(transport, noted, now);
	forget_changes(now);
}

static bool is_same(const struct intent *a, const struct intent *b)
{
	return a->kind == b->kind && strcmp(a->tape, b->tape) == 0 &&
	       a->start == b->start && a->stop == b->stop &&
	       a->alone == b->alone &&
	       strcmp(a->place.folder, b->place.folder) == 0 &&
	       strcmp(a->session, b->session) == 0 &&
	       a->track_count == b->track_count &&
	       memcmp(a->tracks, b->tracks, sizeof(a->tracks)) == 0;
}

static bool has_same_closings(const struct intent *a, const struct intent *b)
{
	for (unsigned i = 0; i < CLOSING_MAX; i++)
		if (a->closing[i].start != b->closing[i].start ||
		    a->closing[i].stop != b->closing[i].stop ||
		    strcmp(a->closing[i].place.take,
			   b->closing[i].place.take) != 0)
			return false;
	return a->closings == b->closings;
}

struct lasting {
	char path[PATH_MAX];
	char *text; /* NULL: the file goes */
	struct transport *transport;
	int error;
};

static void write_lasting(void *context)
{
	struct lasting *lasting = context;

	lasting->error = intent_write(lasting->path, lasting->text, true);
}

static void wrote_lasting(void *context, bool worked)
{
	struct lasting *lasting = context;
	struct transport *transport = lasting->transport;

	if (worked && lasting->error < 0 && !transport->state_fails)
		log_error("%s cannot be written (%s): after a power cut "
			  "recording will not go on by itself",
			  lasting->path, strerror(-lasting->error));
	if (worked)
		transport->state_fails = lasting->error < 0;
	free(lasting->text);
	free(lasting);
}

/* On a thread beside: the card that the system is on may take its time. */
static int keep_lasting(struct transport *transport, const struct intent *now)
{
	struct lasting *lasting = calloc(1, sizeof(*lasting));
	bool wanted = now->kind != INTENT_NONE && now->stop == TAKE_FOREVER;
	int error = 0;

	if (!lasting)
		return -ENOMEM;
	lasting->transport = transport;
	snprintf(lasting->path, sizeof(lasting->path), "%s",
		 transport->lasting_path);
	if (wanted) {
		lasting->text = intent_text(now);
		error = lasting->text ? 0 : -ENOMEM;
	}
	if (error == 0)
		error = aside_run(transport->notes, write_lasting,
				  wrote_lasting, lasting);
	if (error < 0) {
		free(lasting->text);
		free(lasting);
	}
	return error;
}

static int keep_beside(struct transport *transport, const struct intent *now)
{
	char *text = now->kind == INTENT_NONE ? NULL : intent_text(now);
	int error = -ENOMEM;

	if (text || now->kind == INTENT_NONE)
		error = intent_write(transport->intent_path, text, false);
	free(text);
	if (error < 0 && error != -ENOMEM && !transport->noting_fails)
		log_warning("%s cannot be written (%s): a takeboxd that is "
			    "killed does not go on with what it recorded",
			    transport->intent_path, strerror(-error));
	transport->noting_fails = error < 0;
	return error == -ENOMEM ? error : 0;
}

/* Out of memory: again in a moment. */
static void keep(struct transport *transport, const struct intent *now,
		 bool lasting)
{
	int error = 0;

	if (lasting && transport->config.resume_seconds > 0)
		error = keep_lasting(transport, now);
	if (error == 0)
		error = keep_beside(transport, now);
	if (error < 0)
		return;
	transport->noted = *now;
	transport->noted_ns = clock_now_ns();
}

/* A failing supply changes nothing: recording was wanted until then. */
static void note_intent(struct transport *transport)
{
	static struct intent now;
	int64_t time = clock_now_ns();
	bool other, due;

	describe(transport, &now);
	if (now.kind == INTENT_NONE && transport_misses_rests(transport))
		return; /* what was left still is */
	other = !is_same(&now, &transport->noted);
	due = now.changes.count != transport->noted.changes.count ||
	      !has_same_closings(&now, &transport->noted) ||
	      (now.from != transport->noted.from &&
	       time - transport->noted_ns >= WRITE_NS);
	if (transport->power_fails || (!other && !due))
		return;
	keep(transport, &now, other);
}

/* Those that another interface than it was does not have stay. */
static void note_arming(const struct transport *transport, struct intent *now)
{
	for (unsigned i = 0; i < now->track_count; i++)
		for (unsigned j = 0; j < transport->track_count; j++)
			if (memcmp(now->tracks[i].channels,
				   transport->tracks[j].channels,
				   sizeof(now->tracks[i].channels)) == 0)
				now->tracks[i] = transport->tracks[j];
	snprintf(now->session, sizeof(now->session), "%s", transport->session);
}

static void describe_comeback(struct transport *transport, struct intent *now)
{
	const struct onward *onward = &transport->onward;

	*now = transport->left;
	name_tape(transport, now->closing_tape);
	if (transport->comeback.named)
		note_arming(transport, now);
	now->closings = 0;
	now->changes = transport->changes;
	now->since = transport->comeback.named ? transport->comeback.since
					       : transport->changes.count;
	note_closings(transport, NULL, now);
	if (onward->wanted && onward->stop != TAKE_FOREVER)
		note_rest(onward, now);
	forget_changes(now);
}

/* Recording is to go on behind what the power has ended, and that stays as it
 * was written down, but for how tracks are armed by now; what is being closed
 * meanwhile, a KEEP, is on this tape. */
static void note_comeback(struct transport *transport)
{
	static struct intent now;
	int64_t time = clock_now_ns();
	bool other;

	if (transport->power_fails || !transport_has_tape(transport))
		return;
	describe_comeback(transport, &now);
	other = !is_same(&now, &transport->noted);
	if (!other && has_same_closings(&now, &transport->noted) &&
	    (now.closings == 0 || time - transport->noted_ns < WRITE_NS))
		return;
	keep(transport, &now, other);
}

/* What is being looked for, with what is asked for meanwhile. */
static void note_recalled(struct transport *transport)
{
	struct intent *left = &transport->left;

	note_tape(transport, left);
	if (!transport->power_fails && !is_same(left, &transport->noted) &&
	    (!(transport->config.resume_seconds > 0) ||
	     keep_lasting(transport, left) == 0))
		transport->noted = *left;
	keep_beside(transport, left);
}

/* It was dropped, and what was being closed before is still looked for. */
static bool is_comeback_left(const struct transport *transport)
{
	const struct onward *onward = &transport->onward;

	return transport->comeback.dropped &&
	       transport_misses_rests(transport) &&
	       !transport_recorded(transport) &&
	       !(onward->wanted && onward->stop == TAKE_FOREVER);
}

void transport_note_intent(struct transport *transport)
{
	if (transport_recalled(transport))
		note_recalled(transport);
	else if (!transport->recalling &&
		 (transport->comeback.wanted || is_comeback_left(transport)))
		note_comeback(transport);
	else if (!transport->recalling)
		note_intent(transport);
}

void transport_look_after_intent(struct transport *transport)
{
	if (transport->recalling)
		transport_look_for_left(transport);
	transport_recall_rests(transport);
	if (!transport_recalled(transport))
		transport_note_intent(transport);
}

/* A new process with a new configuration is to read that. */
void transport_leave(struct transport *transport)
{
	struct intent *last = transport_recalled(transport) ? &transport->left
							    : &transport->noted;

	transport_note_intent(transport); /* a take may just be over */
	if (last->kind == INTENT_NONE || transport->power_fails)
		return;
	last->configured = true;
	keep_beside(transport, last);
}

/* What only the tape has is written by whoever is started next, up to the
 * shutdown; behind that nothing is recorded. */
void transport_end_intent(struct transport *transport)
{
	if (!transport->quitting || transport->power_fails)
		return;
	if (transport->onward.wanted || transport->recalling)
		log_warning("what no medium has yet stays on the tape: a "
			    "takeboxd that is started while takebox-tape still "
			    "runs writes it when there is one");
	else
		intent_write(transport->intent_path, NULL, false);
	if (transport->config.resume_seconds > 0)
		intent_write(transport->lasting_path, NULL, true);
}
