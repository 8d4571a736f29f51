/*
 * The life of an interface. While it is there, the capture thread is the
 * tape's producer. When it is gone, the supervisor is: silence runs on at the
 * interface's last known rate, so that the tape never stops and positions stay
 * times, until the same interface is back and takes up where time says it must
 * be.
 */
#include "engine/supervisor_private.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define REALTIME_PRIORITY 60
#define STACK_BYTES	  (1024 * 1024) /* the thread sanitizer's share too */
#define SILENCE_LAG_NS	  (20 * NS_PER_MS)
#define SILENCE_PIECE_NS  NS_PER_S /* an event each */
#define RATE_PAUSE_NS	  (2 * NS_PER_S)
#define RATE_PAUSE_MAX_NS (64 * NS_PER_S)
#define RATE_QUIET_NS	  (60 * NS_PER_S)
#define SETTLE_SPARE_NS	  (10 * NS_PER_MS)
#define SETTLE_PERIODS	  8 /* of those longer than the clock expects */

static void *capture_thread(void *context)
{
	struct supervisor *supervisor = context;
	uint64_t one = 1;

	atomic_store(&supervisor->end, (int)capture_run(&supervisor->capture));
	if (write(supervisor->done_fd, &one, sizeof(one)) < 0)
		log_error("cannot wake the supervisor: %s", strerror(errno));
	return NULL;
}

static int start_thread(struct supervisor *supervisor, bool realtime)
{
	struct sched_param param = {.sched_priority = REALTIME_PRIORITY};
	pthread_attr_t attr;
	int error;

	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, supervisor->stack, STACK_BYTES);
	if (realtime) {
		pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
		pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
		pthread_attr_setschedparam(&attr, &param);
	}
	error = pthread_create(&supervisor->thread, &attr, capture_thread,
			       supervisor);
	pthread_attr_destroy(&attr);
	return error;
}

/* What an earlier thread left behind would end the next one. */
static void forget_wakes(struct supervisor *supervisor)
{
	uint64_t count;

	while (read(supervisor->wake_fd, &count, sizeof(count)) > 0)
		;
	while (read(supervisor->done_fd, &count, sizeof(count)) > 0)
		;
}

int supervisor_start_capture(struct supervisor *supervisor)
{
	bool locked = tape_pages_lock(&supervisor->writer);
	int error;

	if (!locked && !supervisor->warned)
		log_warning("memory cannot be locked (%s): under memory "
			    "pressure samples could be late; run as a user "
			    "with the memlock limit raised",
			    strerror(errno));
	error = pcm_start(supervisor->pcm);
	if (error < 0)
		return error;
	forget_wakes(supervisor);
	atomic_store(&supervisor->capture.stop, false);
	error = start_thread(supervisor, true);
	supervisor->realtime = error == 0 && locked;
	if (error) {
		if (!supervisor->warned)
			log_warning("no real-time priority (%s): recording "
				    "works, but a busy machine can make it "
				    "late; losses are named in the ledger",
				    strerror(error));
		error = start_thread(supervisor, false);
	}
	supervisor->warned = true;
	supervisor->running = error == 0;
	return -error;
}

static void stop_capture(struct supervisor *supervisor)
{
	uint64_t one = 1;

	if (!supervisor->running)
		return;
	atomic_store(&supervisor->capture.stop, true);
	if (write(supervisor->wake_fd, &one, sizeof(one)) < 0)
		log_error("cannot wake the capture thread: %s",
			  strerror(errno));
	pthread_join(supervisor->thread, NULL);
	supervisor->running = false;
}

static void close_all(struct supervisor *supervisor)
{
	stop_capture(supervisor);
	pcm_close(supervisor->pcm);
	supervisor->pcm = NULL;
	tape_filler_stop(&supervisor->filler);
	if (supervisor->writer.header)
		tape_writer_state(&supervisor->writer, TAPE_ENDED);
	tape_writer_destroy(&supervisor->writer);
	supervisor->ended = false;
	supervisor->absence = TAPE_GAP_ABSENT;
	supervisor->reopen_ns = 0;
}

/* How long a position stays the producer's own: until no loss can be found to
 * have been before it. */
static uint64_t settle_frames(const struct pcm_setup *setup)
{
	int64_t periods = SETTLE_PERIODS * (int64_t)setup->period * NS_PER_S /
			  setup->rate;
	int64_t settle = POSCLOCK_SETTLE_NS;

	settle = (periods > settle ? periods : settle) + SETTLE_SPARE_NS;
	return (uint64_t)(settle * setup->rate / NS_PER_S);
}

static uint64_t ring_frames(const struct tape_request *request,
			    const struct pcm_setup *setup)
{
	uint64_t least = 2 * (setup->buffer + settle_frames(setup));
	uint64_t frames = tape_ring_frames(request->tape_seconds,
					   setup->channels, setup->rate);

	return frames > least ? frames : least;
}

