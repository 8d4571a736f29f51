/*
 * Simulated interfaces for test_posclock: what their pointers and the time
 * stamps of a reader look like, frame by frame of a crystal.
 */
#ifndef TAKEBOX_TEST_CLOCK_DEVICE_H
#define TAKEBOX_TEST_CLOCK_DEVICE_H

#include <math.h>
#include <stdint.h>

#include "engine/posclock.h"

#define EPOCH_S 1e6 /* CLOCK_MONOTONIC is somewhere when all begins */

static uint64_t random_state;

static double uniform(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (double)(random_state >> 11) * 0x1p-53;
}

static double exponential(double mean)
{
	return -mean * log(1 - uniform());
}

static double now_and_then(double probability, double at_most)
{
	return uniform() < probability ? uniform() * at_most : 0;
}

/* --- the interface --- */

struct device {
	double rate, ppm;
	double drift_ppm; /* amplitude of a sine of 600 s */
	const struct kind *kind;
	long count;   /* wake-ups so far */
	double stamp; /* the last, s */
	double event; /* of the kind's own */
	/* loss: lost_frames from lost_from on, in frames of the crystal */
	int64_t lost_before, lost_from, lost_frames;
	int64_t inserted;
};

/* A wake-up: when the pointer was valid, and by how much the stamp is late. */
struct kind {
	const char *name;
	void (*wake)(struct device *device, double *when, double *late);
	int64_t finds; /* the least loss that it must always find, frames */
};

static double crystal(const struct device *d, double t)
{
	return d->rate * (1 + d->ppm * 1e-6) * t +
	       d->rate * d->drift_ppm * 1e-6 * 600 / (2 * M_PI) *
		       (1 - cos(2 * M_PI * t / 600));
}

static inline double ppm_now(const struct device *d, double t)
{
	return d->ppm + d->drift_ppm * sin(2 * M_PI * t / 600);
}

/* Periods of 128 frames. */
static double period(const struct device *d, long count)
{
	return (double)count * 128 / d->rate;
}

/* When the thread that reads the pointer gets to it: not before it is done
 * with the last one. */
static double thread(const struct device *d, double when)
{
	return when > d->stamp ? when : d->stamp;
}

static void wake_exact(struct device *d, double *when, double *late)
{
	*when = period(d, ++d->count) + 20e-6 + uniform() * 80e-6;
	*late = uniform() * 2e-6;
}

static void wake_preempted(struct device *d, double *when, double *late)
{
	*when = thread(d, period(d, ++d->count) + 20e-6 + exponential(50e-6));
	*late = now_and_then(0.05, 20e-3);
}

/* Whole packets of 1 ms, urb of them at a time. */
static void wake_usb(struct device *d, double urb, double *when, double *late)
{
	*when = floor((double)++d->count * urb * 1000) / 1000;
	*late = 20e-6 + exponential(40e-6) + now_and_then(0.01, 3e-3) +
		now_and_then(0.02, 15e-3);
}

static void wake_usb_1ms(struct device *d, double *when, double *late)
{
	wake_usb(d, 128 / d->rate, when, late);
}

static void wake_usb_8ms(struct device *d, double *when, double *late)
{
	wake_usb(d, 8e-3, when, late);
}

static void wake_jiffy(struct device *d, double *when, double *late)
{
	*when = (double)++d->count * 4e-3;
	*late = uniform() * 3e-3;
}

static void wake_jiffy_loaded(struct device *d, double *when, double *late)
{
	*when = (double)++d->count * 4e-3;
	*late = exponential(1.5e-3);
}

static void wake_jittery(struct device *d, double *when, double *late)
{
	*when = thread(d, period(d, ++d->count));
	*late = exponential(1e-3);
}

/* Nothing for up to 350 ms, then all frames at once. */
static void wake_held(struct device *d, double *when, double *late)
{
	if (period(d, ++d->count) > d->event) {
		d->count += (long)((0.05 + uniform() * 0.3) / period(d, 1));
		d->event = period(d, d->count) + uniform() * 6;
	}
	*when = period(d, d->count);
	*late = 20e-6 + exponential(30e-6);
}

/* Every stamp late by up to 8 ms, for up to 300 ms at a time. */
static void wake_bursts(struct device *d, double *when, double *late)
{
	*when = thread(d, period(d, ++d->count));
	*late = 5e-6 + exponential(20e-6);
	if (*when > d->event + 0.3)
		d->event = *when + uniform() * 5;
	else if (*when > d->event)
		*late += uniform() * 8e-3;
}

static void wake_large_periods(struct device *d, double *when, double *late)
{
	*when = thread(d, period(d, d->count += 8));
	*late = 20e-6 + exponential(50e-6) + now_and_then(0.05, 20e-3);
}

static const struct kind exact = {"exact", wake_exact, 24};
static const struct kind preempted = {"preempted", wake_preempted, 24};
static const struct kind usb_8ms = {"USB 8 ms", wake_usb_8ms, 48};
static const struct kind held = {"held", wake_held, 24};
static const struct kind jiffy = {"jiffy", wake_jiffy, 960};

static const struct kind *const kinds[] = {
	&exact,
	&preempted,
	&usb_8ms,
	&held,
	&jiffy,
	&(const struct kind){"USB 1 ms packets", wake_usb_1ms, 48},
	&(const struct kind){"jiffy under load", wake_jiffy_loaded, 960},
	&(const struct kind){"jittery", wake_jittery, 480},
	&(const struct kind){"bursts", wake_bursts, 960},
	&(const struct kind){"large periods", wake_large_periods, 96},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void device_open(struct device *d, const struct kind *kind, double rate,
			double ppm)
{
	random_state = 88172645463325252ULL;
	*d = (struct device){.rate = rate, .ppm = ppm, .kind = kind};
}

/* From time at on, frames frames do not arrive. */
static inline void device_lose(struct device *d, double at, int64_t frames)
{
	d->lost_before += d->lost_frames;
	d->lost_from = (int64_t)floor(crystal(d, at));
	d->lost_frames = frames;
}

static struct posclock_pair device_pair(struct device *d)
{
	double when, late, stamp;
	int64_t arrived, lost;

	d->kind->wake(d, &when, &late);
	stamp = when + late > d->stamp ? when + late : d->stamp;
	d->stamp = stamp;
	arrived = (int64_t)floor(crystal(d, when)) + 1;
	lost = arrived - d->lost_from;
	lost = lost < 0 ? 0 : lost > d->lost_frames ? d->lost_frames : lost;
	return (struct posclock_pair){
		.position = arrived - d->lost_before - lost + d->inserted,
		.time_ns = (int64_t)((EPOCH_S + stamp) * 1e9),
	};
}

#endif
