/*
 * rate_steps: least squares of lines that share their slope, one for each
 * stretch between two steps. Steps are added one at a time, each where it
 * brings the points closest to the lines, for as long as that makes them much
 * closer. A point that is late and not part of a step is left out in the end,
 * as in rate_fit.
 */
#include "engine/rate_steps.h"

#include "engine/reals.h"

#define STAMP_NS    5000.0 /* what the best time stamps scatter by */
#define STEP_POINTS 12	   /* for each step: fewer can be anything */
#define GAIN	    4.0	   /* times closer with all the steps than without */
#define CLEARLY	    8.0	   /* times the scatter: the least step */
#define STEP_GAINS  1.5	   /* times closer with one more */

struct lines {
	double x[POSCLOCK_ENVELOPE], y[POSCLOCK_ENVELOPE];
	bool left_out[POSCLOCK_ENVELOPE];
};

/* What is between cut[i] and cut[i + 1] has a line of its own. */
struct cuts {
	unsigned cut[RATE_STEPS_MAX + 2];
	unsigned count; /* of lines */
};

struct lines_fit {
	double slope, scatter, worst;
	double spread; /* sum of squares along x */
	double offset[RATE_STEPS_MAX + 1];
	unsigned used;
};

static void means(const struct lines *lines, unsigned from, unsigned to,
		  double *x, double *y)
{
	double n = 0;

	*x = *y = 0;
	for (unsigned i = from; i < to; i++) {
		if (lines->left_out[i])
			continue;
		n += 1;
		*x += lines->x[i];
		*y += lines->y[i];
	}
	if (n > 0) {
		*x /= n;
		*y /= n;
	}
}

static void measure(const struct lines *lines, const struct cuts *cuts,
		    struct lines_fit *fit)
{
	double sum = 0;

	for (unsigned g = 0; g < cuts->count; g++)
		for (unsigned i = cuts->cut[g]; i < cuts->cut[g + 1]; i++) {
			double off = magnitude(lines->y[i] - fit->offset[g] -
					       fit->slope * lines->x[i]);

			if (lines->left_out[i])
				continue;
			fit->used++;
			sum += off;
			fit->worst = larger(fit->worst, off);
		}
	fit->scatter = fit->used > 0 ? sum / fit->used : 0;
}

static struct lines_fit fit_lines(const struct lines *lines,
				  const struct cuts *cuts)
{
	double mean_x[RATE_STEPS_MAX + 1] = {0};
	double mean_y[RATE_STEPS_MAX + 1] = {0};
	double sxy = 0;
	struct lines_fit fit = {0};

	for (unsigned g = 0; g < cuts->count; g++) {
		means(lines, cuts->cut[g], cuts->cut[g + 1], &mean_x[g],
		      &mean_y[g]);
		for (unsigned i = cuts->cut[g]; i < cuts->cut[g + 1]; i++) {
			double x = lines->x[i] - mean_x[g];

			if (lines->left_out[i])
				continue;
			fit.spread += x * x;
			sxy += x * (lines->y[i] - mean_y[g]);
		}
	}
	fit.slope = fit.spread > 0 ? sxy / fit.spread : 0;
	for (unsigned g = 0; g < cuts->count; g++)
		fit.offset[g] = mean_y[g] - fit.slope * mean_x[g];
	measure(lines, cuts, &fit);
	return fit;
}

static struct cuts cut_at(const struct cuts *cuts, unsigned at)
{
	struct cuts more = *cuts;
	unsigned g = more.count++;

	more.cut[more.count] = more.cut[more.count - 1];
	for (; more.cut[g] > at; g--)
		more.cut[g + 1] = more.cut[g];
	more.cut[g + 1] = at;
	return more;
}

/* One more where it helps most; false if it helps nowhere. */
static bool add_cut(const struct lines *lines, struct cuts *cuts,
		    struct lines_fit *fit)
{
	struct cuts best = *cuts;
	struct lines_fit best_fit = *fit;

