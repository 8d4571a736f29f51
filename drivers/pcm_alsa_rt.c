/*
 * The real-time half of the ALSA driver: no call here allocates, locks or
 * blocks (the snd_pcm_* ones touch mapped memory, or make one ioctl on
 * machines where the kernel does not map its status page).
 */
#include "drivers/pcm_alsa.h"

#include <errno.h>

int pcm_poll_fds(struct pcm *pcm, struct pollfd *fds)
{
	return snd_pcm_poll_descriptors(pcm->handle, fds, PCM_POLL_MAX);
}

int pcm_state(struct pcm *pcm)
{
	switch (snd_pcm_state(pcm->handle)) {
	case SND_PCM_STATE_RUNNING:
	case SND_PCM_STATE_DRAINING:
		return 0;
	case SND_PCM_STATE_DISCONNECTED:
		return -ENODEV;
	default:
		return -EPIPE;
	}
}

int pcm_revents(struct pcm *pcm, struct pollfd *fds, int count)
{
	unsigned short revents = 0;
	int error;

	error = snd_pcm_poll_descriptors_revents(pcm->handle, fds,
						 (unsigned)count, &revents);
	if (error < 0)
		return error == -ENODEV ? -ENODEV : -EPIPE;
	if (revents & (POLLERR | POLLNVAL | POLLHUP)) {
		error = pcm_state(pcm);
		if (error < 0)
			return error;
	}
	return (revents & POLLIN) != 0;
}

int64_t pcm_avail(struct pcm *pcm, int64_t *time_ns)
{
	snd_pcm_sframes_t now;
	snd_pcm_uframes_t avail;
	snd_htimestamp_t stamp;
	int error;

	now = snd_pcm_avail_update(pcm->handle);
	if (now < 0)
		return now;
	error = snd_pcm_htimestamp(pcm->handle, &avail, &stamp);
	if (error < 0)
		return error;
	*time_ns = (int64_t)stamp.tv_sec * 1000000000 + stamp.tv_nsec;
	return (int64_t)avail;
}

int pcm_begin(struct pcm *pcm, struct pcm_area *area, unsigned long *frames)
{
	const snd_pcm_channel_area_t *areas;
	unsigned count;
	int error;

	error = snd_pcm_mmap_begin(pcm->handle, &areas, &pcm->offset, frames);
	if (error < 0)
		return error;
	area->interleaved = pcm->interleaved;
	area->stride = areas[0].step / 8;
	count = pcm->interleaved ? 1 : pcm->channels;
	for (unsigned c = 0; c < count; c++)
		area->channel[c] =
			(const uint8_t *)areas[c].addr +
			(areas[c].first + pcm->offset * areas[c].step) / 8;
	return 0;
}

int pcm_commit(struct pcm *pcm, unsigned long frames)
{
	snd_pcm_sframes_t done;

	done = snd_pcm_mmap_commit(pcm->handle, pcm->offset, frames);
	if (done < 0)
		return (int)done;
	return (unsigned long)done == frames ? 0 : -EPIPE;
}

int64_t pcm_skip(struct pcm *pcm, uint64_t frames)
{
	return snd_pcm_forward(pcm->handle, frames);
}

int pcm_restart(struct pcm *pcm)
{
	int error = snd_pcm_prepare(pcm->handle);

	return error < 0 ? error : snd_pcm_start(pcm->handle);
}
