/*
 * The state machine: a tape that comes and goes, a take that runs or not, and
 * the commands. What takes time (folders, files, syncs) is done by the take's
 * own thread; a timer looks after it.
 */
#include "transport/transport_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "take/ledger.h"
#include "transport/summary.h"

#define TICK_NS	      (100 * NS_PER_MS)
#define RECONNECT_NS  (500 * NS_PER_MS)
#define MEASURE_NS    (2 * NS_PER_S)
#define GUARD_SECONDS 2 /* as the take keeps from what is overwritten */
#define GUARD_SHARE   4

static void changed(struct transport *transport, const json_t *take)
{
	for (unsigned i = 0; i < transport->listeners; i++)
		transport->listener[i].fn(transport->listener[i].context, take);
}

static bool has_tape(const struct transport *transport)
{
	return transport->client.tape.header != NULL;
}

static void __attribute__((format(printf, 3, 4)))
refuse(struct command_reply *reply, enum command_error error,
       const char *format, ...)
{
	va_list args;

	reply->error = error;
	va_start(args, format);
	vsnprintf(reply->message, sizeof(reply->message), format, args);
	va_end(args);
}

/* ---- takes that run ---- */

static void look_after_take(struct transport *transport);

static void take_ready(void *context, uint32_t events)
{
	struct transport *transport = context;
	uint64_t count;

	(void)events;
	if (read(take_fd(transport->take), &count, sizeof(count)) > 0) {
		changed(transport, NULL);
		look_after_take(transport);
	}
}

static void adopt_take(struct transport *transport, struct take *take)
{
	transport->take = take;
	transport->take_source = loop_add_fd(transport->loop, take_fd(take),
					     EPOLLIN, take_ready, transport);
	changed(transport, NULL);
}

static void note_end(struct transport *transport,
		     const struct take_status *status)
{
	const struct take_info *info = take_result(transport->take);

	transport->last_error[0] = '\0';
	if (status->state == TAKE_FAILED)
		snprintf(transport->last_error, sizeof(transport->last_error),
			 "%s ended early (%.100s); it is safe up to %.1f s",
			 transport->place.take, info->reason,
			 (double)info->frames / (info->rate ? info->rate : 1));
	log_info("%s: %.1f s, %s", transport->place.take,
		 (double)info->frames / (info->rate ? info->rate : 1),
		 take_info_verdict(info));
}

/* A take whose thread is done is put away and told of. */
static void look_after_take(struct transport *transport)
{
	struct take_status status;
	json_t *summary;

	if (!transport->take)
		return;
	take_get_status(transport->take, &status);
	if (status.gap_count != transport->last_gaps) {
		transport->last_gaps = status.gap_count;
		changed(transport, NULL);
	}
	if (status.state != TAKE_DONE && status.state != TAKE_FAILED)
		return;
	loop_remove(transport->take_source);
	transport->take_source = NULL;
	note_end(transport, &status);
	summary = summary_of_take(take_result(transport->take),
				  transport->place.folder, status.bytes);
	take_destroy(transport->take);
	transport->take = NULL;
	transport->last_gaps = 0;
	changed(transport, summary);
	json_decref(summary);
	if (transport->quitting)
		loop_quit(transport->loop);
}

static void look_after_heals(struct transport *transport)
{
	for (unsigned i = 0; i < transport->heals;) {
		struct take_status status;

		take_get_status(transport->heal[i], &status);
		if (status.state != TAKE_DONE && status.state != TAKE_FAILED) {
			i++;
			continue;
		}
		take_destroy(transport->heal[i]);
		transport->heal[i] = transport->heal[--transport->heals];
		changed(transport, NULL);
	}
}

/* ---- takes that were torn off ---- */

static bool is_of_tape(int dir, const struct tape *tape);

