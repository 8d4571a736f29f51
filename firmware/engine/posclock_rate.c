/*
 * The rate of a posclock: a line below the least late pair of each block of
 * time. Before it is known no loss can be seen; so when it is, the points that
 * it was learnt from are asked whether they are one line, or several, side by
 * side, with losses in between.
 */
#include "engine/posclock_private.h"
#include "engine/rate_steps.h"
#include "engine/reals.h"

#define LOCK_PPM	  10000.0
#define LOCK_ERROR_PPM	  200.0
#define RELEARN_NS	  8000000000LL /* of pairs that give no rate */
#define BLOCK_FIRST_NS	  125000000LL
#define BLOCK_LAST_NS	  2000000000LL
#define START_POINTS	  (RATE_STEPS_SIDE + 1) /* that can be a start */
#define START_GAIN	  3.0			/* times closer without them */
#define QUANTUM_MIN	  8 /* frames; below it the pointer is exact */
#define QUANTUM_TIMES	  1.5
#define KEPT_ERROR_GROWTH 0.02 /* ppm per block, over a restart */

/* All of its pairs are off by that for as
 * long as the reader wakes just before the tick and not just behind it. */
double posclock_tick_ns(const struct posclock *clock)
{
	return clock->quantum < QUANTUM_MIN
		       ? 0
		       : QUANTUM_TIMES * (double)clock->quantum *
				 clock->nominal_ns;
}

void posclock_forget_pairs(struct posclock *clock)
{
	clock->recent_count = 0;
	clock->run_pairs = 0;
	clock->early_pairs = 0;
	clock->window_pairs = 0;
	clock->envelope_count = 0;
	clock->block_start_ns = 0;
	clock->block_ns = BLOCK_FIRST_NS;
	clock->started = false;
}

void posclock_forget_rate(struct posclock *clock)
{
	posclock_forget_pairs(clock);
	clock->frame_ns = clock->nominal_ns;
	clock->ppm = 0;
	clock->ppm_error = LOCK_PPM;
	clock->locked = false;
	clock->noise_ns = 0;
	clock->typical_ns = 0;
	clock->usual_ns = 0;
	clock->windows = 0;
	clock->kept_error = 0;
}

/* Turns the line about the newest pair. */
static void turn_line(struct posclock *clock, double frame_ns)
{
	struct posclock_recent *now = posclock_recent(clock, 0);
	double at = (double)(now->pair.position - clock->anchor.position) *
		    clock->frame_ns;
	int64_t whole = rounded(at);

	clock->anchor.time_ns += whole;
	clock->anchor.position = now->pair.position;
	clock->base_ns += at - (double)whole;
	clock->frame_ns = frame_ns;
	for (unsigned age = 0; age < clock->recent_count; age++) {
		struct posclock_recent *r = posclock_recent(clock, age);

		r->late_ns = posclock_late_ns(clock, &r->pair);
	}
}

/* The first line with a known rate: its envelope and noise begin here. */
static void lock_line(struct posclock *clock, const struct rate_fit *fit)
{
	clock->locked = true;
	clock->base_ns = posclock_recent(clock, 0)->late_ns;
	for (unsigned age = 1; age < clock->recent_count; age++)
		clock->base_ns = smaller(clock->base_ns,
					 posclock_recent(clock, age)->late_ns);
	clock->noise_ns = fit->worst_ns;
	clock->windows = 0;
	clock->started = true;
	clock->window_pairs = 0;
	clock->run_pairs = 0;
}

/* What was lost at the first step; the clock's pairs behind it move on by it,
 * as the caller's positions do. */
static void take_early_step(struct posclock *clock,
			    const struct rate_steps *steps)
{
	double frame_ns = clock->nominal_ns * (1 + steps->fit.slope);
	int64_t frames = rounded(steps->step[0].ns / frame_ns);
	unsigned at = steps->step[0].at;
	int64_t from = clock->envelope[at - 1].position;
	int64_t to = clock->envelope[at].position;

	clock->early_step = (struct posclock_step){
		.event = POSCLOCK_LOST,
		.position = from + (to - from) / 2,
		.uncertainty = (to - from + 1) / 2,
		.frames = frames,
	};
	for (; at < clock->envelope_count; at++)
		clock->envelope[at].position += frames;
	for (unsigned age = 0; age < clock->recent_count; age++)
		posclock_recent(clock, age)->pair.position += frames;
	turn_line(clock, clock->frame_ns);
}

