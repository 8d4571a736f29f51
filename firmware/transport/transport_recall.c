/*
 * What was being recorded when the process before this one ended, by what it
 * wrote down (transport_intent.c). Read once, when the tape has answered: is it
 * still the same one, then the take is looked for, and what its medium does not
 * have goes on from the tape.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "take/ledger.h"
#include "take/names.h"
#include "transport/transport_private.h"

#define STATE_FOLDER "/var/lib/takebox"
/* So long the media of a take that ran are waited for before it goes on on
 * another one; when all have answered, the first is enough. */
#define SEARCH_MIN_NS NS_PER_S
#define SEARCH_MAX_NS (5 * NS_PER_S)
/* And those that may have all of one that was stopped. */
#define RESTS_MAX_NS (30 * NS_PER_S)
/* Before the tape loses them they go elsewhere: to write them takes time. */
#define RESTS_SPARE_S 10
#define RESTS_SHARE   2 /* of a tape that is short */

/* ---- a take by what was written down of it ---- */

static int apply(void *context, const json_t *entry)
{
	return take_info_apply(context, entry);
}

static bool is_take(const struct take_info *info, const struct sought *sought)
{
	return info->tracks > 0 &&
	       (!sought->tape[0] || (strcmp(info->tape, sought->tape) == 0 &&
				     info->start == sought->start));
}

static bool read_take(const char *medium, const struct sought *sought,
		      struct take_info *info)
{
	const struct recording_place *place = sought->place;
	char path[PATH_MAX];
	int dir;
	bool found;

	if (snprintf(path, sizeof(path), "%s/Takebox/%s/%s", medium,
		     place->session, place->take) >= (int)sizeof(path))
		return false;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return false;
	found = take_info_init(info) == 0;
	if (found) {
		ledger_read(dir, apply, info, NULL);
		found = is_take(info, sought);
		if (!found)
			take_info_finish(info);
	}
	close(dir);
	return found;
}

struct sought transport_seek(const struct intent *left)
{
	return (struct sought){
		.place = &left->place,
		.tape = left->power ? "" : left->tape,
		.start = left->from - left->frames,
		.medium = left->medium,
	};
}

static bool may_have_it(const struct volume *volume,
			const struct sought *sought)
{
	return volume->state == VOLUME_READY &&
	       (volume->role == VOLUME_FOR_TAKES || !sought->medium ||
		strcmp(volume->folder, sought->medium) == 0);
}

/* The take that was left is looked at first; what comes behind it may hang. */
static bool can_be_read(const struct transport *transport, unsigned index,
			const struct sought *sought)
{
	struct survey *survey = transport->survey[index];

	return !survey || survey_has_looked_at(survey, sought->place);
}

int transport_find_take(struct transport *transport,
			const struct sought *sought, unsigned index,
			struct take_info *info)
{
	struct volume volume;

	if (!sought->place->take[0])
		return -1;
	for (unsigned i = index; i < volumes_count(transport->volumes); i++) {
		volumes_get(transport->volumes, i, &volume);
		if (may_have_it(&volume, sought) &&
		    can_be_read(transport, i, sought) &&
		    read_take(volume.folder, sought, info))
			return (int)i;
	}
	return -1;
}

/* ---- what was left ---- */

static int read_left(struct transport *transport)
{
	struct intent *left = &transport->left;
	int error = intent_read(transport->intent_path, left);

	if (error < 0 && error != -ENOMEM &&
	    transport->config.resume_seconds > 0)
		error = intent_read(transport->lasting_path, left);
	transport->recalling = error == 0;
	transport->noted = *left;
	return error == -ENOMEM ? error : 0;
}

int transport_init_intent(struct transport *transport)
{
	const char *state = getenv("STATE_DIRECTORY"); /* of systemd */

	if (!state || !state[0])
		state = STATE_FOLDER;
	intent_beside(transport->intent_path, sizeof(transport->intent_path),
		      transport->config.socket);
	snprintf(transport->lasting_path, sizeof(transport->lasting_path),
		 "%.*s/" INTENT_FILE, (int)strcspn(state, ":"), state);
	/* What was left before the key was set means nothing now. */
	if (!(transport->config.resume_seconds > 0))
		intent_write(transport->lasting_path, NULL, false);
	return read_left(transport);
}

