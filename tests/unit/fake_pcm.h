/*
 * fake_pcm: a device that exists only in simulated time, linked in place of
 * drivers/pcm_alsa*.c. poll() and clock_gettime() are the simulation's too, so
 * that what the capture thread does is the same in each run, to the frame.
 *
 * The device's crystal counts frames from 0; each says what it is. A script of
 * faults says at which of them what happens. The reader's lateness is a fault
 * like any other: poll() comes back late.
 */
#ifndef TESTS_FAKE_PCM_H
#define TESTS_FAKE_PCM_H

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drivers/pcm.h"

#define FAKE_FAULTS 64
#define FAKE_NS	    1000000000LL

enum fake_kind {
	FAKE_LOSE,  /* value frames are never delivered */
	FAKE_EXTRA, /* value frames come twice */
	FAKE_LATE,  /* the reader's next poll returns value us late */
	FAKE_SLOW,  /* the reader's next copy takes value us */
	FAKE_STOP,  /* it stops, until it is started again */
	FAKE_BREAK, /* it stops, and again whenever it is started */
	FAKE_UNPLUG,
	FAKE_TELL,     /* capture.stop is set */
	FAKE_SIGNAL,   /* a signal interrupts poll() */
	FAKE_NO_BEGIN, /* the next pcm_begin fails with -value */
	FAKE_NO_COMMIT /* the next pcm_commit fails with -value */
};

struct fake_fault {
	uint64_t frame;
	enum fake_kind kind;
	int64_t value;
};

enum fake_state { FAKE_RUNNING, FAKE_STOPPED, FAKE_GONE };

/* struct pcm is the driver's own to define. */
struct pcm {
	unsigned channels, rate, bytes;
	enum pcm_format format;
	bool interleaved;
	bool shows_rest; /* a dead device's ring can be read */
	bool steps;	 /* the pointer shows whole periods */
	uint64_t buffer, period;
	double hz;
	int64_t jitter_ns; /* time stamps are late by up to this */

	enum fake_state state;
	uint8_t *ring;
	uint64_t next; /* frame of the crystal */
	uint64_t captured, read;
	int64_t late_ns, slow_ns;
	int begin_error, commit_error;
	bool interrupted, broken;
	_Atomic bool *told;

	struct fake_fault fault[FAKE_FAULTS];
	unsigned faults, done;
	unsigned avails, restarts;

	/* At frame seen_at, *seen is copied to saw. */
	uint64_t seen_at, *seen, saw;
	uint64_t random;
};

static int64_t fake_now = FAKE_NS; /* the simulation's only clock */
static struct pcm *fake_device;	   /* the one that poll() waits for */

static inline int32_t fake_sound(unsigned channel, int64_t frame)
{
	uint64_t x = (uint64_t)(frame + 1) * 0x9e3779b97f4a7c15u + channel;

	x ^= x >> 29;
	return (int32_t)(x * 0xbf58476d1ce4e5b9u >> 40) - (1 << 23);
}

/* As it must arrive on the tape. */
static inline int32_t fake_sample(const struct pcm *pcm, unsigned channel,
				  int64_t frame)
{
	int32_t sample = fake_sound(channel, frame);

	return pcm->format == PCM_S16_LE ? sample >> 8 : sample;
}

static inline void fake_open(struct pcm *pcm, unsigned channels,
			     enum pcm_format format, bool interleaved)
{
	static const unsigned bytes[] = {2, 4, 3, 4};

	*pcm = (struct pcm){
		.channels = channels,
		.rate = 48000,
		.hz = 48000,
		.format = format,
		.bytes = bytes[format],
		.interleaved = interleaved,
		.buffer = 4096,
		.period = 128,
		.random = 1,
	};
	pcm->ring = malloc(pcm->buffer * channels * pcm->bytes);
	fake_now = FAKE_NS;
	fake_device = pcm;
}

static inline void fake_close(struct pcm *pcm)
{
	free(pcm->ring);
	pcm->ring = NULL;
}

