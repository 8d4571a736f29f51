/*
 * stream: one open handle of the virtual interface, as ALSA sees it.
 *
 * plugin.c opens it, agrees on parameters and closes it; stream.c is what
 * runs while it records, on the reader's thread, which may be a real-time
 * one: nothing in stream.c allocates, locks, or waits.
 */
#ifndef TAKEBOX_VIRTUAL_STREAM_H
#define TAKEBOX_VIRTUAL_STREAM_H

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>

#include "drivers/virtual/control.h"
#include "drivers/virtual/device.h"
#include "drivers/virtual/options.h"
#include "drivers/virtual/signal.h"

struct stream {
	snd_pcm_ioplug_t io;
	struct options options;
	struct signal *signal;
	struct control *control; /* NULL: no faults on command */

	/* the reader's thread */
	struct device device;
	struct signal_ring ring;
	uint64_t avail_min;
	int64_t armed;	/* what the timer is set to */
	uint32_t noted; /* notes that the control thread was told of */

	struct control_link link;
};

int stream_start(snd_pcm_ioplug_t *io);
int stream_stop(snd_pcm_ioplug_t *io);
snd_pcm_sframes_t stream_pointer(snd_pcm_ioplug_t *io);
int stream_poll_revents(snd_pcm_ioplug_t *io, struct pollfd *pfd,
			unsigned int nfds, unsigned short *revents);
device_capture_fn stream_capture; /* the context is the stream */

#endif
