/*
 * device: how the virtual hardware behaves, without ALSA and without a clock
 * of its own.
 *
 * There are two ways of counting. A device frame is a tick of the crystal: it
 * counts what sounds at the inputs, also while nobody records. The pointer
 * counts what was delivered since the stream was started. While nothing is
 * lost they differ by a constant; each lost frame moves the pointer back by
 * one against the device's frames.
 *
 * Nothing happens by itself. device_look() is told the time and brings the
 * device up to it: captures the frames that are due into the ring (each once,
 * in order, over what was there, whether it was read or not), lets the faults
 * that are due take effect at their frame, and decides what the reader may
 * see. So the device is a pure function of the looks, and every fault is
 * exact to the frame.
 *
 * One thread. device_look() and device_wake() never allocate, lock or block.
 */
#ifndef TAKEBOX_VIRTUAL_DEVICE_H
#define TAKEBOX_VIRTUAL_DEVICE_H

#include "drivers/virtual/event.h"

#define DEVICE_FAULTS	64 /* scheduled at a time */
#define DEVICE_SEGMENTS 16 /* stretches between losses that are remembered */
#define DEVICE_NOW	INT64_C(1)
#define DEVICE_NEVER	INT64_MAX

enum device_state {
	DEVICE_STOPPED,
	DEVICE_RUNNING,
	DEVICE_XRUN,	 /* stopped by itself; prepare and start it again */
	DEVICE_UNPLUGGED /* for good */
};

enum device_freeze {
	FREEZE_NONE,
	FREEZE_HOLD, /* nothing new is shown before freeze_until */
	FREEZE_XRUN, /* nothing new is shown before the ring has overrun */
	FREEZE_SHOWN /* it is shown, and stays until the reader moves */
};

/* Capture device frames [frame, frame + frames) to ring positions
 * [pointer, pointer + frames); never more than a buffer at a time. */
typedef void device_capture_fn(void *context, int64_t frame, uint64_t pointer,
			       uint64_t frames);

struct device {
	/* set before the first device_prepare() */
	unsigned rate;
	bool paced;
	uint64_t buffer, period;
	device_capture_fn *capture;
	void *context;
	struct event_queue *notes; /* what happened goes here */

	/* may change while running */
	uint64_t stop_threshold;
	struct crystal crystal; /* hz 0: not yet anchored */
	int64_t packet_ns;	/* frames come in packets of this length, each
				 * late by up to as much; 0: one by one */

	enum device_state state;
	uint64_t captured; /* pointer up to which the ring is filled */
	uint64_t shown;	   /* pointer that the reader sees */
	uint64_t read;	   /* pointer up to which the reader has taken */

	/* device frame = pointer + base, in each stretch between losses */
	struct segment {
		uint64_t pointer;
		int64_t base;
	} segments[DEVICE_SEGMENTS];
	unsigned segment; /* number of the current one */

	enum device_freeze freeze;
	int64_t freeze_until; /* HOLD: ns */
	uint64_t freeze_lost; /* XRUN, SHOWN: frames */
	uint64_t freeze_read; /* SHOWN: where the reader stood */

	/* an overrun that the reader has not yet come out of */
	uint64_t overrun_read; /* where it stood */
	int64_t overrun_frame; /* the first frame it lost */
	int64_t overrun_ns;    /* when it last grew */
	uint64_t overrun_lost; /* how many so far; 0: none */

	struct event faults[DEVICE_FAULTS]; /* in order of their frames */
	unsigned fault_count;
};

/* ppm counts from the first start when the crystal has no anchor. */
void device_prepare(struct device *d);
void device_start(struct device *d, int64_t now, double ppm);
void device_stop(struct device *d);

/* False when too many are scheduled. */
bool device_schedule(struct device *d, const struct event *command);

/* read: the pointer up to which the reader has taken. */
void device_look(struct device *d, int64_t now, uint64_t read);

/* The time of the next look that can let the reader see `avail` frames, or
 * DEVICE_NOW, or DEVICE_NEVER. Right after a device_look(). */
int64_t device_wake(const struct device *d, int64_t now, uint64_t avail);

static inline uint64_t device_avail(const struct device *d)
{
	return d->shown > d->read ? d->shown - d->read : 0;
}

#endif