static int make_tape(struct supervisor *supervisor, char *message, size_t size)
{
	const struct pcm_setup *setup = &supervisor->setup;
	const struct tape_request *request = &supervisor->request;
	struct tape_facts facts = {
		.channels = setup->channels,
		.rate = setup->rate,
		.bits = sample_bits((enum sample_format)setup->format),
		.period = setup->period,
		.buffer = setup->buffer,
		.clip_run = request->clip_run ? request->clip_run : 3,
		.frames = ring_frames(request, setup),
	};
	int error;

	snprintf(facts.format, sizeof(facts.format), "%s",
		 pcm_format_name(setup->format));
	snprintf(facts.device, sizeof(facts.device), "%s", setup->device);
	snprintf(facts.name, sizeof(facts.name), "%s", setup->name);
	snprintf(facts.identity, sizeof(facts.identity), "%s", setup->identity);
	/* Frames that are taken by number may come faster than by the clock. */
	error = tape_writer_create_ahead(
		&supervisor->writer, &facts,
		request->limit ? UINT64_MAX
			       : TAPE_AHEAD_SECONDS * (uint64_t)setup->rate);
	if (error < 0)
		snprintf(message, size,
			 "no memory for a tape of %.0f s of %u channels (%s); "
			 "set a shorter one (tape.seconds)",
			 (double)facts.frames / facts.rate, facts.channels,
			 strerror(-error));
	return error;
}

void supervisor_prepare_capture(struct supervisor *supervisor)
{
	const struct pcm_setup *setup = &supervisor->setup;
	uint64_t limit = supervisor->request.limit;

	supervisor->capture = (struct capture){
		.pcm = supervisor->pcm,
		.writer = &supervisor->writer,
		.limit = limit ? limit : UINT64_MAX,
		.buffer = setup->buffer,
		.period = setup->period,
		.settle = settle_frames(setup),
		.wake_fd = supervisor->wake_fd,
		.deinterleave =
			{
				.format = (enum sample_format)setup->format,
				.channels = setup->channels,
				.clip_run = supervisor->writer.header->facts
						    .clip_run,
			},
	};
	posclock_init(&supervisor->capture.clock, setup->rate);
	rate_watch_init(&supervisor->capture.rate, setup->rate);
}

int supervisor_open_device(struct supervisor *supervisor,
			   const struct tape_request *request, char *message,
			   size_t size)
{
	struct pcm_request wanted = {
		.channels = request->channels,
		.rate = request->rate,
		.format = request->format,
		.period = request->period,
		.buffer = request->buffer,
	};
	struct pcm_error error;
	int code;

	snprintf(wanted.device, sizeof(wanted.device), "%s", request->device);
	code = pcm_open(&supervisor->pcm, &wanted, &supervisor->setup, &error);
	if (code < 0)
		snprintf(message, size, "%s", error.text);
	return code;
}

static int open_first(struct supervisor *supervisor, char *message, size_t size)
{
	int error = supervisor_open_device(supervisor, &supervisor->request,
					   message, size);

	if (error < 0)
		return error;
	tape_pages_lock(&supervisor->writer);
	error = make_tape(supervisor, message, size);
	if (error == 0) {
		supervisor_prepare_capture(supervisor);
		error = supervisor_start_capture(supervisor);
		if (error < 0)
			snprintf(message, size, "%s does not start: %s",
				 supervisor->setup.device, strerror(-error));
	}
	if (error < 0) {
		close_all(supervisor);
		return error;
	}
	tape_filler_start(&supervisor->filler, &supervisor->writer, 0);
	supervisor->writer.header->facts.realtime = supervisor->realtime;
	if (supervisor->setup.converted)
		log_warning("%s is not the hardware itself: something between "
			    "it and the recorder may change the sound; name "
			    "its hw: device",
			    supervisor->setup.device);
	log_info("%s: %u channels, %u Hz, %s, period %u, buffer %u, tape %.0f "
		 "s",
		 supervisor->setup.name, supervisor->setup.channels,
		 supervisor->setup.rate,
		 pcm_format_name(supervisor->setup.format),
		 supervisor->setup.period, supervisor->setup.buffer,
		 (double)supervisor->writer.frames / supervisor->setup.rate);
	return 0;
}

int supervisor_open(struct supervisor *supervisor,
		    const struct tape_request *request, char *message,
		    size_t size)
{
	message[0] = '\0';
	if (supervisor->writer.header &&
	    tape_request_equal(&supervisor->request, request))
		return 0;
	close_all(supervisor);
	supervisor->request = *request;
	supervisor->wanted = true;
	return open_first(supervisor, message, size);
}

void supervisor_end_tape(struct supervisor *supervisor)
{
	supervisor->ended = true;
	tape_writer_state(&supervisor->writer, TAPE_ENDED);
}

/* Silence up to now, as the clock's line has it, in pieces that are few enough
 * for the ring of events. */
