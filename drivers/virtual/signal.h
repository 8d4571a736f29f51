/*
 * signal: what sounds at the inputs of the virtual interface.
 *
 * Every signal is a pure function of the device frame and the channel, so a
 * stretch of it can be written to any place of the ring at any time. Sound
 * files are loaded and laid out as the device's ring is, once, so that to
 * play them is a copy.
 *
 * signal_write() never allocates, locks or blocks; the rest may.
 */
#ifndef TAKEBOX_VIRTUAL_SIGNAL_H
#define TAKEBOX_VIRTUAL_SIGNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGNAL_CHANNELS 64

enum signal_kind {
	SIGNAL_SILENCE,
	SIGNAL_SINE,	/* channel n (from 1) has n times the frequency */
	SIGNAL_NOISE,	/* white, different on each channel */
	SIGNAL_COUNTER, /* counter.h */
	SIGNAL_FILES	/* the files' channels in turn, again and again when
			   the device has more */
};

enum sample_format {
	SAMPLE_S16_LE,
	SAMPLE_S24_LE,
	SAMPLE_S24_3LE,
	SAMPLE_S32_LE
};

struct signal_setup {
	enum signal_kind kind;
	enum sample_format format;
	bool interleaved;
	unsigned channels, rate;
	unsigned bits;	  /* significant bits; the rest are zero */
	double frequency; /* Hz */
	double level;	  /* dBFS, of sine and noise */
	uint32_t seed;	  /* of noise */
	char *const *files;
	unsigned file_count;
	bool loop;	 /* files; otherwise silence follows */
	uint64_t memory; /* bytes that files may take */
};

/* Where the samples of each channel are; step is in bytes. */
struct signal_ring {
	unsigned char *base[SIGNAL_CHANNELS];
	size_t step;
};

struct signal;

unsigned sample_bytes(enum sample_format format);

/* A negative errno, and words for it; the setup is copied, but not the
 * files, which are only read here. */
int signal_create(struct signal **signal, const struct signal_setup *setup,
		  char *error, size_t error_size);
void signal_destroy(struct signal *signal);

/* Device frames from `frame` on to ring positions from `offset` on; they
 * must not run over the ring's end. */
void signal_write(const struct signal *signal, const struct signal_ring *ring,
		  int64_t frame, uint64_t offset, uint64_t frames);

#endif
