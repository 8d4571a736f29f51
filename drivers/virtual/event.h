/*
 * event: what passes between the control thread and the device.
 *
 * Commands go down (a fault and the device frame at which it takes effect),
 * notes come up (what happened, and at which device frame exactly). Both are
 * the same struct and travel in the same queue: one producer, one consumer,
 * no lock, no allocation, so that the device's side may be a real-time
 * thread.
 */
#ifndef TAKEBOX_VIRTUAL_EVENT_H
#define TAKEBOX_VIRTUAL_EVENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "drivers/virtual/crystal.h"

enum event_kind {
	/* commands, and the notes that they took effect */
	EVENT_XRUN,  /* value: frames lost beyond the buffer */
	EVENT_STOP,  /* the device stops */
	EVENT_LOSE,  /* value: frames that are never delivered */
	EVENT_STALL, /* value: milliseconds of them */
	EVENT_HOLD,  /* value: milliseconds by which frames come late */
	EVENT_UNPLUG,
	EVENT_PLUG,	/* never reaches the device: the handle is dead */
	EVENT_PPM,	/* value: parts per million */
	EVENT_JITTER,	/* value: microseconds per packet */
	EVENT_POSITION, /* asks for a note */
	/* notes only */
	EVENT_START,   /* frame: the first that is delivered */
	EVENT_OVERRUN, /* the reader was late by itself */
	EVENT_IGNORED, /* value: the event_kind that came while stopped */
	EVENT_KINDS
};

#define EVENT_NOW     INT64_MIN
#define EVENT_UNKNOWN (-1)

struct event {
	enum event_kind kind;
	int64_t ns;	/* command: when it came; note: when it took effect */
	int64_t frame;	/* device frame, or EVENT_NOW */
	int64_t lost;	/* note: frames lost, or EVENT_UNKNOWN */
	int64_t unread; /* note: device frame the reader stood at */
	double value;
	struct crystal crystal; /* note: the clock from here on */
};

#define EVENT_QUEUE_SIZE 128u

struct event_queue {
	_Atomic uint32_t head; /* producer's: events ever pushed */
	_Atomic uint32_t tail; /* consumer's: events ever popped */
	struct event slot[EVENT_QUEUE_SIZE];
};

/* Producer. False when the queue is full. */
static inline bool event_push(struct event_queue *q, const struct event *e)
{
	uint32_t head = atomic_load_explicit(&q->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&q->tail, memory_order_acquire);

	if (head - tail == EVENT_QUEUE_SIZE)
		return false;
	q->slot[head % EVENT_QUEUE_SIZE] = *e;
	atomic_store(&q->head, head + 1);
	return true;
}

static inline bool event_waiting(struct event_queue *q)
{
	return atomic_load(&q->head) !=
	       atomic_load_explicit(&q->tail, memory_order_relaxed);
}

/* Consumer. False when there is none. */
static inline bool event_pop(struct event_queue *q, struct event *e)
{
	uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

	if (!event_waiting(q))
		return false;
	*e = q->slot[tail % EVENT_QUEUE_SIZE];
	atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
	return true;
}

#endif
