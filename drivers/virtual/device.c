/*
 * The idea and the words are in device.h. The order inside device_look() is
 * what makes faults exact: capture up to the frame of the next fault, apply
 * it, and only then go on; what the reader may see is decided last.
 */
#include "drivers/virtual/device.h"

#include <string.h>

static struct segment *current(struct device *d)
{
	return &d->segments[d->segment % DEVICE_SEGMENTS];
}

/* The device frame that is delivered next. */
static int64_t next_frame(const struct device *d)
{
	return (int64_t)d->captured +
	       d->segments[d->segment % DEVICE_SEGMENTS].base;
}

/* The device frame at a place in the ring that may be before a loss. */
static int64_t frame_at(const struct device *d, uint64_t pointer)
{
	for (unsigned i = 0; i < DEVICE_SEGMENTS && i <= d->segment; i++) {
		const struct segment *s =
			&d->segments[(d->segment - i) % DEVICE_SEGMENTS];

		if (pointer >= s->pointer)
			return (int64_t)pointer + s->base;
	}
	return EVENT_UNKNOWN;
}

static void note(struct device *d, enum event_kind kind, int64_t now,
		 int64_t frame, int64_t lost, double value)
{
	struct event e = {.kind = kind,
			  .ns = now,
			  .frame = frame,
			  .lost = lost,
			  .unread = frame_at(d, d->read),
			  .value = value,
			  .crystal = d->crystal};

	/* A queue that is full belongs to a control thread that is stuck:
	 * the log is then short, the device is not. */
	event_push(d->notes, &e);
}

static void end_overrun(struct device *d)
{
	if (d->overrun_lost)
		note(d, EVENT_OVERRUN, d->overrun_ns, d->overrun_frame,
		     (int64_t)d->overrun_lost, 0);
	d->overrun_lost = 0;
}

void device_prepare(struct device *d)
{
	if (d->state == DEVICE_UNPLUGGED)
		return;
	if (d->state != DEVICE_STOPPED)
		device_stop(d);
	d->shown = d->read = 0;
	d->freeze = FREEZE_NONE;
}

void device_start(struct device *d, int64_t now, double ppm)
{
	int64_t first;

	if (d->crystal.hz == 0)
		d->crystal = (struct crystal){now, 0, crystal_hz(d->rate, ppm)};
	/* Unpaced, nothing passes while nobody reads. */
	first = d->paced ? crystal_frame(&d->crystal, now) : next_frame(d);
	d->segment = 0;
	d->segments[0] = (struct segment){0, first};
	d->state = DEVICE_RUNNING;
	note(d, EVENT_START, now, first, 0, 0);
}

void device_stop(struct device *d)
{
	end_overrun(d);
	if (d->state == DEVICE_UNPLUGGED)
		return;
	d->state = DEVICE_STOPPED;
	/* Where an unpaced stream goes on when it is started again. */
	current(d)->base = next_frame(d);
	d->captured = 0;
}

/* Where the device stands at that time; -1 before it ever ran. */
static int64_t frame_now(const struct device *d, int64_t now)
{
	if (!d->paced)
		return d->state == DEVICE_RUNNING ? next_frame(d)
						  : next_frame(d) - 1;
	return d->crystal.hz != 0 ? crystal_frame(&d->crystal, now) : -1;
}

bool device_schedule(struct device *d, const struct event *command)
{
	struct event e = *command;
	unsigned i = d->fault_count;

	if (i == DEVICE_FAULTS)
		return false;
	if (e.frame == EVENT_NOW)
		e.frame = frame_now(d, e.ns);
	for (; i > 0 && d->faults[i - 1].frame > e.frame; i--)
		d->faults[i] = d->faults[i - 1];
	d->faults[i] = e;
	d->fault_count++;
	return true;
}

static struct event take_fault(struct device *d)
{
	struct event e = d->faults[0];

	d->fault_count--;
	memmove(d->faults, d->faults + 1, d->fault_count * sizeof(e));
	return e;
}

/* From here on the device's frames are that many ahead of the pointer's. */
static void lose(struct device *d, int64_t frames)
{
	int64_t base = current(d)->base + frames;

	d->segment++;
	*current(d) = (struct segment){d->captured, base};
}

static void freeze(struct device *d, enum device_freeze how)
{
	d->freeze = how;
	d->shown = d->captured;
}

