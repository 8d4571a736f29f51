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
 * early, so the lateness of a pair (its time less the time the line gives its
 * position) has noise on one side only, and the minimum over a short window
 * follows the true line closely. A loss of n frames lifts every later pair by
 * n/rate; a late stamp lifts one. So a loss is a window of 50 ms in which every
 * pair stands above the line by more than a threshold, most of them close to
 * one level. The threshold follows the noise seen on this clock and is never
 * less than POSCLOCK_STEP_MIN_NS: an exact pointer gives away 10 lost frames, a
 * pointer that moves with the jiffies some hundreds. A false step would harm a
 * good recording, a missed tiny one is merely drift, so the threshold errs
 * towards missing; and a machine that is late for long and catches up is not
 * taken for a loss.
 *
 * Pairs are to be taken when the device wakes its reader (period interrupts).
 * A timer that polls a pointer which moves in large steps sees a beat between
 * the two, and each turn of that beat is a step as far as anyone can tell.
 */
#ifndef TAKEBOX_POSCLOCK_H
#define TAKEBOX_POSCLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define POSCLOCK_STEP_MIN_NS 80000LL /* less than a USB packet of 125 us */

/* A step is decided this long after it happened (55 ms as a rule with pairs
 * coming at least every 5 ms, more where late stamps hide it); the capture
 * thread publishes no position younger than that, so that silence goes in where
 * the loss was. */
#define POSCLOCK_SETTLE_NS 100000000LL

#define POSCLOCK_WINDOW	  64 /* pairs kept of the recent past */
#define POSCLOCK_ENVELOPE 64 /* lower-envelope points kept for the rate */

struct posclock_pair {
	int64_t position; /* frames */
	int64_t time_ns;
};

/* A line: position at a time. rate_hz 0: nothing is known yet. */
struct posclock_line {
	int64_t position;
	int64_t time_ns;
	double rate_hz;	  /* measured; the nominal rate before anything is known
			   */
	double ppm;	  /* of rate_hz against nominal */
	double ppm_error; /* half-width of what ppm may be, 1 sigma or more */
	bool locked;	  /* at least 2 s of pairs behind it and the rate within
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
	int64_t likely;	  /* +- frames of position, if no stamp was late */
	int64_t uncertainty; /* +- frames of position, as far as late stamps can
				be told from a loss: some 999 times in 1000 */
	int64_t frames;	     /* how many, rounded; > 0 */
};

/* Embedded by its owner; the fields are private. */
struct posclock {
	/* The line: position anchor.position at anchor.time_ns + base_ns. */
	double nominal_ns; /* of a frame, at the nominal rate */
	double frame_ns;   /* of a frame, as measured */
	struct posclock_pair anchor;
	double base_ns; /* lower envelope of all lateness against anchor */
	double ppm, ppm_error;
	bool locked;

	/* The recent past, and the run of late pairs it ends with. */
	struct posclock_recent {
		struct posclock_pair pair;
		double late_ns; /* against anchor */
	} recent[POSCLOCK_WINDOW];
	unsigned newest, recent_count;
	/* Frames that the pointer has always moved by a multiple of: soon 1,
	 * but for one that a timer moves in whole ticks. 0: not known. */
	int64_t quantum;
	double spacing_ns; /* between entries, lately */
	int64_t newest_ns; /* when the newest entry began */
	unsigned run_pairs;
	int64_t run_start_ns;

	/* Pairs that were too early, until three of them are believed. */
	unsigned early_pairs;
	double early_late_ns; /* the least early of them */
	struct posclock_pair early_first;

	/* What the lowest lateness of a window comes to without any step. */
	double noise_ns;   /* largest lately */
	double typical_ns; /* mean */
	double usual_ns;   /* median lateness of single pairs */
	double late_share; /* of pairs that stand well above that */
	double window_min_ns;
	int64_t window_start_ns;
	unsigned window_pairs, windows;
	bool started; /* its start is over: a step is none of its doings */

	/* One point, the least late one, of each block of time. */
	struct posclock_pair envelope[POSCLOCK_ENVELOPE];
	unsigned envelope_count;
	struct posclock_pair block_best;
	double block_late_ns;
	int64_t block_start_ns, block_ns; /* start 0: no block yet */
	double kept_error; /* ppm; of a rate kept over a restart; 0: none */
	struct posclock_step early_step; /* found when the rate was */
};

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

/* As posclock_init, but with the line of a clock that is no more: it is known
 * what position it should be, until the next pair and posclock_restarted. A
 * line that is none (rate_hz far from rate) is ignored. */
void posclock_init_line(struct posclock *clock, unsigned rate,
			const struct posclock_line *line);

struct posclock_line posclock_line(const struct posclock *clock);

/* By a line; before a line is known (rate_hz 0) both return -1. */
int64_t posclock_position_at(const struct posclock_line *line, int64_t time_ns);
int64_t posclock_time_of(const struct posclock_line *line, int64_t position);

#endif