	for (unsigned g = 0; g < cuts->count; g++) {
		unsigned from = cuts->cut[g] + RATE_STEPS_SIDE;

		for (unsigned at = from;
		     at + RATE_STEPS_SIDE <= cuts->cut[g + 1]; at++) {
			struct cuts more = cut_at(cuts, at);
			struct lines_fit closer = fit_lines(lines, &more);

			if (closer.scatter < best_fit.scatter) {
				best = more;
				best_fit = closer;
			}
		}
	}
	if (best.count == cuts->count ||
	    best_fit.scatter * STEP_GAINS > fit->scatter)
		return false;
	*cuts = best;
	*fit = best_fit;
	return true;
}

static void leave_out_late(struct lines *lines, const struct cuts *cuts,
			   const struct lines_fit *fit)
{
	double limit = 1.25 * fit->scatter + STAMP_NS;

	for (unsigned g = 0; g < cuts->count; g++)
		for (unsigned i = cuts->cut[g]; i < cuts->cut[g + 1]; i++)
			lines->left_out[i] = lines->y[i] - fit->offset[g] -
						     fit->slope * lines->x[i] >
					     limit;
}

static void set_out(struct lines *lines, const struct posclock_pair *points,
		    unsigned count, double nominal_ns)
{
	for (unsigned i = 0; i < count; i++) {
		lines->x[i] =
			(double)(points[i].position - points[0].position) *
			nominal_ns;
		lines->y[i] = (double)(points[i].time_ns - points[0].time_ns) -
			      lines->x[i];
		lines->left_out[i] = false;
	}
}

/* Of the longest line: what the slope is known from at the least. */
static double span(const struct lines *lines, const struct cuts *cuts)
{
	double longest = 0;

	for (unsigned g = 0; g < cuts->count; g++)
		longest = larger(longest, lines->x[cuts->cut[g + 1] - 1] -
						  lines->x[cuts->cut[g]]);
	return longest;
}

struct rate_steps rate_steps(const struct posclock_pair *points, unsigned count,
			     double nominal_ns, double least_ns)
{
	struct rate_steps steps = {.count = 0};
	struct cuts cuts = {.cut = {0, count}, .count = 1};
	struct lines lines;
	struct lines_fit fit;
	double without;

	set_out(&lines, points, count, nominal_ns);
	fit = fit_lines(&lines, &cuts);
	without = fit.scatter;
	while (cuts.count <= RATE_STEPS_MAX &&
	       cuts.count <= count / STEP_POINTS &&
	       add_cut(&lines, &cuts, &fit))
		;
	leave_out_late(&lines, &cuts, &fit);
	fit = fit_lines(&lines, &cuts);
	if (cuts.count == 1 || without < GAIN * fit.scatter)
		return steps;
	for (unsigned g = 1; g < cuts.count; g++) {
		double ns = fit.offset[g] - fit.offset[g - 1];

		if (ns < larger(least_ns, CLEARLY * fit.scatter))
			return steps;
		steps.step[g - 1].at = cuts.cut[g];
		steps.step[g - 1].ns = ns;
	}
	steps.count = cuts.count - 1;
	steps.fit = (struct rate_fit){
		.slope = fit.slope,
		.offset_ns = fit.offset[cuts.count - 1],
		.deviation_ns = fit.scatter,
		.worst_ns = fit.worst,
		.span_ns = span(&lines, &cuts),
	};
	steps.fit.error = (1.25 * fit.scatter + STAMP_NS) / steps.fit.span_ns;
	return steps;
}

bool rate_steps_tail(const struct posclock_pair *points, unsigned count,
		     double nominal_ns, const struct rate_fit *fit,
		     double limit_ns)
{
	const struct posclock_pair *last = &points[count - 1];
	double x = (double)(last->position - points[0].position) * nominal_ns;
	double y = (double)(last->time_ns - points[0].time_ns) - x;

	return y - fit->offset_ns - fit->slope * x > limit_ns;
}
