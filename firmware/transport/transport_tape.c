/*
 * The tape that comes and goes. It outlives its process: the memory is ours as
 * well, so when takebox-tape dies it goes to the next one with the request for
 * it, and the takes on it go on, behind a gap, without having noticed. Only if
 * the next one cannot go on with it do they end where it ended.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"
#include "transport/transport_private.h"

#define RECONNECT_NS (100 * NS_PER_MS)
/* So long a take that was told to stop waits for a tape that goes on. */
#define RETURN_NS (10 * NS_PER_S)

void transport_init_tape(struct transport *transport)
{
	transport->tried_ns = -RECONNECT_NS;
	tape_client_init(&transport->client);
}

bool transport_has_tape(const struct transport *transport)
{
	return transport->client.tape.header != NULL;
}

bool transport_tape_runs(const struct transport *transport)
{
	return transport_has_tape(transport) && transport->answered &&
	       tape_state(&transport->client.tape) != TAPE_ENDED;
}

const struct tape *transport_tape(const struct transport *transport)
{
	return transport_has_tape(transport) ? &transport->client.tape : NULL;
}

/* Has its process died, so that the next one may go on with it? */
static bool is_orphaned(const struct transport *transport)
{
	return transport_has_tape(transport) && !transport->answered &&
	       tape_state(&transport->client.tape) != TAPE_ENDED;
}

/* As the next process takes it up where the clock had no line yet. */
static struct posclock_line line_of_last_sign(const struct tape *tape)
{
	return (struct posclock_line){
		.position = (int64_t)tape_published(tape),
		.time_ns = atomic_load(&tape->header->alive_ns),
		.rate_hz = tape->facts->rate,
		.locked = true,
	};
}

uint64_t transport_position_at(const struct transport *transport,
			       int64_t time_ns)
{
	const struct tape *tape = &transport->client.tape;
	bool orphaned = is_orphaned(transport);
	struct posclock_line line;
	int64_t position;

	if (!transport_has_tape(transport))
		return TRANSPORT_NOW;
	line = tape_line(tape);
	if (!line.locked && orphaned)
		line = line_of_last_sign(tape);
	if (!line.locked || (!orphaned && !transport_tape_runs(transport)))
		return tape_published(tape);
	position = posclock_position_at(&line, time_ns);
	return position > 0 ? (uint64_t)position : 0;
}

static bool tracks_fit(const struct transport *transport, unsigned channels)
{
	for (unsigned i = 0; i < transport->track_count; i++)
		if (transport->tracks[i].channels[0] > channels ||
		    transport->tracks[i].channels[1] > channels)
			return false;
	return true;
}

/* Names and arming that were given here. */
static void keep_known(struct config_track *track,
		       const struct config_track *known, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (memcmp(known[i].channels, track->channels,
			   sizeof(track->channels)) == 0)
			*track = known[i];
}

/* Anew if the interface has another number of channels than it had. */
static void learn_tracks(struct transport *transport)
{
	unsigned channels = transport->client.tape.facts->channels;
	unsigned of = transport->tracks_of, count = transport->track_count;
	struct config_track known[CONFIG_CHANNELS_MAX];

	transport->tracks_of = channels;
	if (transport->tracks_known && (of == 0 || of == channels) &&
	    tracks_fit(transport, channels))
		return;
	memcpy(known, transport->tracks, sizeof(known));
	transport->track_count = recording_tracks(transport->tracks,
						  &transport->config, channels);
	for (unsigned i = 0; i < transport->track_count; i++)
		keep_known(&transport->tracks[i], known, count);
	transport->tracks_known = transport->track_count > 0;
}

/* Of a tape that may be another one's place by now. */
struct tape_end {
	uint64_t position;
	unsigned rate;
};

static struct tape_end end_of(const struct tape *tape)
{
	return (struct tape_end){tape_published(tape), tape->facts->rate};
}

/* Where the tape ends, and how much was played from there on. */
static void stop_short(struct hand *hand, const struct tape_end *end)
{
	uint64_t missing = hand->stop - end->position;
	char reason[TAKE_TEXT_MAX];

	snprintf(reason, sizeof(reason),
		 "stop: the last %.1f s are lost, takebox-tape had died",
		 (double)missing / end->rate);
	log_error("%s: %s", hand->place.take, reason);
	take_stop_short(hand->take, end->position, missing, reason);
	hand->stop = end->position;
}

/* Those that were told to stop do not wait for what will never come. */
static void stop_stopped_takes(struct transport *transport,
			       const struct tape_end *end)
{
	for (unsigned i = 0; i < HANDS_MAX; i++) {
		struct hand *hand = &transport->hand[i];

		if (hand->take && !hand->healing &&
		    hand->tape == transport->tapes &&
		    hand->stop > end->position && hand->stop != TAKE_FOREVER)
			stop_short(hand, end);
	}
}

void transport_stop_stopped_takes(struct transport *transport)
{
	struct tape_end end = end_of(&transport->client.tape);

	stop_stopped_takes(transport, &end);
}

void transport_look_after_orphan(struct transport *transport)
{
	if (is_orphaned(transport) &&
	    clock_now_ns() - transport->orphaned_ns > RETURN_NS)
		transport_stop_stopped_takes(transport);
}

