/*
 * Beginning a take on a medium: one that REC or KEEP asked for, the mirror of
 * one, and one that goes on with what another one's medium has lost. The last
 * two begin later than they sound.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "take/names.h"
#include "transport/transport_private.h"

#define NEED_BYTES	 (4u << 20) /* that make a medium worth beginning on */
#define NEED_TRACK_BYTES (256u << 10)
#define NEED_SECONDS	 4

static uint64_t needed_bytes(const struct tape_facts *facts,
			     const struct config_track *tracks, unsigned count)
{
	uint64_t bytes = NEED_BYTES;

	for (unsigned i = 0; i < count; i++) {
		unsigned channels = tracks[i].channels[1] ? 2 : 1;

		if (tracks[i].armed)
			bytes += NEED_TRACK_BYTES +
				 (uint64_t)channels * facts->bits / 8 *
					 facts->rate * NEED_SECONDS;
	}
	return bytes;
}

uint64_t transport_needed_bytes(const struct transport *transport)
{
	return needed_bytes(transport->client.tape.facts, transport->tracks,
			    transport->track_count);
}

uint64_t transport_needed_from(const struct transport *transport, uint64_t from,
			       uint64_t since)
{
	struct config_track tracks[CONFIG_CHANNELS_MAX];

	memcpy(tracks, transport->tracks, sizeof(tracks));
	changes_undo(&transport->changes, from, since, tracks,
		     transport->track_count);
	return needed_bytes(transport->client.tape.facts, tracks,
			    transport->track_count);
}

/* A take that is to begin. */
struct beginning {
	struct recording recording;
	struct config_track tracks[CONFIG_CHANNELS_MAX]; /* its */
	uint64_t since; /* number of the first change that is its own */
};

static void describe(struct beginning *beginning, struct transport *transport,
		     const char *name, uint64_t start, uint64_t stop)
{
	memcpy(beginning->tracks, transport->tracks, sizeof(transport->tracks));
	beginning->since = transport->changes.count;
	beginning->recording = (struct recording){
		.session = transport->session,
		.name = name,
		.artist = transport->config.artist,
		.tracks = beginning->tracks,
		.track_count = transport->track_count,
		.start = start,
		.stop = stop,
		.level = transport->config.level,
		.workers = transport->config.encoders,
		.sync_seconds = transport->config.sync_seconds,
		.max_file_bytes = transport->config.max_file_bytes,
		.asks_for_link = true,
		.waits = true,
	};
}

/* One that sounds from before it begins: its tracks are armed as they were at
 * its first frame, and since is that of the take that it goes on with. */
static void describe_later(struct beginning *beginning,
			   const struct transport *transport, uint64_t since)
{
	struct recording *recording = &beginning->recording;

	changes_undo(&transport->changes, recording->start, since,
		     beginning->tracks, recording->track_count);
	beginning->since = since;
	recording->goes_on = true;
}

/* hand: NULL on an error; the take waits for take_go. */
static int begin_on(struct transport *transport, unsigned index,
		    struct beginning *beginning, struct hand **out, char *error,
		    size_t size)
{
	struct recording *recording = &beginning->recording;
	struct recording_job *job = malloc(sizeof(*job));
	struct hand *hand = transport_free_hand(transport);
	struct volume volume;
	struct take *take;
	int code;

	*out = NULL;
	if (!job || !hand) {
		free(job);
		snprintf(error, size, "out of memory");
		return -ENOMEM;
	}
	volumes_get(transport->volumes, index, &volume);
	recording->folder = volume.folder;
	recording->device = volume.state == VOLUME_READY ? volume.device : 0;
	code = recording_begin(&take, &transport->client.tape, recording, job);
	if (code < 0) {
		snprintf(error, size, "%s", job->error);
		free(job);
		return code;
	}
	hand->job = job;
	hand->start = recording->start;
	hand->stop = recording->stop;
	hand->volume = (int)index;
	snprintf(hand->name, sizeof(hand->name), "%s", recording->name);
	/* Until it has a place of its own. */
	snprintf(hand->place.take, sizeof(hand->place.take), "a take");
	snprintf(hand->place.folder, sizeof(hand->place.folder), "%s/",
		 volume.folder);
	*out = hand;
	transport_adopt(hand, take);
	transport_catch_up(hand, beginning->since);
	return 0;
}

/* That were left while their media kept them from getting a folder: nobody
 * knows which numbers they have got, or will. */
