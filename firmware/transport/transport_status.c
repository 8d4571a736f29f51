/* What the recorder is doing, gathered for whoever shows it. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "transport/transport_private.h"

#define GUESSED_BYTES_SHARE 0.6 /* FLAC against raw, until it is measured */
#define NEXT_MEDIUM_BYTES   (64u << 20) /* that make one worth mentioning */
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
	switch (transport->answered ? tape_state(tape) : TAPE_ENDED) {
	case TAPE_RUNNING:
		status->interface = INTERFACE_RUNNING;
		break;
	case TAPE_ENDED:
		status->interface = INTERFACE_CLOSED;
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

/* The steps at which a musician is warned. */
static const char *how_little(double seconds)
{
	if (seconds < 60)
		return "less than a minute";
	if (seconds < 600)
		return "less than 10 minutes";
	return seconds < 1800 ? "less than 30 minutes" : NULL;
}

static void warn_of_end(struct transport *transport,
			struct transport_status *status)
{
	const char *left = how_little(status->seconds_left);
	int next = transport_choose_place(transport, NEXT_MEDIUM_BYTES,
					  (int)transport_volume(transport));
	struct volume volume;

	if (!left)
		return;
	if (next < 0) {
		add(status, PROBLEM_DEGRADED,
		    "%s of recording is left on the medium %.120s", left,
		    status->medium);
		return;
	}
	volumes_get(transport->volumes, (unsigned)next, &volume);
	add(status, PROBLEM_KEPT,
	    "%s of recording is left on %.80s; it goes on on %.80s", left,
	    status->medium, volume.folder);
}

static bool is_written(const struct transport *transport, unsigned index)
{
	for (unsigned i = 0; i < HANDS_MAX; i++)
		if (transport->hand[i].take && !transport->hand[i].left &&
		    transport->hand[i].volume == (int)index)
			return true;
	return false;
}

/* Whoever relies on two media must know when there is but one. */
static void look_at_mirror(const struct transport *transport,
			   struct transport_status *status, unsigned index)
{
	const struct volume_status *mirror = &status->volume[index];
	const struct volume *volume = &mirror->volume;
	bool written = is_written(transport, index);
	const char *left = how_little(mirror->seconds_left);

	if (volume->state != VOLUME_READY && volume->error != -ENOENT)
		add(status, PROBLEM_DEGRADED,
		    "the mirror %.100s cannot be used (%s): takes are on one "
		    "medium only",
		    volume->folder, strerror(-volume->error));
	else if (volume->state != VOLUME_READY)
		return;
	else if (status->state == TRANSPORT_RECORDING && !written)
		add(status, PROBLEM_DEGRADED,
		    "%.60s is on one medium only: it is copied to the mirror "
		    "%.100s afterwards, if there is room",
		    status->take, volume->folder);
	else if (!written && transport->client.tape.facts &&
		 volume->space.free_bytes < transport_needed_bytes(transport))
		add(status, PROBLEM_DEGRADED,
		    "the mirror %.100s is full: takes are on one medium only",
		    volume->folder);
	else if (written && mirror->seconds_left >= 0 && left)
		add(status, PROBLEM_DEGRADED,
		    "%s of recording is left on the mirror %.100s", left,
		    volume->folder);
}

static void list_media(struct transport *transport,
		       struct transport_status *status, double rate)
{
	status->volumes = volumes_count(transport->volumes);
	for (unsigned i = 0; i < status->volumes; i++) {
		struct volume_status *one = &status->volume[i];

		volumes_get(transport->volumes, i, &one->volume);
		one->safe_to_pull = transport_safe_to_pull(transport, i);
		one->seconds_left =
			rate > 0 ? (double)one->volume.space.free_bytes / rate
				 : -1;
		if (one->volume.role == VOLUME_FOR_MIRROR)
			look_at_mirror(transport, status, i);
	}
}

/* Whoever waits for it has been told so in words of its own. */
static void add_state(struct transport *transport,
		      struct transport_status *status,
		      const struct volume *volume)
{
	if (transport->onward.wanted)
		add(status, PROBLEM_LOST,
		    "%.60s was ended by %s, and %.100s: only the tape "
		    "keeps what is played; give it a medium",
		    transport->onward.place.take[0]
			    ? transport->onward.place.take
			    : "a take",
		    transport->onward.power ? "the power" : "its medium",
		    transport_medium_words(transport));
	else if (volume->state == VOLUME_UNKNOWN)
		add(status, PROBLEM_DEGRADED,
		    "the medium has not answered for some seconds; what is "
		    "played is kept on the tape until it does");
	else if (volume->state != VOLUME_READY &&
		 !(volume->error == -ENOENT && volume->arrivals == 0))
		add(status, PROBLEM_DEGRADED,
		    "the medium %.150s: takes cannot be written",
		    transport_medium_words(transport));
	else if (volume->role == VOLUME_FOR_MIRROR)
		add(status, PROBLEM_DEGRADED,
		    "no other medium can be written to: takes are on the "
		    "mirror %.120s only",
		    volume->folder);
}

static void add_medium(struct transport *transport,
		       struct transport_status *status)
{
	double rate = bytes_per_second(status);
	struct volume volume;

	volumes_get(transport->volumes, transport_volume(transport), &volume);
	status->space = volume.space;
	snprintf(status->medium, sizeof(status->medium), "%s", volume.folder);
	status->seconds_left = -1;
	list_media(transport, status, rate);
	add_state(transport, status, &volume);
	if (rate > 0 && volume.state == VOLUME_READY) {
		status->seconds_left = (double)volume.space.free_bytes / rate;
		warn_of_end(transport, status);
	}
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
	if (!transport->answered)
		add(status, PROBLEM_LOST,
		    "takebox-tape is gone: nothing is recorded until it is "
		    "back, which is marked as a gap");
	else if (status->interface == INTERFACE_CLOSED)
		add(status, PROBLEM_LOST,
		    "%.100s does not run at %u Hz any more: set its clock "
		    "right, or rate in the configuration",
		    status->facts->name, status->facts->rate);
	else if (status->interface == INTERFACE_ABSENT)
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

/* How long nothing was recorded is told when it is known. */
static void add_went_on(const struct transport *transport,
			struct transport_status *status)
{
	const struct pause *pause = &status->progress.pause;
	enum problem_level level =
		transport->lost_between ? PROBLEM_LOST : PROBLEM_KEPT;

	if (!transport->went_on[0] || !status->has_take)
		return;
	if (!transport->current->from.power)
		add(status, level, "%.250s", transport->went_on);
	else if (pause->known)
		add(status, level, "%.180s; %.1f s (+- %.2f s) are missing",
		    transport->went_on, pause->seconds, pause->uncertainty);
	else
		add(status, level,
		    "%.180s; how much is missing is not known: the clock is "
		    "not set",
		    transport->went_on);
}

static void add_comeback(const struct transport *transport,
			 struct transport_status *status)
{
	int64_t left = transport->comeback.until_ns - clock_now_ns();

	if (left < 0)
		left = 0;
	status->resumes_in =
		transport->comeback.wanted ? (double)left / NS_PER_S : -1;
	if (transport->comeback.wanted)
		add(status, PROBLEM_LOST,
		    "the power failed while %.60s was being recorded; "
		    "recording "
		    "goes on as soon as the interface and %.80s are there, for "
		    "%lld s more; STOP: not at all",
		    transport->left.place.take[0] ? transport->left.place.take
						  : "a take",
		    transport->left.medium, (long long)(left / NS_PER_S));
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
	add_went_on(transport, status);
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
		if (transport->problem[i].text[0])
			add(status, transport->problem[i].level, "%s",
			    transport->problem[i].text);
}

void transport_note_problem(struct transport *transport,
			    enum problem_source source,
			    enum problem_level level, const char *text)
{
	struct problem *noted = &transport->problem[source];

	noted->level = level;
	snprintf(noted->text, sizeof(noted->text), "%s", text ? text : "");
	transport_changed(transport);
}

void transport_get_status(struct transport *transport,
			  struct transport_status *status)
{
	*status = (struct transport_status){
		.state = transport_tape_runs(transport)
				 ? TRANSPORT_IDLE
				 : TRANSPORT_NO_INTERFACE,
		.preroll = transport->config.preroll_seconds,
		.track_count = transport->track_count,
	};
	snprintf(status->session, sizeof(status->session), "%s",
		 transport->session);
	memcpy(status->tracks, transport->tracks, sizeof(status->tracks));
	if (transport->current)
		get_take(transport, status);
	if (transport->client.tape.header)
		get_tape(transport, status);
	if (transport_awaits(transport))
		status->state = transport_recorded(transport)
					? TRANSPORT_STARTING
					: TRANSPORT_FINISHING;
	add_comeback(transport, status);
	add_take(transport, status);
	add_interface(transport, status);
	add_medium(transport, status);
	add_noted(transport, status);
}
