/*
 * Markers and arming. They go to the takes that run, and are kept: a take that
 * goes on with what another one's medium has lost, or that waits for a medium,
 * or that is the mirror of one that had to have its name first, begins later
 * than it sounds, and has to have what was asked for meanwhile.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "take/ledger.h"
#include "transport/transport_private.h"

/* The take that commands mean, or will: where it begins on the tape and ends,
 * and its name. */
struct meant {
	uint64_t start, stop;
	const char *take;
};

/* False: there is none. */
static bool find_meant(const struct transport *transport, struct meant *meant)
{
	const struct intent *left = transport_recalled(transport);
	const struct onward *onward = &transport->onward;
	const struct hand *hand = transport->current;

	/* What waits can be the rest of one that was stopped before that. */
	if (hand)
		*meant = (struct meant){hand->start, hand->stop,
					hand->place.take};
	else if (onward->wanted && !(left && onward->stop != TAKE_FOREVER))
		*meant = (struct meant){onward->from, onward->stop,
					onward->place.take};
	else if (left)
		*meant = (struct meant){left->start, left->stop,
					left->place.take};
	if (!hand && !onward->wanted && !left)
		return false;
	if (!meant->take[0])
		meant->take = "a take"; /* that has no name yet */
	return true;
}

const char *transport_recorded(const struct transport *transport)
{
	struct meant meant;

	if (!find_meant(transport, &meant) || meant.stop != TAKE_FOREVER)
		return NULL;
	return meant.take;
}

bool transport_awaits(const struct transport *transport)
{
	struct meant meant;

	return !transport->current && find_meant(transport, &meant);
}

static int tell(struct take *take, const struct change *change)
{
	return change->track > 0
		       ? take_arm(take, change->track, change->on,
				  change->position)
		       : take_mark(take, change->position, change->name);
}

/* All writers of the current take, if there is one. */
static int tell_takes(struct transport *transport, const struct change *change)
{
	struct hand *hand = NULL;
	int error = 0;

	while (error == 0 && transport->current &&
	       (hand = transport_next_twin(transport, transport->current,
					   hand)))
		error = tell(hand->take, change);
	return error;
}

void transport_mark(struct transport *transport, const struct command *command,
		    struct command_reply *reply)
{
	uint64_t position = transport_command_position(transport, command);
	struct change mark = {.position = position};
	struct meant meant;

	snprintf(mark.name, sizeof(mark.name), "%s", command->name);
	if (!find_meant(transport, &meant)) {
		transport_refuse(reply, COMMAND_REFUSED,
				 "nothing is being recorded");
	} else if (position > meant.stop) {
		transport_refuse(reply, COMMAND_REFUSED,
				 "%s was over before that", meant.take);
	} else if (tell_takes(transport, &mark) < 0) {
		transport_refuse(
			reply, COMMAND_FAILED,
			"too many markers at once; this one was not set");
	} else {
		changes_mark(&transport->changes, position, command->name);
		reply->position =
			position > meant.start ? position - meant.start : 0;
	}
}

static bool has_tracks(const struct transport *transport, uint64_t tracks,
		       struct command_reply *reply)
{
	if (tracks == TRANSPORT_ALL_TRACKS)
		return true;
	for (unsigned i = 0; i < CONFIG_CHANNELS_MAX; i++)
		if (tracks >> i & 1 && i >= transport->track_count) {
			transport_refuse(reply, COMMAND_NOT_FOUND,
					 "there is no track %u: there are %u",
					 i + 1, transport->track_count);
			return false;
		}
	return true;
}

void transport_arm(struct transport *transport, const struct command *command,
		   struct command_reply *reply)
{
	uint64_t position =
		transport_has_tape(transport)
			? transport_command_position(transport, command)
			: 0;

	if (!has_tracks(transport, command->tracks, reply))
		return;
	for (unsigned i = 0; i < transport->track_count; i++) {
		struct config_track *track = &transport->tracks[i];
		struct change arm = {.position = position,
				     .track = i + 1,
				     .on = command->on};

		if (!(command->tracks >> i & 1) || track->armed == command->on)
			continue;
		if (tell_takes(transport, &arm) < 0) {
			transport_refuse(reply, COMMAND_FAILED,
					 "too many changes at once; track %u "
					 "stays as it is",
					 i + 1);
			return;
		}
		track->armed = command->on;
		changes_arm(&transport->changes, position, i + 1, command->on);
	}
	transport_changed(transport);
}

/* ---- takes that begin later than they sound ---- */

static void tell_error(const struct hand *hand, int error)
{
	if (error < 0)
		log_error("%s: a marker, or an armed track, of before it began "
			  "is not in it: too many at once",
			  hand->place.take);
}

/* The next one of the hand's take, from number on; NULL: none. */
static const struct change *own_change(const struct hand *hand,
				       uint64_t *number)
{
	const struct changes *changes = &hand->transport->changes;
	const struct change *change;

	for (; (change = changes_behind(changes, hand->start, number));
	     ++*number)
		if (change->position <= hand->stop)
			return change;
	return NULL;
}

void transport_catch_up(struct hand *hand, uint64_t since)
{
	const struct change *change;
	int error = 0;

	hand->since = since;
	for (; error == 0 && (change = own_change(hand, &since)); since++)
		error = tell(hand->take, change);
	tell_error(hand, error);
}

static bool has_marker(const struct known *known, uint64_t frame)
{
	const struct change *marker;

	for (uint64_t i = 0;
	     (marker = changes_behind(&known->markers, frame - 1, &i)); i++)
		if (marker->position == frame)
			return true;
	return false;
}

static bool is_known(const struct known *known, const struct change *change,
		     uint64_t start)
{
	uint64_t frame = change->position - start;

	return change->track > 0 ? frame <= known->armed[change->track]
				 : has_marker(known, frame);
}

/* What was changed twice within a block can be in the ledger by half: in the
 * end tracks are as they are to be. A take ignores arming that it has. */
static int arm_last(struct hand *hand, uint64_t since)
{
	const struct change *last[CONFIG_CHANNELS_MAX + 1] = {NULL};
	const struct change *change;
	int error = 0;

	for (; (change = own_change(hand, &since)); since++)
		last[change->track] = change;
	for (unsigned i = 1; i <= CONFIG_CHANNELS_MAX && error == 0; i++)
		if (last[i])
			error = tell(hand->take, last[i]);
	return error;
}

void transport_catch_up_resumed(struct hand *hand, const struct known *known,
				uint64_t since)
{
	const struct change *change;
	int error = 0;

	hand->since = since;
	for (uint64_t i = since; error == 0 && (change = own_change(hand, &i));
	     i++)
		if (!is_known(known, change, hand->start))
			error = tell(hand->take, change);
	if (error == 0)
		error = arm_last(hand, since);
	tell_error(hand, error);
}