/* In a take that goes on tracks stay as they were armed by hand. */
static void take_over_arming(struct transport *transport,
			     const struct intent *left)
{
	for (unsigned i = 0; i < transport->track_count; i++)
		for (unsigned j = 0; j < left->track_count; j++)
			if (memcmp(transport->tracks[i].channels,
				   left->tracks[j].channels,
				   sizeof(left->tracks[j].channels)) == 0)
				transport->tracks[i].armed =
					left->tracks[j].armed;
}

void transport_take_over_names(struct transport *transport,
			       const struct intent *left)
{
	unsigned channels = transport->client.tape.facts->channels, count = 0;
	const struct recording_place *place = &left->place;

	if (left->configured || left->track_count == 0) {
		take_over_arming(transport, left);
		return;
	}
	for (unsigned i = 0; i < left->track_count; i++)
		if (left->tracks[i].channels[0] <= channels &&
		    left->tracks[i].channels[1] <= channels)
			transport->tracks[count++] = left->tracks[i];
	transport->track_count = count;
	transport->tracks_known = count > 0;
	snprintf(transport->session, sizeof(transport->session), "%.63s",
		 left->session[0] ? left->session : place->session);
	transport->number = names_take_number(place->take);
	snprintf(transport->numbered, sizeof(transport->numbered), "%.63s",
		 place->session);
}

void transport_recall_onward(struct transport *transport,
			     const struct intent *left)
{
	struct onward *onward = &transport->onward, stopped = *onward;

	*onward = (struct onward){
		.wanted = true,
		.from = left->from,
		.stop = left->stop,
		.frames = left->frames,
		.place = left->place,
		.power = left->power,
		.ended = left->ended,
		.since = left->power ? transport->comeback.since : left->since,
	};
	snprintf(onward->name, sizeof(onward->name), "%s", left->name);
	snprintf(onward->medium, sizeof(onward->medium), "%s", left->medium);
	snprintf(onward->reason, sizeof(onward->reason), "%s",
		 left->reason[0] ? left->reason : "medium failed");
	if (stopped.wanted && stopped.stop != TAKE_FOREVER)
		transport_keep_rest(transport, &stopped);
	transport->settled = true;
	transport->recalling = false;
	log_warning("%s: what its medium does not have goes on from the tape",
		    left->place.take[0] ? left->place.take : "a take");
}

static bool is_tape(const struct transport *transport, const char *tape)
{
	const uint8_t *id = transport->client.tape.facts->id;
	char name[33];

	for (int i = 0; i < 16; i++)
		snprintf(name + 2 * i, 3, "%02x", id[i]);
	return strcmp(name, tape) == 0;
}

/* Its number means what it meant. */
static bool is_same_track(const struct transport *transport,
			  const struct intent *left, unsigned number)
{
	return number <= transport->track_count &&
	       number <= left->track_count &&
	       memcmp(transport->tracks[number - 1].channels,
		      left->tracks[number - 1].channels,
		      sizeof(left->tracks[0].channels)) == 0;
}

/* Tracks may be as they are configured by now. */
static bool is_taken_over(const struct transport *transport,
			  const struct intent *left,
			  const struct change *change)
{
	return change->track == 0 ||
	       is_same_track(transport, left, change->track);
}

static uint64_t number_here(const struct transport *transport,
			    const struct intent *left, uint64_t first,
			    uint64_t number)
{
	const struct change *change;

	for (uint64_t i = 0; (change = changes_from(&left->changes, &i)); i++)
		if (i < number && is_taken_over(transport, left, change))
			first++;
	return first;
}

static void take_over_changes(struct transport *transport, struct intent *left)
{
	struct changes *changes = &transport->changes;
	uint64_t first = changes->count;
	const struct change *change;

	for (uint64_t i = 0; (change = changes_from(&left->changes, &i)); i++) {
		if (!is_taken_over(transport, left, change))
			continue;
		if (change->track == 0)
			changes_mark(changes, change->position, change->name);
		else
			changes_arm(changes, change->position, change->track,
				    change->on);
	}
	left->since = number_here(transport, left, first, left->since);
	for (unsigned i = 0; i < left->closings; i++)
		left->closing[i].since = number_here(transport, left, first,
						     left->closing[i].since);
}

/* What the power ended was on another tape; a KEEP of since then is on this. */
static void recall_closings(struct transport *transport)
{
	struct intent *left = &transport->left;

	transport->left_changes = transport_has_tape(transport) &&
				  is_tape(transport, left->closing_tape);
	if (transport->left_changes)
		take_over_changes(transport, left);
	else
		left->closings = 0;
}

