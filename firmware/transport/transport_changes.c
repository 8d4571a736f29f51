/*
 * Markers and arming. They go to the takes that run, and are kept: a take that
 * goes on with what another one's medium has lost, or that waits for a medium,
 * or that is the mirror of one that had to have its name first, begins later
 * than it sounds, and has to have what was asked for meanwhile.
 */
#include "base/log.h"
#include "transport/transport_private.h"

bool transport_is_recording(const struct transport *transport)
{
	const struct hand *hand = transport->current;

	return (hand && hand->stop == TAKE_FOREVER) ||
	       (transport->onward.wanted &&
		transport->onward.stop == TAKE_FOREVER);
}

/* ---- markers ---- */

static int mark_takes(struct transport *transport, const char *name,
		      uint64_t position)
{
	struct hand *hand = NULL;
	int error = 0;

	while (error == 0 && transport->current &&
	       (hand = transport_next_twin(transport, transport->current,
					   hand)))
		error = take_mark(hand->take, position, name);
	return error;
}

/* Of the take that is meant, on the tape; 0: there is none. */
static uint64_t end_of_take(const struct transport *transport, uint64_t *start)
{
	const struct hand *hand = transport->current;

	if (hand) {
		*start = hand->start;
		return hand->stop;
	}
	*start = transport->onward.from;
	return transport->onward.wanted ? transport->onward.stop : 0;
}

void transport_mark(struct transport *transport, const struct command *command,
		    struct command_reply *reply)
{
	uint64_t position = transport_command_position(transport, command);
	uint64_t start, stop = end_of_take(transport, &start);

	if (stop == 0) {
		transport_refuse(reply, COMMAND_REFUSED,
				 "nothing is being recorded");
	} else if (position > stop) {
		transport_refuse(
			reply, COMMAND_REFUSED, "%s was over before that",
			transport->current ? transport->current->place.take
					   : transport->onward.place.take);
	} else if (mark_takes(transport, command->name, position) < 0) {
		transport_refuse(
			reply, COMMAND_FAILED,
			"too many markers at once; this one was not set");
	} else {
		changes_mark(&transport->changes, position, command->name);
		reply->position = position > start ? position - start : 0;
	}
}

/* ---- arming ---- */

static int arm_takes(struct transport *transport, unsigned number, bool on,
		     uint64_t position)
{
	struct hand *hand = NULL;
	int error = 0;

	while (error == 0 && transport->current &&
	       (hand = transport_next_twin(transport, transport->current,
					   hand)))
		error = take_arm(hand->take, number, on, position);
	return error;
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

		if (!(command->tracks >> i & 1) || track->armed == command->on)
			continue;
		if (arm_takes(transport, i + 1, command->on, position) < 0) {
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

void transport_catch_up(struct hand *hand, uint64_t since)
{
	const struct changes *changes = &hand->transport->changes;
	const struct change *change;
	int error = 0;

	hand->since = since;
	for (; (change = changes_behind(changes, hand->start, &since));
	     since++) {
		if (change->position > hand->stop)
			continue;
		if (change->track > 0)
			error = take_arm(hand->take, change->track, change->on,
					 change->position);
		else
			error = take_mark(hand->take, change->position,
					  change->name);
		if (error < 0)
			log_error("%s: a marker, or an armed track, of before "
				  "it began is not in it: too many at once",
				  hand->place.take);
	}
}
