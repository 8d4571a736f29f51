/* What the recorder is doing, gathered for whoever shows it. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "transport/transport_private.h"

#define GUESSED_BYTES_SHARE 0.6 /* FLAC against raw, until it is measured */
#define MEDIUM_SLOW_NS	    (3 * NS_PER_S)
#define MEASURED_SECONDS    10

static void __attribute__((format(printf, 3, 4)))
add(struct transport_status *status, enum problem_level level,
    const char *format, ...)
{
	struct problem *problem;
	va_list args;

	if (status->problems == TRANSPORT_PROBLEMS_MAX)
		return;
	problem = &status->problem[status->problems++];
	problem->level = level;
	va_start(args, format);
	vsnprintf(problem->text, sizeof(problem->text), format, args);
	va_end(args);
}

static void get_take(struct transport *transport,
		     struct transport_status *status)
{
	const struct hand *hand = transport->current;

	status->has_take = true;
	snprintf(status->take, sizeof(status->take), "%s", hand->place.take);
	snprintf(status->folder, sizeof(status->folder), "%s",
		 hand->place.folder);
	take_get_status(hand->take, &status->progress);
	switch (status->progress.state) {
	case TAKE_STARTING:
		status->state = TRANSPORT_STARTING;
		break;
	case TAKE_RECORDING:
		status->state = TRANSPORT_RECORDING;
		break;
	default:
		status->state = TRANSPORT_FINISHING;
		break;
	}
}

static void get_tape(struct transport *transport,
		     struct transport_status *status)
{
	const struct tape *tape = &transport->client.tape;

	status->facts = tape->facts;
	status->line = tape_line(tape);
	status->position = tape_published(tape);
	status->oldest = tape_oldest(tape);
	status->gap_count = atomic_load(&tape->header->gap_count);
	status->gap_frames = atomic_load(&tape->header->gap_frames);
	status->realtime = transport->client.realtime;
	switch (tape_state(tape)) {
	case TAPE_RUNNING:
	case TAPE_ENDED:
		status->interface = INTERFACE_RUNNING;
		break;
	case TAPE_SILENT:
		status->interface = INTERFACE_SILENT;
		break;
	case TAPE_ABSENT:
		status->interface = INTERFACE_ABSENT;
		break;
	}
	if (status->has_take && status->state != TRANSPORT_FINISHING &&
	    status->position > status->progress.start)
		status->length = status->position - status->progress.start;
	else
		status->length = status->progress.encoded;
}

/* By the rate of the take that runs, or a guess from what is armed. */
static double bytes_per_second(const struct transport_status *status)
{
	double channels = 0, seconds;

	if (!status->facts)
		return 0;
	seconds = (double)status->progress.encoded / status->facts->rate;
	if (status->has_take && seconds > MEASURED_SECONDS)
		return (double)status->progress.bytes / seconds;
	for (unsigned i = 0; i < status->track_count; i++)
		if (status->tracks[i].armed)
			channels += status->tracks[i].channels[1] ? 2 : 1;
	return channels * status->facts->rate * (status->facts->bits / 8) *
	       GUESSED_BYTES_SHARE;
}

static void add_medium(const struct transport *transport,
		       struct transport_status *status)
{
	double rate = bytes_per_second(status);

	status->seconds_left = -1;
	if (transport->medium_error) {
		add(status, PROBLEM_DEGRADED,
		    "the medium %s is not there (%s): takes cannot be written",
		    status->medium, strerror(-transport->medium_error));
		return;
	}
	if (transport->asked_ns &&
	    clock_now_ns() - transport->asked_ns > MEDIUM_SLOW_NS)
		add(status, PROBLEM_DEGRADED,
		    "the medium has not answered for %.0f s; what is played is "
		    "kept on the tape until it does",
		    (double)(clock_now_ns() - transport->asked_ns) / NS_PER_S);
	if (rate <= 0 || !transport->measured)
		return;
	status->seconds_left = (double)status->space.free_bytes / rate;
	if (status->seconds_left < 60)
		add(status, PROBLEM_DEGRADED,
		    "less than a minute is left on the medium");
	else if (status->seconds_left < 1800)
		add(status, PROBLEM_DEGRADED,
		    "%.0f minutes are left on the medium",
		    floor(status->seconds_left / 60));
}

