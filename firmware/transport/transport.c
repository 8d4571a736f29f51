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

#define TICK_NS	      (100 * NS_PER_MS)
#define GUARD_SECONDS 2 /* as the take keeps from what is overwritten */
#define GUARD_SHARE   4

void transport_tell(struct transport *transport,
		    const struct transport_news *news)
{
	for (unsigned i = 0; i < transport->listeners; i++)
		transport->listener[i].fn(transport->listener[i].context, news);
}

void transport_changed(struct transport *transport)
{
	transport_tell(transport, NULL);
}

void transport_refuse(struct command_reply *reply, enum command_error error,
		      const char *format, ...)
{
	va_list args;

	reply->error = error;
	va_start(args, format);
	vsnprintf(reply->message, sizeof(reply->message), format, args);
	va_end(args);
}

static void tick(void *context)
{
	struct transport *transport = context;

	transport_connect_tape(transport);
	transport_look_after_orphan(transport);
	transport_choose_medium(transport);
	transport_search_arrivals(transport);
	transport_look_after_comeback(transport);
	transport_look_after_takes(transport);
	transport_look_after_mirror(transport);
	transport_look_after_intent(transport);
}

/* ---- commands ---- */

static uint64_t position_now(const struct transport *transport)
{
	return transport_position_at(transport, clock_now_ns());
}

uint64_t transport_command_position(const struct transport *transport,
				    const struct command *command)
{
	return command->position == TRANSPORT_NOW ? position_now(transport)
						  : command->position;
}

uint64_t transport_oldest_start(const struct tape *tape)
{
	uint64_t guard = (uint64_t)GUARD_SECONDS * tape->facts->rate;
	uint64_t oldest = tape_oldest(tape);

	if (guard > tape->facts->frames / GUARD_SHARE)
		guard = tape->facts->frames / GUARD_SHARE;
	return oldest > 0 ? oldest + guard : 0;
}

static uint64_t seconds_before(const struct tape *tape, uint64_t position,
			       double seconds)
{
	uint64_t back = (uint64_t)(seconds * tape->facts->rate);
	uint64_t oldest = transport_oldest_start(tape);

	position = position > back ? position - back : 0;
	return position > oldest ? position : oldest;
}

static bool can_begin(struct transport *transport, struct command_reply *reply)
{
	if (transport->power_fails)
		transport_refuse(reply, COMMAND_REFUSED,
				 "the supply is failing: nothing is begun");
	else if (transport_recalled(transport))
		transport_refuse(reply, COMMAND_REFUSED,
				 "%s, which ran, is being looked for: a moment",
				 transport->left.place.take);
	else if (!transport_tape_runs(transport))
		transport_refuse(reply, COMMAND_INTERFACE,
				 "there is no interface: %s",
				 transport->client.message[0]
					 ? transport->client.message
					 : "takebox-tape does not answer");
	else if (!transport_free_hand(transport))
		transport_refuse(reply, COMMAND_REFUSED,
				 "too many takes are still being finished");
	return reply->error == COMMAND_OK;
}

static void begin(struct transport *transport, const char *name, uint64_t start,
		  uint64_t stop, struct command_reply *reply)
{
	int error =
		transport_begin(transport, name, start, stop, &reply->ticket,
				reply->message, sizeof(reply->message));

	if (error == 0)
		transport->last_error[0] = '\0';
	else if (error == -ENOMEM)
		reply->error = COMMAND_FAILED;
	else
		reply->error =
			error == -EINVAL ? COMMAND_REFUSED : COMMAND_MEDIUM;
}

static void do_record(struct transport *transport,
		      const struct command *command,
		      struct command_reply *reply)
{
	double preroll = command->preroll < 0
				 ? transport->config.preroll_seconds
				 : command->preroll;

	if (transport->onward.wanted)
		transport_refuse(reply, COMMAND_REFUSED,
				 "the recording waits for a medium: %s",
				 transport_medium_words(transport));
	else if (transport->current && transport->current->stop == TAKE_FOREVER)
		transport_refuse(reply, COMMAND_REFUSED,
				 "%s is being recorded already",
				 transport->current->place.take);
	else if (can_begin(transport, reply))
		begin(transport, command->name,
		      seconds_before(
			      &transport->client.tape,
			      transport_command_position(transport, command),
			      preroll),
		      TAKE_FOREVER, reply);
}

static void do_stop(struct transport *transport, const struct command *command,
		    struct command_reply *reply)
{
	uint64_t position = transport_command_position(transport, command);
	struct hand *hand = NULL;

	if (transport->comeback.wanted) {
		transport_drop_comeback(transport, "STOP was pressed");
		return;
	}
	/* What waits for a medium, or for being found again, is still to be
	 * written up to here. */
	if (transport->onward.wanted && position < transport->onward.stop)
		transport->onward.stop = position;
	else if (!transport->current && transport_recalled(transport) &&
		 position < transport->left.stop)
		transport->left.stop = position;
	else if (!transport->current)
		transport_refuse(reply, COMMAND_REFUSED,
				 "nothing is being recorded");
	if (!transport->current)
		return;
	reply->ticket = transport->current->ticket;
	while ((hand = transport_next_twin(transport, transport->current,
					   hand))) {
		take_stop(hand->take, position, "stop");
		if (position < hand->stop)
			hand->stop = position;
	}
}