static unsigned count_nameless(const struct transport *transport)
{
	unsigned count = 0;

	for (unsigned i = 0; i < HANDS_MAX; i++)
		count += transport->hand[i].take && transport->hand[i].left &&
			 !transport->hand[i].prepared;
	return count;
}

/* Also not a number that only a medium knows that was pulled since. */
static unsigned least_number(const struct transport *transport, unsigned least)
{
	bool counts = !transport->session[0] ||
		      transport_is_session(transport, transport->numbered);

	return counts && least <= transport->number ? transport->number + 1
						    : least;
}

/* index: of the medium; -1: there is none. */
static int begin(struct transport *transport, struct beginning *beginning,
		 int index, struct hand **hand, char *error, size_t size)
{
	static char others[RECORDING_OTHERS_MAX];
	struct recording *recording = &beginning->recording;
	int code;

	*hand = NULL;
	if (index < 0) {
		snprintf(error, size,
			 "no medium can be written to: %s; nothing is being "
			 "recorded",
			 transport_medium_words(transport));
		return -ENOSPC;
	}
	transport_list_media(transport, others, sizeof(others));
	recording->others = others;
	recording->least = least_number(transport, recording->least);
	recording->skip = count_nameless(transport);
	code = begin_on(transport, (unsigned)index, beginning, hand, error,
			size);
	if (code == 0)
		(*hand)->group = ++transport->groups;
	return code;
}

int transport_begin(struct transport *transport, const char *name,
		    uint64_t start, uint64_t stop, uint64_t *ticket,
		    char *error, size_t size)
{
	int index = transport_choose_place(
		transport, transport_needed_bytes(transport), -1);
	struct beginning beginning;
	struct hand *hand;
	int code;

	describe(&beginning, transport, name, start, stop);
	code = begin(transport, &beginning, index, &hand, error, size);
	if (code < 0)
		return code;
	transport->went_on[0] = '\0';
	transport->settled = true;
	*ticket = hand->ticket;
	if (stop == TAKE_FOREVER)
		transport_drop_comeback(transport, "REC was pressed");
	/* Whoever comes after a kill is to know of it before it has a folder.
	 */
	transport_note_intent(transport);
	take_go(hand->take);
	return 0;
}

/* -1: there is none, or nothing that it could begin from any more. */
static int choose_mirror(const struct hand *first)
{
	struct transport *transport = first->transport;

	if (!transport_has_tape(transport) || first->tape != transport->tapes)
		return -1;
	return volumes_choose_other(
		transport->volumes, VOLUME_FOR_MIRROR,
		transport_needed_from(transport, first->start, first->since),
		first->volume);
}

/* The mirror's take has the same name, as far as nobody has used it there; so
 * it begins when the first one has its name. The tape holds its beginning. */
void transport_begin_mirror(struct hand *first)
{
	struct transport *transport = first->transport;
	struct hand *current = transport->current;
	struct beginning beginning;
	struct recording *recording = &beginning.recording;
	int index = choose_mirror(first);
	char error[RECORDING_ERROR_MAX];
	struct hand *hand;

	if (index < 0 || !transport_free_hand(transport))
		return;
	describe(&beginning, transport, first->name, first->start, first->stop);
	describe_later(&beginning, transport, first->since);
	recording->least = names_take_number(first->place.take);
	recording->session = first->place.session;
	recording->reason = first->from.place.take[0] ? "stop" : NULL;
	if (begin_on(transport, (unsigned)index, &beginning, &hand, error,
		     sizeof(error)) < 0) {
		log_error("the mirror: %s", error);
		return;
	}
	hand->group = first->group;
	hand->mirror = true;
	transport->current = current;
	take_go(hand->take);
}

struct hand *transport_begin_onward(struct transport *transport, int index,
				    uint64_t from, json_t *note)
{
	const struct onward *onward = &transport->onward;
	struct beginning beginning;
	struct recording *recording = &beginning.recording;
	char error[RECORDING_ERROR_MAX];
	struct hand *hand;

	describe(&beginning, transport, onward->name, from, onward->stop);
	describe_later(&beginning, transport, onward->since);
	recording->reason = "stop"; /* came while nobody was writing */
	recording->note = note;
	if (onward->place.take[0]) {
		recording->session = onward->place.session;
		recording->least = names_take_number(onward->place.take) + 1;
	}
	begin(transport, &beginning, index, &hand, error, sizeof(error));
	return hand;
}