/* It is asked again RECONNECT_NS after the last time. */
static void hang_up(struct transport *transport)
{
	loop_remove(transport->socket_source);
	transport->socket_source = NULL;
	if (transport->answered)
		transport->orphaned_ns = clock_now_ns();
	transport->answered = false;
	tape_client_hang_up(&transport->client);
	transport_changed(transport);
}

static void lose_tape_process(struct transport *transport)
{
	log_error("takebox-tape is gone");
	hang_up(transport);
}

/* What the takes on the last tape wait for will not come any more. */
static void end_takes_of(struct transport *transport,
			 const struct tape_end *end)
{
	stop_stopped_takes(transport, end);
	transport_stop_takes(transport, end->position,
			     "the tape's process died");
}

/* What was received is its word that it has none; not that there was none. */
static bool has_no_tape(const struct tape_client *client, int error)
{
	return error < 0 && error == client->error;
}

/* Positions of the last one mean nothing from here on. */
static void change_tapes(struct transport *transport)
{
	transport->tapes++;
	transport_forget_onward(transport);
	transport_forget_left(transport);
	changes_forget(&transport->changes);
}

static int receive(struct transport *transport)
{
	struct tape_client *client = &transport->client;
	uint8_t id[sizeof(client->tape.facts->id)] = {0};
	bool had = transport_has_tape(transport);
	bool ended = had && tape_state(&client->tape) == TAPE_ENDED;
	struct tape_end end = {0};
	bool other;
	int error;

	if (had) {
		memcpy(id, client->tape.facts->id, sizeof(id));
		end = end_of(&client->tape);
	}
	error = tape_client_receive(client);
	other = error == 0 &&
		(!had || memcmp(id, client->tape.facts->id, sizeof(id)) != 0);
	if (had && !ended && (has_no_tape(client, error) || other))
		end_takes_of(transport, &end);
	if (other)
		change_tapes(transport);
	if (has_no_tape(client, error))
		tape_detach(&client->tape);
	return error;
}

static void socket_ready(void *context, uint32_t events)
{
	struct transport *transport = context;
	int error = receive(transport);

	(void)events;
	if (error == -EAGAIN)
		return;
	if (error == -ECONNRESET || error == -EPROTO) {
		lose_tape_process(transport);
		return;
	}
	if (error == -ENOMEM && !has_no_tape(&transport->client, error)) {
		log_warning("not enough memory for the tape; trying again");
		hang_up(transport);
		return;
	}
	transport->answered = true;
	if (error == 0) {
		learn_tracks(transport);
		log_info("ready: REC records %u tracks of %s",
			 transport->track_count,
			 transport->client.tape.facts->name);
	} else {
		log_warning("%s", transport->client.message);
	}
	transport_search_arrivals(transport);
	transport_changed(transport);
}

void transport_connect_tape(struct transport *transport)
{
	struct tape_request request;
	int64_t now = clock_now_ns();
	int error;

	if (transport->client.socket >= 0 ||
	    now - transport->tried_ns < RECONNECT_NS)
		return;
	transport->tried_ns = now;
	error = tape_client_connect(&transport->client,
				    transport->config.tape_socket);
	if (error < 0)
		return;
	tape_client_describe(&request, &transport->config);
	request.keep_trying = 1;
	transport->socket_source =
		loop_add_fd(transport->loop, transport->client.socket, EPOLLIN,
			    socket_ready, transport);
	if (!transport->socket_source)
		hang_up(transport);
	else if (tape_client_request(&transport->client, &request) < 0)
		lose_tape_process(transport);
}

/* ---- a process that is to leave ---- */

/* What is beside the control socket would not be found otherwise. */
static bool asks_for_same(const struct config *config,
			  const struct config *next)
{
	struct tape_request now, then;

	tape_client_describe(&now, config);
	tape_client_describe(&then, next);
	return tape_request_equal(&now, &then) &&
	       strcmp(config->tape_socket, next->tape_socket) == 0 &&
	       strcmp(config->socket, next->socket) == 0;
}

bool transport_may_leave(const struct transport *transport,
			 const struct config *next)
{
	bool needed = transport->recalling || transport->onward.wanted ||
		      transport->comeback.wanted ||
		      transport_misses_rests(transport);

	for (unsigned i = 0; i < HANDS_MAX; i++) {
		const struct hand *hand = &transport->hand[i];

		if (!hand->take || hand->healing || hand->left)
			continue;
		if (hand->tape != transport->tapes) /* nobody else has that */
			return false;
		needed = true;
	}
	return !needed || (next && asks_for_same(&transport->config, next));
}

bool transport_needs_tape_of(const struct config *before,
			     const struct config *next)
{
	struct intent *left = malloc(sizeof(*left));
	char path[CONFIG_PATH_MAX];
	bool needed;

	if (!left)
		return false;
	intent_beside(path, sizeof(path), before->socket);
	needed = intent_read(path, left) == 0 &&
		 (left->kind != INTENT_NONE || left->closings > 0);
	free(left);
	return needed && (!next || !asks_for_same(before, next));
}
