/*
 * pcm: a capture device, as the recorder sees one.
 *
 * The contract in front of alsa-lib, whose headers stay in drivers/. A device
 * is opened with mmap access and nothing between it and the hardware: no
 * resampling, no mixing, no conversion of format or channels.
 *
 * Ownership: struct pcm is created by pcm_open and freed by pcm_close.
 * Threads: pcm_open, pcm_close, pcm_list: the supervisor's; the functions
 * under "real time": the capture thread's, between pcm_start and the end of
 * that thread. Errors are negative errno; where a struct pcm_error is given, it
 * holds a line for a musician.
 */
#ifndef TAKEBOX_PCM_H
#define TAKEBOX_PCM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <poll.h>

#define PCM_CHANNELS_MAX 64
#define PCM_TEXT_MAX	 192
#define PCM_POLL_MAX	 8

enum pcm_format {
	PCM_FORMAT_ANY = -1,
	PCM_S16_LE,
	PCM_S24_LE,
	PCM_S24_3LE,
	PCM_S32_LE,
	PCM_FORMATS
};

struct pcm_error {
	char text[384];
};

struct pcm_request {
	char device[PCM_TEXT_MAX]; /* an ALSA name, or "auto": the first capture
				      interface of the machine */
	unsigned channels;	   /* 0: as many as it has (at most 64) */
	unsigned rate;		   /* Hz */
	int format; /* enum pcm_format; PCM_FORMAT_ANY: the widest */
	unsigned period, buffer; /* frames; 0: chosen here */
};

struct pcm_setup {
	char device[PCM_TEXT_MAX];   /* what was opened */
	char name[PCM_TEXT_MAX];     /* the card's long name */
	char identity[PCM_TEXT_MAX]; /* card id and serial or USB path */
	unsigned channels, rate, period, buffer;
	enum pcm_format format;
	bool interleaved;
	bool converted; /* something other than hardware was opened (a plug or
			   dmix named by the user) */
};

struct pcm;

const char *pcm_format_name(int format); /* "S32_LE"; "auto" for ANY */
int pcm_format_parse(const char *name);	 /* -EINVAL: unknown */

/* -ENODEV: no such device; -EBUSY: error names who holds it; -EINVAL: it cannot
 * do what is asked, error says what it can. */
int pcm_open(struct pcm **pcm, const struct pcm_request *request,
	     struct pcm_setup *setup, struct pcm_error *error);
void pcm_close(struct pcm *pcm); /* NULL allowed */
int pcm_start(struct pcm *pcm);

/* What one capture device of the machine can do. */
struct pcm_info {
	char device[PCM_TEXT_MAX];   /* "hw:CARD=XR18,DEV=0" */
	char name[PCM_TEXT_MAX];     /* "Behringer X18XR18" */
	char card_id[32];	     /* "XR18": the identity, never an index */
	char identity[PCM_TEXT_MAX]; /* serial or USB path, "" if none */
	char holder[PCM_TEXT_MAX];   /* "pipewire (pid 812)"; "" if free */
	unsigned channels_min, channels_max, rate_min, rate_max;
	unsigned formats; /* bit 1 << enum pcm_format */
	bool readable;	  /* false: busy or failing, the ranges are unknown */
};

/* Calls fn for each capture device; returns how many, or negative errno. */
int pcm_list(void (*fn)(void *context, const struct pcm_info *info),
	     void *context);

/* The present ALSA name of the interface with that identity (of a setup): it
 * may have come back as another card. device: its name so far, for the number
 * of its PCM; is replaced. -ENODEV: it is not there. */
int pcm_find(const char *identity, char *device, size_t size);

/* ---- real time ---- */

/* Descriptors to poll for the device, at most PCM_POLL_MAX; the count. */
int pcm_poll_fds(struct pcm *pcm, struct pollfd *fds);

/* After poll. 1: look at pcm_avail; 0: nothing; -ENODEV: gone for good (what is
 * still in the ring may be read); -EPIPE: it stopped. */
int pcm_revents(struct pcm *pcm, struct pollfd *fds, int count);

/* Frames that wait, also more than the buffer holds when the reader is late,
 * and when that was so (CLOCK_MONOTONIC). */
int64_t pcm_avail(struct pcm *pcm, int64_t *time_ns);

/* -ENODEV, -EPIPE or 0 by the device's state. */
int pcm_state(struct pcm *pcm);

/* Samples of frame 0 of an area. Interleaved: channel[0] and stride (bytes
 * from frame to frame); else one pointer per channel. */
struct pcm_area {
	const uint8_t *channel[PCM_CHANNELS_MAX];
	unsigned stride;
	bool interleaved;
};
int pcm_begin(struct pcm *pcm, struct pcm_area *area, unsigned long *frames);
int pcm_commit(struct pcm *pcm, unsigned long frames);

/* Passes over frames without reading; returns how many it did. */
int64_t pcm_skip(struct pcm *pcm, uint64_t frames);

/* Starts again after -EPIPE; what was in the ring is gone. */
int pcm_restart(struct pcm *pcm);

#endif