/* In order of frames. */
static inline void fake_plan(struct pcm *pcm, uint64_t frame,
			     enum fake_kind kind, int64_t value)
{
	pcm->fault[pcm->faults++] = (struct fake_fault){frame, kind, value};
}

static inline uint8_t *fake_place(struct pcm *pcm, uint64_t index, unsigned c)
{
	uint64_t at = pcm->interleaved ? index * pcm->channels + c
				       : c * pcm->buffer + index;

	return pcm->ring + at * pcm->bytes;
}

static inline void fake_store(struct pcm *pcm, uint64_t pointer, uint64_t frame)
{
	for (unsigned c = 0; c < pcm->channels; c++) {
		uint32_t sample = (uint32_t)fake_sound(c, (int64_t)frame);
		uint8_t *to = fake_place(pcm, pointer % pcm->buffer, c);

		if (pcm->format == PCM_S16_LE)
			sample >>= 8;
		if (pcm->format == PCM_S32_LE)
			sample <<= 8;
		for (unsigned b = 0; b < pcm->bytes; b++)
			to[b] = (uint8_t)(sample >> 8 * b);
	}
}

static inline void fake_happen(struct pcm *pcm, const struct fake_fault *fault)
{
	switch (fault->kind) {
	case FAKE_LOSE:
		pcm->next += (uint64_t)fault->value;
		break;
	case FAKE_EXTRA:
		for (int64_t i = 0; i < fault->value; i++)
			fake_store(pcm, pcm->captured++, pcm->next);
		break;
	case FAKE_LATE:
		pcm->late_ns = fault->value * 1000;
		break;
	case FAKE_SLOW:
		pcm->slow_ns = fault->value * 1000;
		break;
	case FAKE_STOP:
		pcm->state = FAKE_STOPPED;
		break;
	case FAKE_BREAK:
		pcm->broken = true;
		pcm->state = FAKE_STOPPED;
		break;
	case FAKE_UNPLUG:
		pcm->state = FAKE_GONE;
		break;
	case FAKE_TELL:
		*pcm->told = true;
		break;
	case FAKE_SIGNAL:
		pcm->interrupted = true;
		break;
	case FAKE_NO_BEGIN:
		pcm->begin_error = (int)-fault->value;
		break;
	case FAKE_NO_COMMIT:
		pcm->commit_error = (int)-fault->value;
		break;
	}
}

/* Brings the device up to now. */
static inline void fake_look(struct pcm *pcm)
{
	uint64_t due = (uint64_t)((double)(fake_now - FAKE_NS) * pcm->hz / 1e9);

	while (pcm->state == FAKE_RUNNING && pcm->next < due) {
		if (pcm->done < pcm->faults &&
		    pcm->fault[pcm->done].frame <= pcm->next) {
			fake_happen(pcm, &pcm->fault[pcm->done++]);
			continue;
		}
		if (pcm->seen && pcm->next == pcm->seen_at)
			pcm->saw = *pcm->seen;
		fake_store(pcm, pcm->captured++, pcm->next++);
	}
}

static inline int64_t fake_chance(struct pcm *pcm, int64_t below)
{
	pcm->random = pcm->random * 6364136223846793005u + 1;
	return (int64_t)(pcm->random >> 33) % below;
}

static inline uint64_t fake_shown(const struct pcm *pcm)
{
	return pcm->captured - (pcm->steps ? pcm->captured % pcm->period : 0);
}

static inline bool fake_wakes(struct pcm *pcm)
{
	fake_look(pcm);
	return pcm->state != FAKE_RUNNING ||
	       fake_shown(pcm) - pcm->read >= pcm->period;
}

/* ---- what the kernel does ---- */