/* Before open takes are looked for. */
void transport_recall(struct transport *transport)
{
	struct intent *left = &transport->left;

	if (!transport->recalling || transport->recall_ns)
		return;
	transport->recall_ns = clock_now_ns();
	if (!transport_has_tape(transport) || !is_tape(transport, left->tape)) {
		transport->recalling = false;
		recall_closings(transport);
		transport_come_back(transport);
		return;
	}
	transport_take_over_names(transport, left);
	take_over_changes(transport, left);
}

const struct intent *transport_recalled(const struct transport *transport)
{
	bool known = transport->recalling && transport->recall_ns &&
		     transport_has_tape(transport);

	return known ? &transport->left : NULL;
}

static bool has_searched(const struct transport *transport, int64_t longest_ns)
{
	int64_t waited = clock_now_ns() - transport->recall_ns;
	struct volume volume;
	bool all = true;

	for (unsigned i = 0; i < volumes_count(transport->volumes); i++) {
		volumes_get(transport->volumes, i, &volume);
		all = all && volume.state != VOLUME_UNKNOWN &&
		      !transport->survey[i];
	}
	return waited >= (all ? SEARCH_MIN_NS : longest_ns);
}

bool transport_has_searched(const struct transport *transport)
{
	return has_searched(transport, SEARCH_MAX_NS);
}

/* The tape is about to lose what none of their media may have. A rest too many
 * costs space, one too late costs sound. */
static bool are_rests_in_danger(const struct transport *transport)
{
	const struct tape *tape = &transport->client.tape;
	const struct intent *left = &transport->left;
	uint64_t lasts = tape->facts->frames, soon = tape_published(tape);
	uint64_t spare = (uint64_t)RESTS_SPARE_S * tape->facts->rate;

	soon += spare < lasts / RESTS_SHARE ? spare : lasts / RESTS_SHARE;
	for (unsigned i = 0; i < left->closings; i++)
		if (!transport->taken_up[i] &&
		    left->closing[i].start + left->closing[i].frames + lasts <
			    soon)
			return true;
	return false;
}

bool transport_has_read_all(const struct transport *transport)
{
	bool hurries =
		transport_has_tape(transport) && are_rests_in_danger(transport);

	return has_searched(transport, hurries ? SEARCH_MAX_NS : RESTS_MAX_NS);
}

static void go_on_behind(struct intent *left, uint64_t frames)
{
	left->frames = frames;
	left->from = left->start + frames;
}

void transport_forget_left(struct transport *transport)
{
	if (!transport->recall_ns)
		return;
	if (transport_recalled(transport) || transport_misses_rests(transport))
		log_error("what the takeboxd before this one was recording is "
			  "not looked for any more: the tape that had the rest "
			  "is gone");
	transport->recalling = false;
	transport->left.closings = 0;
}

/* A copy that another medium had torn off before has less. */
static bool is_where_left(const struct transport *transport, unsigned index)
{
	struct volume volume;

	volumes_get(transport->volumes, index, &volume);
	return strcmp(volume.folder, transport->left.medium) == 0;
}

/* Ended or healed meanwhile: what is behind that goes on. */
static void look_for_ended(struct transport *transport)
{
	struct intent *left = &transport->left;
	struct sought sought = transport_seek(left);
	struct take_info info;
	bool here = false;
	int index = -1;

	while (!here && (index = transport_find_take(transport, &sought,
						     (unsigned)(index + 1),
						     &info)) >= 0) {
		here = is_where_left(transport, (unsigned)index);
		if (info.ended && !comeback_is_accident(info.reason))
			transport->recalling = false;
		else if (info.ended && (here || info.frames > left->frames))
			go_on_behind(left, info.frames);
		take_info_finish(&info);
	}
}

/* A take that ran, or was just being begun, and that no medium that is there
 * has open: its medium is gone, or has ended it in the last moment of the
 * process that wrote it. */
void transport_look_for_left(struct transport *transport)
{
	if (!transport->recall_ns)
		return;
	if (transport->current) {
		transport->recalling = false;
		return;
	}
	if (!transport_has_searched(transport))
		return;
	if (transport->left.kind == INTENT_RECORDING)
		look_for_ended(transport);
	if (transport->recalling)
		transport_recall_onward(transport, &transport->left);
}