static void apply_running(struct device *d, const struct event *e, int64_t now)
{
	int64_t frame = next_frame(d), lost = 0;

	switch (e->kind) {
	case EVENT_XRUN: /* noted once it shows */
		freeze(d, FREEZE_XRUN);
		d->freeze_lost = (uint64_t)e->value;
		return;
	case EVENT_LOSE:
		lost = (int64_t)e->value;
		lose(d, lost);
		break;
	case EVENT_STALL:
		lost = (int64_t)(e->value * d->rate / 1000);
		lose(d, lost);
		if (d->paced)
			break; /* the crystal has to make up for them */
		freeze(d, FREEZE_HOLD);
		d->freeze_until = now + (int64_t)(e->value * 1e6);
		break;
	case EVENT_HOLD:
		freeze(d, FREEZE_HOLD);
		d->freeze_until =
			(d->paced ? crystal_time(&d->crystal, frame) : now) +
			(int64_t)(e->value * 1e6);
		break;
	case EVENT_STOP:
		d->shown = d->captured;
		d->state = DEVICE_XRUN;
		lost = EVENT_UNKNOWN;
		break;
	default:
		return;
	}
	note(d, e->kind, now, frame, lost, e->value);
}

/* What does not need a running stream. */
static bool apply_always(struct device *d, const struct event *e, int64_t now)
{
	int64_t frame = e->frame;

	switch (e->kind) {
	case EVENT_UNPLUG:
		if (d->state == DEVICE_RUNNING)
			frame = next_frame(d);
		d->shown = d->captured;
		note(d, e->kind, now, frame, EVENT_UNKNOWN, 0);
		d->state = DEVICE_UNPLUGGED;
		return true;
	case EVENT_PPM:
		if (d->crystal.hz != 0)
			crystal_retune(&d->crystal, e->frame,
				       crystal_hz(d->rate, e->value));
		break;
	case EVENT_JITTER:
		d->packet_ns = (int64_t)(e->value * 1e3);
		break;
	case EVENT_POSITION:
		break;
	default:
		return false;
	}
	note(d, e->kind, now, frame, 0, e->value);
	return true;
}

/* By how much a packet comes late: from nothing to a packet's length. */
static int64_t packet_delay(const struct device *d, int64_t packet)
{
	uint32_t h = (uint32_t)packet * 0x9e3779b9u;

	h = (h ^ h >> 16) * 0x85ebca6bu;
	h ^= h >> 13;
	return (int64_t)((uint64_t)d->packet_ns * h >> 32);
}

/* The end of the last packet that is there at that time. */
static int64_t packet_time(const struct device *d, int64_t now)
{
	int64_t since = now - d->crystal.ns, packet;

	if (d->packet_ns <= 0 || since < 0)
		return now;
	packet = since / d->packet_ns;
	if (packet * d->packet_ns + packet_delay(d, packet) > since)
		packet--;
	return d->crystal.ns + packet * d->packet_ns;
}

/* The device frame up to which there is something to capture. */
static int64_t due_frame(const struct device *d, int64_t now)
{
	const int64_t base = d->segments[d->segment % DEVICE_SEGMENTS].base;
	uint64_t room;

	if (d->paced)
		return crystal_frame(&d->crystal, packet_time(d, now));
	if (d->freeze == FREEZE_XRUN) {
		room = d->buffer + d->freeze_lost;
	} else {
		/* As full as a ring can be without an overrun. */
		room = d->buffer - d->period;
		if (room >= d->stop_threshold)
			room = d->stop_threshold - 1;
	}
	return (int64_t)(d->read + room) + base;
}

/* An xrun on command shows exactly as many lost frames as it was told to. */
static uint64_t capture_limit(const struct device *d)
{
	if (d->freeze == FREEZE_XRUN)
		return d->read + d->buffer + d->freeze_lost;
	if (d->freeze == FREEZE_SHOWN)
		return d->captured;
	return UINT64_MAX;
}

/* False when not all of it could be captured. */
static bool capture_until(struct device *d, int64_t frame)
{
	int64_t first = next_frame(d), frames = frame - first;
	uint64_t room = capture_limit(d), skip = 0;
	bool all = true;

	room = room > d->captured ? room - d->captured : 0;
	if (frames > 0 && (uint64_t)frames > room) {
		frames = (int64_t)room;
		all = false;
	}
	if (frames <= 0)
		return all;
	/* The ring keeps only the last buffer of it. */
	if ((uint64_t)frames > d->buffer)
		skip = (uint64_t)frames - d->buffer;
	d->capture(d->context, first + (int64_t)skip, d->captured + skip,
		   (uint64_t)frames - skip);
	d->captured += (uint64_t)frames;
	return all;
}