/* What a device does when it starts is no part of its line, nor can a loss be
 * told from it. */
static void leave_start_out(struct posclock *clock, struct rate_fit *fit)
{
	struct posclock_pair *point = clock->envelope;
	unsigned rest = clock->envelope_count - START_POINTS;
	struct rate_fit without;

	if (rest < RATE_FIT_POINTS)
		return;
	without = rate_fit(point + START_POINTS, rest, clock->nominal_ns);
	if (without.error * START_GAIN > fit->error)
		return;
	*fit = without;
	for (unsigned i = 0; i < rest; i++)
		point[i] = point[i + START_POINTS];
	clock->envelope_count = rest;
}

/* The rate of a clock that is not locked, whatever was lost meanwhile. False:
 * it cannot be told yet. */
static bool learn_rate(struct posclock *clock, struct rate_fit *fit)
{
	double least = larger(POSCLOCK_SPARSE_STEP_NS, posclock_tick_ns(clock));
	struct rate_steps steps =
		rate_steps(clock->envelope, clock->envelope_count,
			   clock->nominal_ns, least);

	if (steps.count > 0 && steps.fit.error * 1e6 <= LOCK_ERROR_PPM) {
		take_early_step(clock, &steps);
		*fit = steps.fit;
		return steps.count == 1;
	}
	*fit = rate_fit(clock->envelope, clock->envelope_count,
			clock->nominal_ns);
	leave_start_out(clock, fit);
	return fit->error * 1e6 <= LOCK_ERROR_PPM &&
	       !rate_steps_tail(clock->envelope, clock->envelope_count,
				clock->nominal_ns, fit, least);
}

static void take_rate(struct posclock *clock)
{
	struct rate_fit fit;
	bool good = true;

	if (clock->envelope_count < RATE_FIT_POINTS)
		return;
	if (clock->locked)
		fit = rate_fit(clock->envelope, clock->envelope_count,
			       clock->nominal_ns);
	else
		good = learn_rate(clock, &fit);

	double ppm = (1 / (1 + fit.slope) - 1) * 1e6;
	double error = fit.error * 1e6;

	good = good && magnitude(ppm) <= LOCK_PPM && error <= LOCK_ERROR_PPM;
	if (!good && !clock->locked && fit.span_ns >= RELEARN_NS)
		posclock_forget_rate(clock);
	clock->kept_error += clock->kept_error > 0 ? KEPT_ERROR_GROWTH : 0;
	if (!good || (clock->kept_error > 0 && error > clock->kept_error))
		return;
	clock->kept_error = 0;
	clock->ppm = ppm;
	clock->ppm_error = error;
	turn_line(clock, clock->nominal_ns * (1 + fit.slope));
	if (!clock->locked)
		lock_line(clock, &fit);
}

/* Room for another point: of two neighbours the less late one stays, or the
 * oldest goes. */
static void thin_envelope(struct posclock *clock)
{
	struct posclock_pair *point = clock->envelope;
	unsigned half = POSCLOCK_ENVELOPE / 2;

	if (clock->block_ns >= BLOCK_LAST_NS) {
		for (unsigned i = 1; i < POSCLOCK_ENVELOPE; i++)
			point[i - 1] = point[i];
		clock->envelope_count--;
		return;
	}
	for (unsigned i = 0; i < half; i++) {
		double a = posclock_late_ns(clock, &point[2 * i]);
		double b = posclock_late_ns(clock, &point[2 * i + 1]);

		point[i] = a <= b ? point[2 * i] : point[2 * i + 1];
	}
	clock->envelope_count = half;
	clock->block_ns *= 2;
}

void posclock_offer(struct posclock *clock, double late_ns)
{
	const struct posclock_pair *pair = &posclock_recent(clock, 0)->pair;

	if (clock->block_start_ns != 0 &&
	    pair->time_ns - clock->block_start_ns >= clock->block_ns) {
		if (clock->envelope_count == POSCLOCK_ENVELOPE)
			thin_envelope(clock);
		clock->envelope[clock->envelope_count++] = clock->block_best;
		clock->block_start_ns = 0;
		take_rate(clock);
		late_ns = posclock_late_ns(clock, pair);
	}
	if (clock->block_start_ns == 0) {
		clock->block_start_ns = pair->time_ns;
	} else if (late_ns >= clock->block_late_ns) {
		return;
	}
	clock->block_best = *pair;
	clock->block_late_ns = late_ns;
}
