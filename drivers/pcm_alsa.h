/* What pcm_alsa.c (set-up) and pcm_alsa_rt.c (real time) share. */
#ifndef TAKEBOX_PCM_ALSA_H
#define TAKEBOX_PCM_ALSA_H

#include <alsa/asoundlib.h>

#include "drivers/pcm.h"

struct pcm {
	snd_pcm_t *handle;
	unsigned channels;
	unsigned long buffer;
	bool interleaved;
	unsigned long offset; /* of the area handed out last */
};

#endif
