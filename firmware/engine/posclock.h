/*
 * posclock: frames against time, the one place where positions and clocks
 * meet.
 *
 * Fed with pairs (position, time) by the capture thread, it knows the
 * interface's true rate, turns time stamps into positions, and finds steps
 * that ALSA did not report: lost USB packets, slipped buffers. A pure state
 * machine without allocation or calls; one thread at a time.
 *
 * How steps are found. A time stamp can be late (interrupt latency, a thread
 * that was preempted between reading the pointer and the clock) but never
 * early, so the residual of a pair (its time less the time the fit gives its
 * position) has noise on one side only, and the minimum over a short window
 * follows the true line closely. A loss of n frames lifts every later residual
 * by n/rate; one late stamp lifts one. So a step is a window in which every
 * residual stands above the line by more than a threshold that follows the
 * noise seen on this clock (never less than POSCLOCK_STEP_MIN_NS). A false
 * step would harm a good recording, a missed tiny one is merely drift, so the
 * threshold errs towards missing.
 */
#ifndef TAKEBOX_POSCLOCK_H
#define TAKEBOX_POSCLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define POSCLOCK_STEP_MIN_NS 200000LL /* about 10 frames at 48 kHz */

/* A step is decided this long after it happened at the latest (with pairs
 * coming at least every 5 ms); the capture thread publishes no position
 * younger than that, so that silence goes in where the loss was. */
#define POSCLOCK_SETTLE_NS 80000000LL

#define POSCLOCK_WINDOW	   64 /* pairs kept of the recent past */
#define POSCLOCK_ENVELOPE  64 /* lower-envelope points kept for the rate */

struct posclock_pair {
	int64_t position; /* frames */
	int64_t time_ns;
};

/* A line: position at a time. rate_hz 0: nothing is known yet. */
struct posclock_line {
	int64_t position;
	int64_t time_ns;
	double rate_hz; /* measured; the nominal rate before anything is known */
	double ppm;	/* of rate_hz against nominal */
	double ppm_error; /* half-width of what ppm may be, 1 sigma or more */
	bool locked; /* at least 2 s of pairs behind it and the rate within
			10,000 ppm of nominal; an unpaced device never locks */
};

enum posclock_event {
	POSCLOCK_NONE,
	POSCLOCK_LOST,	  /* frames are missing at step.position */
	POSCLOCK_SURPLUS, /* more frames came than time allows */
};

struct posclock_step {
	enum posclock_event event;
	int64_t position; /* best estimate of where; for LOST the frames before
			     it are whole */
	int64_t uncertainty; /* +- frames of position */
	int64_t frames;	     /* how many, rounded; > 0 */
};

struct posclock; /* body below: embedded by its owner, fields private */

/* rate: nominal Hz. Also restarts it (a new device, a stop of known length). */
void posclock_init(struct posclock *clock, unsigned rate);

/*
 * One pair: at time_ns, position frames had come from the device. Give it only
 * pairs whose position has grown; out-of-order ones are ignored.
 * When the result's event is LOST, the caller inserts step.frames of silence
 * at step.position and counts all later positions on by that much; the clock
 * has already done so to its own pairs, so the next pair's position includes
 * them. For SURPLUS nothing is to be done but to note it.
 */
struct posclock_step posclock_feed(struct posclock *clock, int64_t position,
				   int64_t time_ns);

/* Frames that the caller itself inserted (a reported xrun of known length) are
 * simply part of the next position; a device that stopped and was started
 * again is told here, before the next pair: the line's rate is kept, its
 * offset is taken anew, and no step is found across it. */
void posclock_restarted(struct posclock *clock);

struct posclock_line posclock_line(const struct posclock *clock);

/* By a line; before a line is known (rate_hz 0) both return -1. */
int64_t posclock_position_at(const struct posclock_line *line, int64_t time_ns);
int64_t posclock_time_of(const struct posclock_line *line, int64_t position);

/* struct posclock { ... } goes here; the implementer defines its fields. */

#endif