int clock_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	fake_now += 50;
	ts->tv_sec = fake_now / FAKE_NS;
	ts->tv_nsec = fake_now % FAKE_NS;
	return 0;
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	int64_t until = fake_now + timeout * 1000000LL;
	struct pcm *pcm = fake_device;

	if (count == 1) { /* a pause */
		fake_now = until;
		return 0;
	}
	fds[0].revents = fds[1].revents = 0;
	while (fake_now < until && !fake_wakes(pcm) && !pcm->interrupted &&
	       !*pcm->told)
		fake_now += 20000;
	/* A thread does not wake up to the frame. */
	fake_now += fake_chance(pcm, 80000);
	if (pcm->late_ns) {
		fake_now += pcm->late_ns;
		pcm->late_ns = 0;
	}
	if (pcm->interrupted) {
		pcm->interrupted = false;
		fds[0].revents = POLLIN; /* not to be believed */
		errno = EINTR;
		return -1;
	}
	if (*pcm->told)
		return 1;
	if (!fake_wakes(pcm))
		return 0;
	fds[0].revents = POLLIN;
	return 1;
}

/* What poll becomes where glibc checks sizes (_FORTIFY_SOURCE). */
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
	(void)size;
	return poll(fds, count, timeout);
}

/* ---- what the driver does ---- */

int pcm_poll_fds(struct pcm *pcm, struct pollfd *fds)
{
	(void)pcm;
	fds[0] = (struct pollfd){-1, POLLIN, 0};
	return 1;
}

int pcm_state(struct pcm *pcm)
{
	return pcm->state == FAKE_RUNNING   ? 0
	       : pcm->state == FAKE_STOPPED ? -EPIPE
					    : -ENODEV;
}

int pcm_revents(struct pcm *pcm, struct pollfd *fds, int count)
{
	(void)count;
	if (pcm->state != FAKE_RUNNING)
		return pcm_state(pcm);
	return (fds[0].revents & POLLIN) != 0;
}

int64_t pcm_avail(struct pcm *pcm, int64_t *time_ns)
{
	pcm->avails++;
	fake_look(pcm);
	*time_ns = fake_now;
	if (pcm->jitter_ns)
		*time_ns += fake_chance(pcm, pcm->jitter_ns);
	if (pcm->state == FAKE_STOPPED)
		return -EPIPE;
	if (pcm->state == FAKE_GONE && !pcm->shows_rest)
		return 0;
	return (int64_t)(fake_shown(pcm) - pcm->read);
}

int pcm_begin(struct pcm *pcm, struct pcm_area *area, unsigned long *frames)
{
	uint64_t offset = pcm->read % pcm->buffer;
	int error = pcm->begin_error;

	pcm->begin_error = 0;
	if (error)
		return error;
	if (*frames > pcm->buffer - offset)
		*frames = pcm->buffer - offset;
	area->interleaved = pcm->interleaved;
	area->stride = pcm->bytes * (pcm->interleaved ? pcm->channels : 1);
	for (unsigned c = 0; c < (pcm->interleaved ? 1 : pcm->channels); c++)
		area->channel[c] = fake_place(pcm, offset, c);
	/* What comes meanwhile runs over what is being copied. */
	fake_now += pcm->slow_ns;
	pcm->slow_ns = 0;
	fake_look(pcm);
	return 0;
}

int pcm_commit(struct pcm *pcm, unsigned long frames)
{
	int error = pcm->commit_error;

	pcm->commit_error = 0;
	if (error)
		return error;
	pcm->read += frames;
	return 0;
}

int64_t pcm_skip(struct pcm *pcm, uint64_t frames)
{
	uint64_t most = pcm->captured - pcm->read;

	if (frames > most)
		frames = most;
	pcm->read += frames;
	return (int64_t)frames;
}

int pcm_restart(struct pcm *pcm)
{
	if (pcm->state == FAKE_GONE)
		return -ENODEV;
	pcm->restarts++;
	pcm->state = pcm->broken ? FAKE_STOPPED : FAKE_RUNNING;
	pcm->captured = pcm->read = 0;
	pcm->next = (uint64_t)((double)(fake_now - FAKE_NS) * pcm->hz / 1e9);
	return 0;
}

#endif
