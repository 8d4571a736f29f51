/*
 * The power is back. If recording is to go on by itself (record.resume), it
 * does so in a new take, from the first frame of the new tape, as soon as there
 * is an interface and the medium that the interrupted take is on; or not at
 * all, once the time for that is over. The two takes name each other; how long
 * nothing was recorded between them only the clocks can say (take/wall.h).
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "transport/transport_private.h"

#define HEAL_NS (10 * NS_PER_S) /* that a new take waits to know the length */

static const char *name_of(const struct transport *transport)
{
	const char *take = transport->left.place.take;

	return take[0] ? take : "a take";
}

/* As soon as there is a tape: whoever arms a track before the medium is there
 * means it. */
static void take_over(struct transport *transport)
{
	struct comeback *comeback = &transport->comeback;

	if (comeback->named || !transport_tape_runs(transport))
		return;
	comeback->named = true;
	transport_take_over_names(transport, &transport->left);
	comeback->since = transport->left_changes ? transport->left.since
						  : transport->changes.count;
	transport_changed(transport);
}

void transport_come_back(struct transport *transport)
{
	struct comeback *comeback = &transport->comeback;
	double seconds = transport->config.resume_seconds;
	const char *refusal = NULL;

	if (transport->left.stop != TAKE_FOREVER)
		refusal = "it was to end";
	if (!(seconds > 0) || refusal) {
		log_info("%s was interrupted; recording does not go on by "
			 "itself (%s)",
			 name_of(transport),
			 refusal ? refusal : "record.resume is not set");
		return;
	}
	comeback->wanted = true;
	comeback->until_ns = clock_now_ns() + (int64_t)(seconds * NS_PER_S);
	log_warning("the power failed while %s was being recorded: recording "
		    "goes on by itself if the interface and the medium %s are "
		    "there within %.0f s",
		    name_of(transport), transport->left.medium, seconds);
	take_over(transport);
	transport_changed(transport);
}

/* Takes that wait to be told where they go on are told that they do not. */
static void await_no_more(struct transport *transport)
{
	for (unsigned i = 0; i < HANDS_MAX; i++) {
		struct hand *hand = &transport->hand[i];

		if (hand->take && hand->awaited)
			take_link(hand->take, NULL);
		hand->awaited = false;
	}
}

void transport_drop_comeback(struct transport *transport, const char *reason)
{
	struct comeback *comeback = &transport->comeback;

	if (!comeback->wanted)
		return;
	comeback->wanted = false;
	comeback->dropped = true;
	transport->left.stop = transport->left.from;
	await_no_more(transport);
	log_warning("recording does not go on by itself after %s: %s",
		    name_of(transport), reason);
	transport_changed(transport);
}

static void give_up(struct transport *transport)
{
	const char *missing = transport_tape_runs(transport)
				      ? "its medium did not come in time"
				      : "the interface did not come in time";

	snprintf(transport->last_error, sizeof(transport->last_error),
		 "the power failed while %.60s was being recorded; recording "
		 "did not go on by itself: %s",
		 name_of(transport), missing);
	transport_drop_comeback(transport, missing);
}

/* The take's own writer heals it, and waits to be told where it goes on. */
bool transport_is_comeback(const struct transport *transport,
			   const struct recording_place *place,
			   const char *tape, uint64_t start)
{
	const struct intent *left = &transport->left;

	return transport->comeback.wanted &&
	       strcmp(place->session, left->place.session) == 0 &&
	       strcmp(place->take, left->place.take) == 0 &&
	       comeback_is_of(left, tape, start);
}

/* Its length, on the medium that has most of it; TAKE_FOREVER: not known.
 * False: one of them has not said yet. */
static bool knows_length(struct transport *transport,
			 const struct take_info *info, uint64_t *frames)
{
	struct take_status status;
	bool all = true;

	*frames = info->ended ? info->frames : TAKE_FOREVER;
	for (unsigned i = 0; i < HANDS_MAX; i++) {
		const struct hand *hand = &transport->hand[i];

		if (!hand->take || !hand->awaited)
			continue;
		take_get_status(hand->take, &status);
		if (status.end == TAKE_FOREVER)
			all = false;
		else if (*frames == TAKE_FOREVER || status.end > *frames)
			*frames = status.end;
	}
	return all && *frames != TAKE_FOREVER;
}

/* The power failed once more, just when the next take had begun. */
static bool follow(struct transport *transport, const struct take_info *info)
{
	struct intent *left = &transport->left;
	size_t index;
	json_t *note;

	json_array_foreach(info->notes, index, note)
	{
		const char *type =
			json_string_value(json_object_get(note, "type"));
		const char *take =
			json_string_value(json_object_get(note, "take"));

		if (!type || strcmp(type, "continued") != 0 || !take ||
		    strchr(take, '/') || strcmp(take, left->place.take) == 0)
			continue;
		snprintf(left->place.take, sizeof(left->place.take), "%.63s",
			 take);
		left->tape[0] = '\0'; /* whichever it was on */
		await_no_more(transport);
		return true;
	}
	return false;
}

/* The first frame of the tape is where it goes on, from now on by the same way
 * as from one medium to the next. */
static void begin(struct transport *transport, const struct take_info *info,
		  uint64_t frames)
{
	struct intent left = transport->left;

	left.from = transport_oldest_start(&transport->client.tape);
	left.stop = TAKE_FOREVER;
	left.power = true;
	left.ended = info && frames != TAKE_FOREVER
			     ? wall_of_end(info, frames)
			     : (struct wall){.set = false};
	left.frames = frames != TAKE_FOREVER ? frames : 0;
	snprintf(left.reason, sizeof(left.reason), "the power failed");
	transport->comeback.wanted = false;
	transport_recall_onward(transport, &left);
	transport_changed(transport);
}

static void go_on(struct transport *transport, const struct take_info *info)
{
	struct comeback *comeback = &transport->comeback;
	const char *refusal = comeback_refusal(&transport->left, info);
	uint64_t frames = TAKE_FOREVER;
	int64_t now = clock_now_ns();

	if (info && follow(transport, info))
		return;
	if (refusal) {
		transport_drop_comeback(transport, refusal);
		return;
	}
	if (!comeback->found_ns)
		comeback->found_ns = now;
	if (info && !knows_length(transport, info, &frames) &&
	    now - comeback->found_ns < HEAL_NS)
		return;
	begin(transport, info, frames);
}

void transport_look_after_comeback(struct transport *transport)
{
	struct comeback *comeback = &transport->comeback;
	struct sought sought = transport_seek(&transport->left);
	struct take_info info;

	if (!comeback->wanted)
		return;
	take_over(transport);
	if (transport_recorded(transport)) {
		transport_drop_comeback(transport, "REC was pressed");
	} else if (clock_now_ns() > comeback->until_ns) {
		give_up(transport);
	} else if (!transport_tape_runs(transport)) {
		return;
	} else if (!transport->left.place.take[0]) {
		go_on(transport, NULL);
	} else if (transport_find_take(transport, &sought, 0, &info) >= 0) {
		go_on(transport, &info);
		take_info_finish(&info);
	}
}