static const char *why_no_interface(const struct transport *transport)
{
	if (transport->client.socket < 0)
		return "takebox-tape does not answer";
	if (!transport->answered)
		return "the tape is being made ready";
	return transport->client.message;
}

static void add_interface(const struct transport *transport,
			  struct transport_status *status)
{
	if (!status->facts) {
		snprintf(status->interface_error,
			 sizeof(status->interface_error), "%s",
			 why_no_interface(transport));
		add(status, PROBLEM_DEGRADED, "no interface: %.200s",
		    status->interface_error);
		return;
	}
	if (status->interface == INTERFACE_ABSENT)
		add(status, PROBLEM_LOST,
		    "%.100s is gone: plug it in again; the take runs on in "
		    "silence",
		    status->facts->name);
	else if (status->interface == INTERFACE_SILENT)
		add(status, PROBLEM_LOST, "%.100s sends nothing",
		    status->facts->name);
	if (!status->realtime)
		add(status, PROBLEM_DEGRADED,
		    "no real-time priority: a busy machine can make it late");
}

static void add_take(const struct transport *transport,
		     struct transport_status *status)
{
	if (status->has_take && status->progress.gap_count > 0)
		add(status, PROBLEM_LOST,
		    "this take has %llu gaps, %.3f s in all (see its ledger)",
		    (unsigned long long)status->progress.gap_count,
		    (double)status->progress.gap_frames /
			    (status->facts ? status->facts->rate : 48000));
	if (status->has_take &&
	    status->progress.level < status->progress.level_wanted)
		add(status, PROBLEM_DEGRADED,
		    "this machine is too slow for compression level %u: it "
		    "records at level %u; nothing is lost, files are larger",
		    status->progress.level_wanted, status->progress.level);
	if (transport->last_error[0])
		add(status, PROBLEM_LOST, "%s", transport->last_error);
	if (transport_healing(transport) > 0)
		add(status, PROBLEM_KEPT,
		    "%u interrupted takes are being made whole",
		    transport_healing(transport));
	if (transport->power_fails)
		add(status, PROBLEM_DEGRADED,
		    "the supply is failing: takes were ended, none is begun");
}

static void add_noted(const struct transport *transport,
		      struct transport_status *status)
{
	for (unsigned i = 0; i < PROBLEM_SOURCES; i++)
		if (transport->noted[i].text[0])
			add(status, transport->noted[i].level, "%s",
			    transport->noted[i].text);
}

void transport_note_problem(struct transport *transport,
			    enum problem_source source,
			    enum problem_level level, const char *text)
{
	struct problem *noted = &transport->noted[source];

	noted->level = level;
	snprintf(noted->text, sizeof(noted->text), "%s", text ? text : "");
	transport_changed(transport);
}

void transport_get_status(struct transport *transport,
			  struct transport_status *status)
{
	*status = (struct transport_status){
		.state = transport->client.tape.header ? TRANSPORT_IDLE
						       : TRANSPORT_NO_INTERFACE,
		.preroll = transport->config.preroll_seconds,
		.space = transport->space,
		.track_count = transport->track_count,
	};
	snprintf(status->session, sizeof(status->session), "%s",
		 transport->session);
	snprintf(status->medium, sizeof(status->medium), "%s",
		 transport->config.folder);
	memcpy(status->tracks, transport->tracks, sizeof(status->tracks));
	if (transport->current)
		get_take(transport, status);
	if (transport->client.tape.header)
		get_tape(transport, status);
	add_take(transport, status);
	add_interface(transport, status);
	add_medium(transport, status);
	add_noted(transport, status);
}