static void resume(void *context, int dir, const struct recording_place *place)
{
	struct transport *transport = context;
	bool ours = has_tape(transport) && !transport->take &&
		    is_of_tape(dir, &transport->client.tape);
	struct take_plan plan = {
		.storage = &storage_posix,
		.tape = ours ? &transport->client.tape : NULL,
		.dir = dir,
		.parents = {-1, -1, -1},
		.sync_seconds = transport->config.sync_seconds,
		.workers = ours ? transport->config.encoders : 1,
		.max_file_bytes = transport->config.max_file_bytes
					  ? transport->config.max_file_bytes
					  : transport->space.max_file_bytes,
		.stop = TAKE_FOREVER,
	};
	struct take *take;

	if (!ours && transport->heals == HEALS_MAX) {
		close(dir);
		return;
	}
	if (take_resume(&take, &plan) < 0) {
		log_error("%s cannot be gone on with: out of memory",
			  place->folder);
		return;
	}
	if (ours) {
		transport->place = *place;
		adopt_take(transport, take);
	} else {
		transport->heal[transport->heals++] = take;
	}
}

struct wanted {
	char tape[33];
	bool found;
};

static int compare_tape(void *context, const json_t *entry)
{
	struct wanted *wanted = context;
	const char *tape = json_string_value(json_object_get(entry, "tape"));

	wanted->found |= tape && strcmp(tape, wanted->tape) == 0;
	return 0;
}

static bool is_of_tape(int dir, const struct tape *tape)
{
	struct wanted wanted = {.found = false};

	for (int i = 0; i < 16; i++)
		snprintf(wanted.tape + 2 * i, 3, "%02x", tape->facts->id[i]);
	ledger_read(dir, compare_tape, &wanted, NULL);
	return wanted.found;
}

static void search_open_takes(struct transport *transport)
{
	transport->searched = true;
	if (recording_find_open(transport->config.folder, resume, transport) <
	    0)
		log_warning("%s cannot be read", transport->config.folder);
}

/* ---- the tape ---- */

static void learn_tracks(struct transport *transport)
{
	if (transport->tracks_known)
		return;
	transport->track_count =
		recording_tracks(transport->tracks, &transport->config,
				 transport->client.tape.facts->channels);
	transport->tracks_known = transport->track_count > 0;
}

static void lose_tape_process(struct transport *transport)
{
	loop_remove(transport->socket_source);
	transport->socket_source = NULL;
	/* It may die again while the take of the first time is closed. */
	if (transport->take && has_tape(transport))
		take_stop(transport->take,
			  tape_published(&transport->client.tape),
			  "the tape's process died");
	log_error("takebox-tape is gone");
	transport->answered = false;
	tape_client_close(&transport->client);
	changed(transport, NULL);
}

static void socket_ready(void *context, uint32_t events)
{
	struct transport *transport = context;
	int error = tape_client_receive(&transport->client);

	(void)events;
	if (error == -EAGAIN)
		return;
	if (error == -ECONNRESET || error == -EPROTO) {
		lose_tape_process(transport);
		return;
	}
	transport->answered = true;
	if (error == 0)
		learn_tracks(transport);
	else
		log_warning("%s", transport->client.message);
	if (!transport->searched)
		search_open_takes(transport);
	changed(transport, NULL);
}

static void connect_tape(struct transport *transport)
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
	if (tape_client_request(&transport->client, &request) < 0)
		lose_tape_process(transport);
}