static void show(struct device *d, int64_t now)
{
	switch (d->freeze) {
	case FREEZE_NONE:
	case FREEZE_SHOWN:
		d->shown = d->captured;
		return;
	case FREEZE_HOLD:
		if (now < d->freeze_until)
			return;
		d->freeze = FREEZE_NONE;
		d->shown = d->captured;
		return;
	case FREEZE_XRUN:
		if (d->captured < capture_limit(d))
			return;
		d->freeze = FREEZE_SHOWN;
		d->freeze_read = d->read;
		d->shown = d->captured;
		note(d, EVENT_XRUN, now, frame_at(d, d->read),
		     (int64_t)d->freeze_lost, 0);
		return;
	}
}

/* What the reader's own lateness does. Unless it stops the device it is noted
 * when the reader moves on, since until then it grows. */
static void check_overrun(struct device *d, int64_t now)
{
	uint64_t avail = device_avail(d);
	bool told = d->freeze == FREEZE_SHOWN;

	if (avail >= d->stop_threshold) {
		d->state = DEVICE_XRUN;
		if (!told)
			note(d, EVENT_OVERRUN, now, frame_at(d, d->read),
			     EVENT_UNKNOWN, 0);
	} else if (avail > d->buffer && !told) {
		d->overrun_read = d->read;
		d->overrun_frame = frame_at(d, d->read);
		d->overrun_ns = now;
		d->overrun_lost = avail - d->buffer;
	}
}

static void look_stopped(struct device *d, int64_t now)
{
	int64_t frame = frame_now(d, now);

	while (d->fault_count && d->faults[0].frame <= frame) {
		struct event e = take_fault(d);

		if (!apply_always(d, &e, now))
			note(d, EVENT_IGNORED, now, e.frame, 0, (double)e.kind);
	}
}

void device_look(struct device *d, int64_t now, uint64_t read)
{
	if (read != d->overrun_read)
		end_overrun(d);
	d->read = read;
	if (d->state == DEVICE_UNPLUGGED)
		return;
	if (d->state != DEVICE_RUNNING) {
		look_stopped(d, now);
		return;
	}
	if (d->freeze == FREEZE_SHOWN && read != d->freeze_read)
		d->freeze = FREEZE_NONE;
	while (d->state == DEVICE_RUNNING) {
		int64_t due = due_frame(d, now);
		struct event e;

		if (!d->fault_count || d->faults[0].frame > due) {
			capture_until(d, due);
			break;
		}
		if (!capture_until(d, d->faults[0].frame))
			break;
		e = take_fault(d);
		if (!apply_always(d, &e, now))
			apply_running(d, &e, now);
	}
	if (d->state != DEVICE_RUNNING)
		return;
	show(d, now);
	check_overrun(d, now);
}

/* When that many device frames are there. */
static int64_t frame_time(const struct device *d, int64_t frame)
{
	int64_t ns = crystal_time(&d->crystal, frame), packet;

	if (d->packet_ns <= 0 || ns < d->crystal.ns)
		return ns;
	packet = (ns - d->crystal.ns + d->packet_ns - 1) / d->packet_ns;
	return d->crystal.ns + packet * d->packet_ns + packet_delay(d, packet);
}

int64_t device_wake(const struct device *d, int64_t now, uint64_t avail)
{
	const int64_t base = d->segments[d->segment % DEVICE_SEGMENTS].base;
	int64_t wake, fault;

	if (d->state == DEVICE_STOPPED)
		return DEVICE_NEVER;
	if (d->state != DEVICE_RUNNING || device_avail(d) >= avail)
		return DEVICE_NOW;
	if (d->freeze == FREEZE_HOLD)
		wake = d->freeze_until;
	else if (!d->paced)
		return DEVICE_NOW;
	else if (d->freeze == FREEZE_XRUN)
		wake = frame_time(d, (int64_t)capture_limit(d) + base);
	else
		wake = frame_time(d, (int64_t)(d->read + avail) + base);
	if (!d->fault_count || !d->paced)
		return wake;
	fault = frame_time(d, d->faults[0].frame);
	return fault < wake && fault > now ? fault : wake;
}
