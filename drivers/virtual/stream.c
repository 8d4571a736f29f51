/*
 * alsa-lib asks for the pointer whenever the reader asks for anything; each
 * time the device is brought up to now. The ring is alsa-lib's own (mmap_rw):
 * it is filled from here, not from a transfer callback, of which alsa-lib
 * 1.2.8 and later ones make different use, so that each frame is made once.
 *
 * poll() sleeps on one timer. It is set, whenever fewer frames are there than
 * the reader waits for, to the time at which there will be enough; while
 * there are enough it is left expired, so poll() stays level-triggered. What
 * a wake-up costs beside the reader's own calls is one timerfd_settime() and,
 * for a reader that does not ask for the pointer after its last commit, one
 * more turn of poll().
 */
#include "drivers/virtual/stream.h"

#include <sys/timerfd.h>
#include <time.h>

/* Pointers are handed to alsa-lib as they are: its boundary, where they would
 * wrap, is beyond 2^61 frames. */
_Static_assert(sizeof(snd_pcm_uframes_t) == 8, "a 64-bit machine");

static int64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void stream_capture(void *context, int64_t frame, uint64_t pointer,
		    uint64_t frames)
{
	struct stream *s = context;

	while (frames) {
		uint64_t offset = pointer % s->device.buffer;
		uint64_t n = s->device.buffer - offset;

		if (n > frames)
			n = frames;
		signal_write(s->signal, &s->ring, frame, offset, n);
		frame += (int64_t)n;
		pointer += n;
		frames -= n;
	}
}

static void set_timer(struct stream *s, int64_t ns)
{
	struct itimerspec at = {{0}, {0}};

	if (ns != DEVICE_NEVER) {
		at.it_value.tv_sec = ns / 1000000000;
		at.it_value.tv_nsec = ns % 1000000000;
	}
	timerfd_settime(s->io.poll_fd, TFD_TIMER_ABSTIME, &at, NULL);
	s->armed = ns;
}

static void arm(struct stream *s, int64_t now)
{
	int64_t wake = device_wake(&s->device, now, s->avail_min);

	if (atomic_load_explicit(&s->link.kicked, memory_order_relaxed) &&
	    atomic_exchange(&s->link.kicked, false))
		s->armed = 0; /* somebody else has set it */
	/* One that has expired may stay so, and one that comes too early is
	 * set again when it has come: a reader that takes small bites, or
	 * never polls, costs no call for each. */
	if (s->armed > 0 && (s->armed <= now ? wake <= now : s->armed <= wake))
		return;
	set_timer(s, wake);
	/* See kick() in control.c. */
	if (event_waiting(&s->link.commands))
		set_timer(s, DEVICE_NOW);
}

static void notify(struct stream *s)
{
	uint32_t head =
		atomic_load_explicit(&s->link.notes.head, memory_order_relaxed);

	if (head == s->noted)
		return;
	s->noted = head;
	if (s->control)
		control_notify(s->control);
}

static void look(struct stream *s, int64_t now)
{
	struct event command;

	while (event_pop(&s->link.commands, &command))
		device_schedule(&s->device, &command);
	device_look(&s->device, now, s->io.appl_ptr);
	notify(s);
	arm(s, now);
}

int stream_start(snd_pcm_ioplug_t *io)
{
	struct stream *s = io->private_data;

	if (s->device.state == DEVICE_UNPLUGGED)
		return -ENODEV;
	device_start(&s->device, monotonic_ns(), s->options.ppm);
	look(s, monotonic_ns());
	return 0;
}

int stream_stop(snd_pcm_ioplug_t *io)
{
	struct stream *s = io->private_data;

	device_stop(&s->device);
	notify(s);
	arm(s, monotonic_ns());
	return 0;
}

snd_pcm_sframes_t stream_pointer(snd_pcm_ioplug_t *io)
{
	struct stream *s = io->private_data;

	look(s, monotonic_ns());
	switch (s->device.state) {
	case DEVICE_XRUN:
		return -EPIPE;
	case DEVICE_UNPLUGGED:
		/* As the kernel does it: nothing is available any more. */
		snd_pcm_ioplug_set_state(io, SND_PCM_STATE_DISCONNECTED);
		return (snd_pcm_sframes_t)io->appl_ptr;
	default:
		return (snd_pcm_sframes_t)s->device.shown;
	}
}

int stream_poll_revents(snd_pcm_ioplug_t *io, struct pollfd *pfd,
			unsigned int nfds, unsigned short *revents)
{
	struct stream *s = io->private_data;

	if (nfds != 1)
		return -EINVAL;
	*revents = 0;
	if (!(pfd->revents & POLLIN))
		return 0;
	/* alsa-lib has let go of its lock for this call. */
	snd_pcm_avail_update(io->pcm);
	if (s->device.state == DEVICE_UNPLUGGED)
		*revents = POLLERR | POLLNVAL;
	else if (s->device.state == DEVICE_XRUN)
		*revents = POLLIN | POLLERR;
	else if (device_avail(&s->device) >= s->avail_min)
		*revents = POLLIN;
	return 0;
}