void supervisor_run_on(struct supervisor *supervisor)
{
	struct capture *capture = &supervisor->capture;
	struct tape_writer *writer = &supervisor->writer;
	struct posclock_line line = posclock_line(&capture->clock);
	int64_t now = clock_now_ns() - SILENCE_LAG_NS, should;
	struct tape_event event = {
		.position = writer->captured,
		.time_ns = now,
		.kind = supervisor->absence,
	};

	tape_writer_alive(writer, now);
	if (writer->captured >= capture->limit) {
		supervisor_end_tape(supervisor);
		return;
	}
	if (line.rate_hz <= 0 ||
	    now < posclock_time_of(&line, (int64_t)writer->captured) +
			    SILENCE_PIECE_NS)
		return;
	should = posclock_position_at(&line, now);
	if ((uint64_t)should > capture->limit)
		should = (int64_t)capture->limit;
	event.frames = (uint64_t)should - writer->captured;
	tape_writer_silence(writer, event.frames);
	tape_writer_event(writer, &event);
	tape_writer_publish(writer, writer->captured);
}

/* ---- the end of a capture ---- */

/* Another tape then, if the interface is set right again: at once, or less and
 * less often. */
static void end_by_rate(struct supervisor *supervisor)
{
	int64_t now = clock_now_ns();

	log_error("%s went over to %u Hz from %u Hz by itself: the tape ends "
		  "here; set its clock, or rate in the configuration",
		  supervisor->setup.name, supervisor->capture.other_rate,
		  supervisor->setup.rate);
	supervisor_end_tape(supervisor);
	if (supervisor->pause_ns == 0 ||
	    now - supervisor->reopened_ns > RATE_QUIET_NS)
		supervisor->pause_ns = RATE_PAUSE_NS;
	else if (supervisor->pause_ns < RATE_PAUSE_MAX_NS)
		supervisor->pause_ns *= 2;
	supervisor->reopen_ns = now + supervisor->pause_ns;
}

static void capture_ended(struct supervisor *supervisor)
{
	pthread_join(supervisor->thread, NULL);
	supervisor->running = false;
	pcm_close(supervisor->pcm);
	supervisor->pcm = NULL;
	supervisor->capture.pcm = NULL;
	if (atomic_load(&supervisor->end) == CAPTURE_LIMIT) {
		supervisor_end_tape(supervisor);
		return;
	}
	if (atomic_load(&supervisor->end) == CAPTURE_RATE) {
		end_by_rate(supervisor);
		return;
	}
	supervisor->refused = false;
	tape_writer_state(&supervisor->writer, TAPE_ABSENT);
	log_warning("%s is gone: silence is recorded in its place until it is "
		    "back",
		    supervisor->setup.name);
}

bool supervisor_tick(struct supervisor *supervisor)
{
	char message[384];
	uint64_t count;

	if (read(supervisor->done_fd, &count, sizeof(count)) > 0 &&
	    supervisor->running)
		capture_ended(supervisor);
	if (supervisor->reopen_ns > 0 && supervisor->request.keep_trying &&
	    clock_now_ns() >= supervisor->reopen_ns) {
		supervisor->reopened_ns = clock_now_ns();
		close_all(supervisor);
	}
	if (!supervisor->wanted || supervisor->running || supervisor->ended)
		return false;
	if (!supervisor->writer.header) {
		if (!supervisor->request.keep_trying)
			return false;
		return open_first(supervisor, message, sizeof(message)) == 0;
	}
	supervisor_run_on(supervisor);
	if (!supervisor->ended)
		supervisor_come_back(supervisor);
	return false;
}

const struct tape_writer *supervisor_tape(const struct supervisor *supervisor)
{
	return supervisor->writer.header ? &supervisor->writer : NULL;
}

bool supervisor_realtime(const struct supervisor *supervisor)
{
	return supervisor->realtime;
}

bool supervisor_goes_on(const struct supervisor *supervisor, int64_t now_ns)
{
	const struct tape_header *header = supervisor->writer.header;

	return !supervisor->running ||
	       now_ns - atomic_load(&header->alive_ns) <= CAPTURE_HUNG_NS;
}

int supervisor_fd(const struct supervisor *supervisor)
{
	return supervisor->done_fd;
}

struct supervisor *supervisor_create(void)
{
	struct supervisor *supervisor = calloc(1, sizeof(*supervisor));

	if (!supervisor)
		return NULL;
	supervisor->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	supervisor->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	supervisor->stack = mmap(
		NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_POPULATE, -1, 0);
	if (supervisor->stack == MAP_FAILED)
		supervisor->stack = NULL;
	if (supervisor->wake_fd < 0 || supervisor->done_fd < 0 ||
	    !supervisor->stack) {
		supervisor_destroy(supervisor);
		return NULL;
	}
	return supervisor;
}

void supervisor_destroy(struct supervisor *supervisor)
{
	if (!supervisor)
		return;
	close_all(supervisor);
	if (supervisor->wake_fd >= 0)
		close(supervisor->wake_fd);
	if (supervisor->done_fd >= 0)
		close(supervisor->done_fd);
	if (supervisor->stack)
		munmap(supervisor->stack, STACK_BYTES);
	free(supervisor);
}
