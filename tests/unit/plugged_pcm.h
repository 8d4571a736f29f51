/*
 * An interface that can be unplugged, and comes back with other settings or
 * under another name: real time, by the clock, linked in place of
 * drivers/pcm_alsa*.c. For test_supervisor.c.
 */
#ifndef TAKEBOX_PLUGGED_PCM_H
#define TAKEBOX_PLUGGED_PCM_H

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "drivers/pcm.h"

#define RATE	 48000u
#define CHANNELS 2u
#define PERIOD	 128u
#define BUFFER	 4096u

static struct {
	_Atomic bool plugged;
	const char *identity;
	const char *device; /* its ALSA name; another one has the old name if
			       taken */
	bool taken;
	_Atomic unsigned hz; /* what its clock really does */
	unsigned channels;
	unsigned formats;	     /* bit 1 << enum pcm_format */
	unsigned looks, opens, open; /* ever, ever, now */
} socket_of;			     /* what it is plugged into */

struct pcm {
	int timer;
	int64_t start_ns;
	uint64_t read;
	int32_t ring[BUFFER * CHANNELS];
};

const char *pcm_format_name(int format)
{
	(void)format;
	return "S32_LE";
}

int pcm_format_parse(const char *name)
{
	(void)name;
	return PCM_S32_LE;
}

/* The highest that it has, or what is asked for; -1. */
static int find_format(int wanted)
{
	for (int format = PCM_S32_LE; format >= 0; format--)
		if ((wanted == PCM_FORMAT_ANY || wanted == format) &&
		    socket_of.formats & 1u << format)
			return format;
	return -1;
}

int pcm_open(struct pcm **pcm, const struct pcm_request *request,
	     struct pcm_setup *setup, struct pcm_error *error)
{
	bool other = strcmp(request->device, socket_of.device) != 0;
	int format = find_format(request->format);

	*pcm = NULL;
	socket_of.looks++;
	if (!socket_of.plugged || (other && !socket_of.taken)) {
		snprintf(error->text, sizeof(error->text), "%s is not there",
			 request->device);
		return -ENODEV;
	}
	if (format < 0 ||
	    (request->channels && request->channels != socket_of.channels)) {
		snprintf(error->text, sizeof(error->text), "it is not so");
		return -EINVAL;
	}
	*setup = (struct pcm_setup){
		.channels = socket_of.channels,
		.rate = request->rate,
		.period = PERIOD,
		.buffer = BUFFER,
		.format = format,
		.interleaved = true,
	};
	snprintf(setup->device, sizeof(setup->device), "%s", request->device);
	snprintf(setup->name, sizeof(setup->name), "Test interface");
	snprintf(setup->identity, sizeof(setup->identity), "%s",
		 other ? "serial:other" : socket_of.identity);
	*pcm = calloc(1, sizeof(**pcm));
	assert_non_null(*pcm);
	(*pcm)->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	socket_of.opens++;
	socket_of.open++;
	return 0;
}

int pcm_find(const char *identity, char *device, size_t size)
{
	if (!socket_of.plugged || strcmp(identity, socket_of.identity) != 0)
		return -ENODEV;
	snprintf(device, size, "%s", socket_of.device);
	return 0;
}

void pcm_close(struct pcm *pcm)
{
	if (!pcm)
		return;
	close(pcm->timer);
	free(pcm);
	socket_of.open--;
}

int pcm_start(struct pcm *pcm)
{
	const struct itimerspec period = {
		.it_value = {.tv_nsec = PERIOD * NS_PER_S / RATE},
		.it_interval = {.tv_nsec = PERIOD * NS_PER_S / RATE},
	};

	pcm->start_ns = clock_now_ns();
	return timerfd_settime(pcm->timer, 0, &period, NULL);
}

int pcm_poll_fds(struct pcm *pcm, struct pollfd *fds)
{
	fds[0] = (struct pollfd){pcm->timer, POLLIN, 0};
	return 1;
}

int pcm_revents(struct pcm *pcm, struct pollfd *fds, int count)
{
	uint64_t ticks;

	if (!socket_of.plugged)
		return -ENODEV;
	return count == 1 && (fds[0].revents & POLLIN) &&
	       read(pcm->timer, &ticks, sizeof(ticks)) > 0;
}

int64_t pcm_avail(struct pcm *pcm, int64_t *time_ns)
{
	uint64_t come;

	*time_ns = clock_now_ns();
	if (!socket_of.plugged)
		return 0;
	come = (uint64_t)(*time_ns - pcm->start_ns) * socket_of.hz / NS_PER_S;
	return (int64_t)(come - pcm->read);
}

int pcm_state(struct pcm *pcm)
{
	(void)pcm;
	return socket_of.plugged ? 0 : -ENODEV;
}

int pcm_begin(struct pcm *pcm, struct pcm_area *area, unsigned long *frames)
{
	uint64_t at = pcm->read % BUFFER;

	if (*frames > BUFFER - at)
		*frames = BUFFER - at;
	area->interleaved = true;
	area->stride = CHANNELS * sizeof(int32_t);
	area->channel[0] = (const uint8_t *)(pcm->ring + at * CHANNELS);
	return 0;
}

int pcm_commit(struct pcm *pcm, unsigned long frames)
{
	pcm->read += frames;
	return 0;
}

int64_t pcm_skip(struct pcm *pcm, uint64_t frames)
{
	pcm->read += frames;
	return (int64_t)frames;
}

int pcm_restart(struct pcm *pcm)
{
	(void)pcm;
	return -ENODEV;
}

#endif