static void measure_medium(struct transport *transport)
{
	int64_t now = clock_now_ns();
	int dir;

	if (now - transport->measured_ns < MEASURE_NS)
		return;
	transport->measured_ns = now;
	dir = open(transport->config.folder,
		   O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	transport->medium_error = dir < 0 ? -errno : 0;
	if (dir < 0)
		return;
	transport->medium_error = storage_measure(dir, &transport->space);
	close(dir);
}

static void tick(void *context)
{
	struct transport *transport = context;

	connect_tape(transport);
	measure_medium(transport);
	look_after_take(transport);
	look_after_heals(transport);
}

/* ---- commands ---- */

static uint64_t position_now(const struct transport *transport)
{
	const struct tape *tape = &transport->client.tape;
	struct posclock_line line = tape_line(tape);
	uint64_t published = tape_published(tape);
	int64_t now;

	if (!line.locked)
		return published;
	now = posclock_position_at(&line, clock_now_ns());
	return now > (int64_t)published ? (uint64_t)now : published;
}

static uint64_t command_position(const struct transport *transport,
				 const struct command *command)
{
	return command->position == TRANSPORT_NOW ? position_now(transport)
						  : command->position;
}

/* Where a take begins that is asked for at position. */
static uint64_t take_start_position(const struct transport *transport,
				    uint64_t position, double preroll)
{
	const struct tape *tape = &transport->client.tape;
	uint64_t guard = (uint64_t)GUARD_SECONDS * tape->facts->rate;
	uint64_t oldest = tape_oldest(tape), back;

	if (guard > tape->facts->frames / GUARD_SHARE)
		guard = tape->facts->frames / GUARD_SHARE;
	if (oldest > 0)
		oldest += guard;
	if (preroll < 0)
		preroll = transport->config.preroll_seconds;
	back = (uint64_t)(preroll * tape->facts->rate);
	position = position > back ? position - back : 0;
	if (position < oldest)
		position = oldest;
	/* On a peak block's border, so that peaks and clips are the take's. */
	return position - position % TAPE_PEAK_FRAMES;
}

static void do_record(struct transport *transport,
		      const struct command *command,
		      struct command_reply *reply)
{
	struct recording recording = {
		.folder = transport->config.folder,
		.session = transport->session,
		.name = command->name,
		.artist = transport->config.artist,
		.tracks = transport->tracks,
		.track_count = transport->track_count,
		.stop = TAKE_FOREVER,
		.level = transport->config.level,
		.workers = transport->config.encoders,
		.sync_seconds = transport->config.sync_seconds,
		.max_file_bytes = transport->config.max_file_bytes,
	};
	struct take *take;
	int error;

	if (transport->take) {
		refuse(reply, COMMAND_REFUSED, "%s is being recorded already",
		       transport->place.take);
		return;
	}
	if (!has_tape(transport)) {
		refuse(reply, COMMAND_INTERFACE, "there is no interface: %s",
		       transport->client.message[0]
			       ? transport->client.message
			       : "takebox-tape does not answer");
		return;
	}
	recording.start = take_start_position(
		transport, command_position(transport, command),
		command->preroll);
	error = recording_begin(&take, &transport->client.tape, &recording,
				&transport->place, reply->message,
				sizeof(reply->message));
	if (error < 0) {
		reply->error =
			error == -EINVAL ? COMMAND_REFUSED : COMMAND_MEDIUM;
		return;
	}
	/* What was dated stays that session until another one is named. */
	snprintf(transport->session, sizeof(transport->session), "%.63s",
		 transport->place.session);
	transport->last_error[0] = '\0';
	adopt_take(transport, take);
}

static bool refuse_unless_recording(const struct transport *transport,
				    struct command_reply *reply)
{
	if (transport->take)
		return false;
	refuse(reply, COMMAND_REFUSED, "nothing is being recorded");
	return true;
}

static void do_stop(struct transport *transport, const struct command *command,
		    struct command_reply *reply)
{
	if (refuse_unless_recording(transport, reply))
		return;
	take_stop(transport->take, command_position(transport, command),
		  "stop");
}

static void do_mark(struct transport *transport, const struct command *command,
		    struct command_reply *reply)
{
	struct take_status status;
	uint64_t position;

	if (refuse_unless_recording(transport, reply))
		return;
	take_get_status(transport->take, &status);
	position = command_position(transport, command);
	reply->position = position > status.start ? position - status.start : 0;
	if (take_mark(transport->take, position, command->name) < 0)
		refuse(reply, COMMAND_FAILED,
		       "too many markers at once; this one was not set");
}

static void do_arm(struct transport *transport, const struct command *command,
		   struct command_reply *reply)
{
	uint64_t position =
		has_tape(transport) ? command_position(transport, command) : 0;

	bool all = command->tracks == TRANSPORT_ALL_TRACKS;

	for (unsigned i = 0; i < CONFIG_CHANNELS_MAX && !all; i++)
		if (command->tracks >> i & 1 && i >= transport->track_count) {
			refuse(reply, COMMAND_NOT_FOUND,
			       "there is no track %u: there are %u", i + 1,
			       transport->track_count);
			return;
		}
	for (unsigned i = 0; i < transport->track_count; i++) {
		struct config_track *track = &transport->tracks[i];

		if (!(command->tracks >> i & 1) || track->armed == command->on)
			continue;
		if (transport->take && take_arm(transport->take, i + 1,
						command->on, position) < 0) {
			refuse(reply, COMMAND_FAILED,
			       "too many changes at once; track %u stays as "
			       "it is",
			       i + 1);
			return;
		}
		track->armed = command->on;
	}
	changed(transport, NULL);
}

static void do_name(struct transport *transport, const struct command *command,
		    struct command_reply *reply)
{
	if (command->track < 1 || command->track > transport->track_count) {
		refuse(reply, COMMAND_NOT_FOUND,
		       "there is no track %u: there are %u", command->track,
		       transport->track_count);
		return;
	}
	if (!command->name[0]) {
		refuse(reply, COMMAND_USAGE, "a track's name cannot be empty");
		return;
	}
	snprintf(transport->tracks[command->track - 1].name,
		 sizeof(transport->tracks[0].name), "%s", command->name);
	changed(transport, NULL);
}

static void do_session(struct transport *transport,
		       const struct command *command,
		       struct command_reply *reply)
{
	if (transport->take) {
		refuse(reply, COMMAND_REFUSED,
		       "%s is being recorded; the session can be changed when "
		       "it has ended",
		       transport->place.take);
		return;
	}
	snprintf(transport->session, sizeof(transport->session), "%s",
		 command->name);
	changed(transport, NULL);
}

void transport_command(struct transport *transport,
		       const struct command *command,
		       struct command_reply *reply)
{
	static void (*const handlers[])(struct transport *,
					const struct command *,
					struct command_reply *) = {
		[COMMAND_TO_RECORD] = do_record,
		[COMMAND_TO_STOP] = do_stop,
		[COMMAND_TO_MARK] = do_mark,
		[COMMAND_TO_ARM] = do_arm,
		[COMMAND_TO_NAME] = do_name,
		[COMMAND_TO_SESSION] = do_session,
	};

	*reply = (struct command_reply){0};
	handlers[command->kind](transport, command, reply);
}

/* ---- from and to outside ---- */

int transport_listen(struct transport *transport, transport_change_fn fn,
		     void *context)
{
	if (transport->listeners == LISTENERS_MAX)
		return -ENOSPC;
	transport->listener[transport->listeners].fn = fn;
	transport->listener[transport->listeners++].context = context;
	return 0;
}

const struct tape *transport_tape(const struct transport *transport)
{
	return has_tape(transport) ? &transport->client.tape : NULL;
}

struct transport *transport_create(struct loop *loop,
				   const struct config *config)
{
	struct transport *transport = calloc(1, sizeof(*transport));

	if (!transport)
		return NULL;
	transport->loop = loop;
	transport->config = *config;
	transport->tried_ns = -RECONNECT_NS;
	transport->measured_ns = -MEASURE_NS;
	tape_client_init(&transport->client);
	snprintf(transport->session, sizeof(transport->session), "%s",
		 config->session);
	if (!loop_add_timer(loop, 1, TICK_NS, tick, transport)) {
		free(transport);
		return NULL;
	}
	return transport;
}

void transport_destroy(struct transport *transport)
{
	if (!transport)
		return;
	if (transport->take)
		take_stop(transport->take, 0, "shut down");
	take_destroy(transport->take);
	for (unsigned i = 0; i < transport->heals; i++)
		take_destroy(transport->heal[i]);
	tape_client_close(&transport->client);
	free(transport);
}

void transport_shut_down(struct transport *transport)
{
	transport->quitting = true;
	if (!transport->take) {
		loop_quit(transport->loop);
		return;
	}
	take_stop(transport->take, position_now(transport), "shut down");
}
