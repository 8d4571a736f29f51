/*
 * rate_fit: least squares, twice, over as much of the past as agrees with the
 * present.
 *
 * Points can be late but not early, so those that stand out above the first
 * line are left out of the second. And a crystal that warms up has another rate
 * now than two minutes ago, so a past whose newer half says otherwise is given
 * up for that half.
 */
#include "engine/rate_fit.h"

#include "engine/reals.h"

#define STAMP_NS 5000.0 /* what the best time stamps scatter by */
#define NO_LIMIT 1e18

struct points {
	const struct posclock_pair *pair;
	unsigned count;
	double nominal_ns;
};

/* Nominal time since the first point, and the time that passed beyond it. */
static void coordinates(const struct points *points, unsigned i, double *x,
			double *y)
{
	const struct posclock_pair *first = &points->pair[0];
	const struct posclock_pair *pair = &points->pair[i];

	*x = (double)(pair->position - first->position) * points->nominal_ns;
	*y = (double)(pair->time_ns - first->time_ns) - *x;
}

static double above(const struct rate_fit *fit, double x, double y)
{
	return y - fit->offset_ns - fit->slope * x;
}

/* How far the points that lie at most limit above rough scatter about fit. */
static void measure_scatter(const struct points *points,
			    const struct rate_fit *rough, double limit,
			    struct rate_fit *fit)
{
	double n = 0, sum = 0, x, y;

	for (unsigned i = 0; i < points->count; i++) {
		coordinates(points, i, &x, &y);
		if (above(rough, x, y) > limit)
			continue;
		double off = magnitude(above(fit, x, y));

		n += 1;
		sum += off;
		fit->span_ns = x;
		if (off > fit->worst_ns)
			fit->worst_ns = off;
	}
	fit->deviation_ns = sum / n;
	/* sqrt(12 / n) / span is what least squares make of even noise; n is
	 * RATE_FIT_POINTS or so at the least, and no more is claimed. */
	fit->error = (1.25 * fit->deviation_ns + STAMP_NS) / fit->span_ns;
}

static struct rate_fit fit_below(const struct points *points,
				 const struct rate_fit *rough, double limit)
{
	double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, x, y;
	struct rate_fit fit = {0};

	for (unsigned i = 0; i < points->count; i++) {
		coordinates(points, i, &x, &y);
		if (above(rough, x, y) > limit)
			continue;
		n += 1;
		sx += x;
		sy += y;
		sxx += x * x;
		sxy += x * y;
	}
	fit.slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
	fit.offset_ns = (sy - fit.slope * sx) / n;
	measure_scatter(points, rough, limit, &fit);
	return fit;
}

static struct rate_fit fit_points(const struct points *points)
{
	const struct rate_fit none = {0};
	struct rate_fit all = fit_below(points, &none, NO_LIMIT);

	return fit_below(points, &all, 1.25 * all.deviation_ns + STAMP_NS);
}

struct rate_fit rate_fit(const struct posclock_pair *points, unsigned count,
			 double nominal_ns)
{
	struct points all = {points, count, nominal_ns};
	struct rate_fit fit = fit_points(&all);

	for (unsigned n = count / 2; n >= RATE_FIT_POINTS; n /= 2) {
		struct points half = {points + count - n, n, nominal_ns};
		struct rate_fit newer = fit_points(&half);
		double apart = magnitude(newer.slope - fit.slope);
		bool agree = apart <= newer.error + fit.error;

		if (!agree)
			fit = newer;
		fit.error += apart / 2;
		if (agree)
			break;
	}
	return fit;
}
