/*
 * options: what the ALSA configuration says about the virtual interface.
 * takebox_virtual(5) lists the fields. At open only; allocates.
 */
#ifndef TAKEBOX_VIRTUAL_OPTIONS_H
#define TAKEBOX_VIRTUAL_OPTIONS_H

#include <alsa/asoundlib.h>
#include <stdbool.h>

#include "drivers/virtual/signal.h"

#define OPTIONS_FILES 64

struct options {
	unsigned channels;		    /* 0: any, to 64 */
	unsigned rate;			    /* 0: any, 44100 to 192000 */
	unsigned formats[8], format_count;  /* snd_pcm_format_t */
	unsigned accesses[4], access_count; /* snd_pcm_access_t */
	enum signal_kind signal;
	char *files[OPTIONS_FILES];
	unsigned file_count;
	bool loop;
	double frequency, level;
	unsigned seed, msbits;
	double ppm, jitter;
	bool paced;
	bool clock_origin; /* frames count from the first open, not from the
			      first start */
	char *control;	   /* NULL: none */
	unsigned memory;   /* MiB */
	unsigned period_min, buffer_max; /* frames */
};

/* 0, or a negative errno after an ALSA error message. */
int options_read(struct options *options, snd_config_t *conf);
void options_finish(struct options *options);

#endif