static void do_keep(struct transport *transport, const struct command *command,
		    struct command_reply *reply)
{
	const struct tape *tape = &transport->client.tape;
	uint64_t position, start;

	if (transport_recorded(transport)) {
		struct command mark = *command;

		if (!mark.name[0])
			strcpy(mark.name, "Keep");
		transport_mark(transport, &mark, reply);
		return;
	}
	if (!can_begin(transport, reply))
		return;
	position = transport_command_position(transport, command);
	start = command->preroll < 0
			? transport_oldest_start(tape)
			: seconds_before(tape, position, command->preroll);
	if (start >= position)
		transport_refuse(reply, COMMAND_REFUSED,
				 "the tape holds nothing from before that");
	else
		begin(transport, command->name, start, position, reply);
}

/* What is on the tape by now is all that the hold-up time is spent on. */
static void do_save(struct transport *transport, const struct command *command,
		    struct command_reply *reply)
{
	(void)reply;
	if (command->on && !transport->power_fails)
		log_warning("the supply is failing");
	if (command->on && transport_has_tape(transport))
		transport_stop_takes(transport,
				     tape_published(&transport->client.tape),
				     COMEBACK_SUPPLY);
	transport->power_fails = command->on;
	transport_changed(transport);
}

static void do_name(struct transport *transport, const struct command *command,
		    struct command_reply *reply)
{
	if (command->track < 1 || command->track > transport->track_count) {
		transport_refuse(reply, COMMAND_NOT_FOUND,
				 "there is no track %u: there are %u",
				 command->track, transport->track_count);
		return;
	}
	if (!command->name[0]) {
		transport_refuse(reply, COMMAND_USAGE,
				 "a track's name cannot be empty");
		return;
	}
	snprintf(transport->tracks[command->track - 1].name,
		 sizeof(transport->tracks[0].name), "%s", command->name);
	transport_changed(transport);
}

static void do_session(struct transport *transport,
		       const struct command *command,
		       struct command_reply *reply)
{
	const char *take = transport_recorded(transport);

	if (take) {
		transport_refuse(reply, COMMAND_REFUSED,
				 "%s is being recorded; the session can be "
				 "changed when it has ended",
				 take);
		return;
	}
	snprintf(transport->session, sizeof(transport->session), "%s",
		 command->name);
	transport_changed(transport);
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
		[COMMAND_TO_KEEP] = do_keep,
		[COMMAND_TO_MARK] = transport_mark,
		[COMMAND_TO_ARM] = transport_arm,
		[COMMAND_TO_NAME] = do_name,
		[COMMAND_TO_SESSION] = do_session,
		[COMMAND_TO_SAVE] = do_save,
		[COMMAND_TO_EJECT] = transport_let_go,
	};

	*reply = (struct command_reply){0};
	handlers[command->kind](transport, command, reply);
	transport_note_intent(transport);
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

struct transport *transport_create(struct loop *loop,
				   const struct config *config)
{
	struct transport *transport = calloc(1, sizeof(*transport));

	if (!transport)
		return NULL;
	transport->loop = loop;
	transport->config = *config;
	transport_init_tape(transport);
	snprintf(transport->session, sizeof(transport->session), "%s",
		 config->session);
	transport->onward.stop = TAKE_FOREVER;
	transport->notes = aside_create(loop);
	transport->aside = aside_create(loop);
	if (!transport->notes || !transport->aside ||
	    transport_init_intent(transport) < 0 ||
	    transport_init_media(transport) < 0 ||
	    !loop_add_timer(loop, 1, TICK_NS, tick, transport)) {
		aside_destroy(transport->notes);
		aside_destroy(transport->aside);
		volumes_destroy(transport->volumes);
		free(transport);
		return NULL;
	}
	return transport;
}

void transport_destroy(struct transport *transport)
{
	if (!transport)
		return;
	transport->listeners = 0; /* who are gone by now */
	transport_destroy_takes(transport);
	transport_end_searches(transport);
	transport_end_mirror(transport);
	aside_destroy(transport->notes);
	transport_end_intent(transport); /* also if a medium hangs for ever */
	aside_destroy(transport->aside);
	volumes_destroy(transport->volumes);
	tape_client_close(&transport->client);
	free(transport);
}

/* What takes wait for that have no process behind their tape never comes. */
static uint64_t last_position(struct transport *transport)
{
	if (transport_tape_runs(transport))
		return position_now(transport);
	transport_stop_stopped_takes(transport);
	return tape_published(&transport->client.tape);
}

void transport_shut_down(struct transport *transport)
{
	transport->quitting = true;
	transport_drop_comeback(transport, "shut down");
	if (transport_has_tape(transport)) {
		uint64_t position = last_position(transport);

		transport_stop_takes(transport, position, "shut down");
		if (transport_recalled(transport) &&
		    position < transport->left.stop)
			transport->left.stop = position;
		transport_recall_rests(transport);
	}
	transport_look_after_takes(transport);
}
