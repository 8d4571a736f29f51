/*
 * posclock: a line below all pairs, and what stands above it for too long.
 *
 * Lateness is a pair's time less the time that a reference line through the
 * anchor gives its position. Its lower envelope, base, is followed by a minimum
 * that leaks upwards a little faster than the rate may be wrong; the rate comes
 * from the envelope's points of the last minutes. So base is right within
 * microseconds although most pairs may be late by milliseconds.
 *
 * A loss is a run of pairs that all stand above base by more than the
 * threshold, for DECIDE_NS, at a level that neither falls (a device or a
 * machine catching up) nor climbs steadily (a changed rate). The threshold is
 * a multiple of the largest of the minima of such windows seen lately: of what
 * this clock does without a loss.
 *
 * Pairs that are too early cannot be explained by a late stamp. Three of them
 * move the line, so that one wrong pointer cannot.
 */
#include "engine/posclock_private.h"
#include "engine/reals.h"

#define DECIDE_NS	  50000000LL /* shortest run that is a loss */
#define DECIDE_PAIRS	  6
#define GIVE_UP_NS	  5000000000LL /* a run this long is another rate */
#define GIVE_UP_YOUNG_NS  500000000LL  /* before there is a threshold */
#define SPACING_NS	  1200000LL    /* closer pairs share a recent entry */
#define NEAR_PAIRS	  4
#define DENSE_NS	  4.5e6 /* between pairs: a dozen in DECIDE_NS */
#define EARLY_PAIRS	  3
#define EARLY_NS	  200000000LL /* within which they must come */
#define EARLY_MARGIN_NS	  30000.0
#define STAMP_NS	  20000.0 /* what time stamps are good for at best */
#define LEAK_UNLOCKED	  1e-3
#define LEAK_LOCKED	  50e-6
#define LEAK_GAP_NS	  20e6
#define NOISE_TIMES	  4.0
#define NOISE_KEPT_NS	  120e9 /* time constant of forgetting noise */
#define USUAL_STEP_NS	  500.0
#define LATE_KEPT	  1000.0 /* pairs that late_share is a mean of */
#define LATE_FIRST	  0.002	 /* of a clock that is not known yet */
#define CHANCE		  1e-3	 /* what is less likely is ruled out */
#define RESTARTED_STEP_NS 1.5e6	 /* where the rate was known before */
#define YOUNG_STEP_NS	  20e6	 /* but for one that no start can explain */

static int64_t divisor(int64_t a, int64_t b)
{
	while (b > 0) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

void posclock_init(struct posclock *clock, unsigned rate)
{
	*clock = (struct posclock){.nominal_ns = 1e9 / rate,
				   .late_share = LATE_FIRST};
	posclock_forget_rate(clock);
}

void posclock_restarted(struct posclock *clock)
{
	if (clock->locked)
		clock->kept_error = clock->ppm_error;
	posclock_forget_pairs(clock);
	clock->windows = 0;
}

/* --- steps --- */

static double threshold(const struct posclock *clock)
{
	double young = 1.0 + 20.0 / (1.0 + clock->windows);
	double floor = clock->spacing_ns <= DENSE_NS ? POSCLOCK_STEP_MIN_NS
						     : POSCLOCK_SPARSE_STEP_NS;
	double least = larger(floor, posclock_tick_ns(clock));

	return larger(least, NOISE_TIMES * young * clock->noise_ns);
}

/* How much levels that are the same may differ. */
static double tolerance(const struct posclock *clock)
{
	return 2 * clock->noise_ns + 1.5 * clock->nominal_ns + STAMP_NS;
}

/* How far above their level single pairs are as a rule. */
static double spread(const struct posclock *clock)
{
	return larger(tolerance(clock), 4 * clock->usual_ns);
}

/* Learns what the minimum of a window without a step comes to. */
static void watch_noise(struct posclock *clock, double above_ns,
			int64_t time_ns)
{
	if (clock->window_pairs == 0) {
		clock->window_start_ns = time_ns;
		clock->window_min_ns = above_ns;
	}
	clock->usual_ns += (above_ns > clock->usual_ns ? 1 : -1) *
			   (USUAL_STEP_NS + clock->usual_ns / 64);
	clock->window_pairs++;
	clock->window_min_ns = smaller(clock->window_min_ns, above_ns);

	int64_t age = time_ns - clock->window_start_ns;

	if (age < DECIDE_NS || clock->window_pairs < DECIDE_PAIRS ||
	    clock->run_pairs > 0)
		return;
	clock->noise_ns -=
		clock->noise_ns * smaller((double)age / NOISE_KEPT_NS, 1.0);
	clock->noise_ns = larger(clock->noise_ns, clock->window_min_ns);
	clock->typical_ns += (clock->window_min_ns - clock->typical_ns) / 64;
	clock->windows += clock->windows < UINT32_MAX;
	clock->window_pairs = 0;
}

/* Learns how many pairs are late without a loss. */
static void watch_late(struct posclock *clock, double above_ns)
{
	double late = above_ns > spread(clock) ? 1 : 0;

	clock->late_share += (late - clock->late_share) / LATE_KEPT;
}

/* So many pairs were late because of a loss. */
static void forget_late(struct posclock *clock, unsigned pairs)
{
	clock->late_share = larger(0, clock->late_share - pairs / LATE_KEPT);
}

/* The lowest level of the pairs aged from..to-1, above base. */
static double lowest(struct posclock *clock, unsigned from, unsigned to)
{
	double low = posclock_recent(clock, from)->late_ns;

	for (unsigned age = from + 1; age < to; age++)
		low = smaller(low, posclock_recent(clock, age)->late_ns);
	return low - clock->base_ns;
}

/* Whether as many of the newest pairs lie close to level as lie close to base
 * when nothing is wrong. A busy machine's stamps spread; a loss's do not. */
static bool crowded(struct posclock *clock, unsigned pairs, double level)
{
	double close = clock->base_ns + level + spread(clock);
	unsigned count = 0;

	for (unsigned age = 0; age < pairs; age++)
		count += posclock_recent(clock, age)->late_ns <= close;
	return 2 * count >= pairs;
}

/* The level of the run under way if it is a loss, else 0. */
static double loss_level(struct posclock *clock, int64_t now_ns)
{
	unsigned pairs = DECIDE_PAIRS;

	while (pairs < clock->recent_count &&
	       now_ns - posclock_recent(clock, pairs - 1)->pair.time_ns <
		       DECIDE_NS)
		pairs++;

	unsigned third = pairs / 3;
	double late = lowest(clock, 0, third);
	double middle = lowest(clock, third, 2 * third);
	double early = lowest(clock, 2 * third, pairs);
	double lowest_of_all = smaller(early, smaller(middle, late));
	double highest = larger(early, larger(middle, late));
	/* A pair from amid the loss may be among the early ones. */
	double level = smaller(middle, late);

	if (highest - lowest_of_all > tolerance(clock) ||
	    !crowded(clock, pairs, level))
		return 0;
	return level;
}

/* Counts the late pairs that the recent past still ends with. */
static void recount_run(struct posclock *clock)
{
	double limit = clock->base_ns + threshold(clock);

	clock->run_pairs = 0;
	while (clock->run_pairs < clock->recent_count &&
	       posclock_recent(clock, clock->run_pairs)->late_ns > limit) {
		clock->run_start_ns =
			posclock_recent(clock, clock->run_pairs)->pair.time_ns;
		clock->run_pairs++;
	}
}

/* Whether the pairs aged from..to-1 stand at one level to half a frame. */
static bool level_there(struct posclock *clock, unsigned from, unsigned to)
{
	double most = clock->base_ns + lowest(clock, from, to) +
		      clock->nominal_ns / 2;

	while (from < to && posclock_recent(clock, from)->late_ns <= most)
		from++;
	return from == to;
}

/*
 * Frames that a loss comes to which was between the pairs aged before-1 and
 * before. Whole frames in whole packets make lateness a saw-tooth of a frame;
 * the pairs next to the loss stand at the same place of it on both sides, and
 * are asked alone if they are as good as that.
 */
static int64_t loss_length(struct posclock *clock, double level_ns,
			   unsigned before)
{
	double was = clock->typical_ns, is = level_ns, length;

	if (before >= NEAR_PAIRS &&
	    clock->recent_count - before >= NEAR_PAIRS &&
	    level_there(clock, before, before + NEAR_PAIRS) &&
	    level_there(clock, before - NEAR_PAIRS, before)) {
		was = lowest(clock, before, before + NEAR_PAIRS);
		is = lowest(clock, before - NEAR_PAIRS, before);
	}
	length = (is - was) / clock->frame_ns;
	return length > 1 ? rounded(length) : 1;
}

/* The pair, aged before-1 or less, that cannot have come before the loss. A
 * late stamp may stand at the loss's level, which is high at most, by chance;
 * as many as that in a row do not. */
static unsigned surely_after(struct posclock *clock, unsigned before,
			     double high)
{
	unsigned after = before > 0 ? before - 1 : 0;
	double chance = 1;

	while (after > 0) {
		double late = posclock_recent(clock, after)->late_ns;

		if (late <= high && late > clock->base_ns + spread(clock))
			chance *= clock->late_share;
		if (chance < CHANCE)
			break;
		after--;
	}
	return after;
}

/* All pairs younger than before came after so many frames had been lost. */
static void make_good(struct posclock *clock, unsigned before, int64_t frames)
{
	for (unsigned age = 0; age < before; age++) {
		posclock_recent(clock, age)->pair.position += frames;
		posclock_recent(clock, age)->late_ns -=
			(double)frames * clock->frame_ns;
	}
	recount_run(clock);
}

/*
 * After a loss no pair is below its level, so the newest one that is came
 * before it; and the first one at the level came after it, as a rule. What is
 * higher still is a late stamp, and may be either. But where that newest one
 * stands well above the line, it was taken amid the loss, when frames had
 * ceased to come: it says just where.
 */
static struct posclock_step take_loss(struct posclock *clock, double level_ns)
{
	double low = clock->base_ns + level_ns - tolerance(clock);
	double high = clock->base_ns + level_ns + tolerance(clock);
	unsigned before = 0, after;

	while (before + 1 < clock->recent_count &&
	       posclock_recent(clock, before)->late_ns >= low)
		before++;
	after = before > 0 ? before - 1 : 0;
	while (after > 0 && posclock_recent(clock, after)->late_ns > high)
		after--;
	forget_late(clock, before);

	int64_t frames = loss_length(clock, level_ns, before);
	int64_t from = posclock_recent(clock, before)->pair.position;
	int64_t to = posclock_recent(clock, after)->pair.position;
	int64_t latest =
		posclock_recent(clock, surely_after(clock, before, high))
			->pair.position;
	bool amid = posclock_recent(clock, before)->late_ns >
		    clock->base_ns + spread(clock);
	int64_t position = amid ? from : from + (to - from) / 2;

	make_good(clock, before, frames);
	return (struct posclock_step){
		.event = POSCLOCK_LOST,
		.position = position,
		.likely = (to - from + 1) / 2,
		.uncertainty = latest - position,
		.frames = frames,
	};
}

/* What it does without a loss is not known yet. */
static bool is_young(const struct posclock *clock)
{
	return !clock->started && clock->windows < POSCLOCK_WINDOWS_FIRST;
}

/* Pairs stay late, but at no level that could be called a loss: the rate is not
 * what it was. What is missing by now is, all the same; where, is anyone's
 * guess. */
static struct posclock_step give_up(struct posclock *clock, int64_t age_ns)
{
	double now = lowest(clock, 0, DECIDE_PAIRS);
	double before =
		lowest(clock, clock->recent_count / 2, clock->recent_count);
	struct posclock_step step = {0};

	if (!is_young(clock) && now > before - tolerance(clock)) {
		step = take_loss(clock, now);
		step.likely += rounded((double)age_ns / clock->frame_ns);
		step.uncertainty += rounded((double)age_ns / clock->frame_ns);
	}
	clock->late_share = LATE_FIRST;
	posclock_forget_rate(clock);
	return step;
}

/* While it is young. What a device does when it is started again is made good
 * like a loss: it goes with the gap that the restart was. */
static double least_step(const struct posclock *clock)
{
	if (!is_young(clock))
		return 0;
	return clock->kept_error > 0 ? RESTARTED_STEP_NS : YOUNG_STEP_NS;
}

static struct posclock_step find_loss(struct posclock *clock,
				      const struct posclock_pair *pair)
{
	int64_t age = pair->time_ns - clock->run_start_ns;
	bool unknown = is_young(clock) && !(clock->kept_error > 0);

	if (clock->run_pairs < DECIDE_PAIRS || age < DECIDE_NS)
		return (struct posclock_step){0};
	if (age > (unknown ? GIVE_UP_YOUNG_NS : GIVE_UP_NS))
		return give_up(clock, age);

	double level = loss_level(clock, pair->time_ns);

	if (level <= larger(threshold(clock), least_step(clock)))
		return (struct posclock_step){0};
	return take_loss(clock, level);
}

/* The line goes down to where the early pairs are; the envelope's points, all
 * of before, go with it if that is a step. */
static struct posclock_step take_early(struct posclock *clock,
				       const struct posclock_pair *pair)
{
	double drop = clock->base_ns - clock->early_late_ns;
	int64_t frames = rounded(drop / clock->frame_ns);

	clock->base_ns = clock->early_late_ns;
	clock->early_pairs = 0;
	if (drop <= threshold(clock) || clock->windows < POSCLOCK_WINDOWS_FIRST)
		return (struct posclock_step){0};
	for (unsigned i = 0; i < clock->envelope_count; i++)
		clock->envelope[i].position += frames;
	clock->block_best.position += frames;
	clock->block_late_ns -= (double)frames * clock->frame_ns;
	return (struct posclock_step){
		.event = POSCLOCK_SURPLUS,
		.position = clock->early_first.position,
		.uncertainty = pair->position - clock->early_first.position,
		.frames = frames,
	};
}

static struct posclock_step find_surplus(struct posclock *clock,
					 const struct posclock_pair *pair,
					 double late_ns)
{
	if (clock->early_pairs > 0 &&
	    pair->time_ns - clock->early_first.time_ns > EARLY_NS)
		clock->early_pairs = 0;
	if (clock->early_pairs == 0) {
		clock->early_first = *pair;
		clock->early_late_ns = late_ns;
	}
	clock->early_late_ns = larger(clock->early_late_ns, late_ns);
	if (++clock->early_pairs < EARLY_PAIRS)
		return (struct posclock_step){0};
	return take_early(clock, pair);
}

/* A locked line's next pair. */
static struct posclock_step judge(struct posclock *clock,
				  const struct posclock_pair *pair,
				  double late_ns)
{
	double margin = larger(EARLY_MARGIN_NS, clock->noise_ns);
	double above = late_ns - clock->base_ns;
	struct posclock_step step = {0};

	if (above < -margin) {
		step = find_surplus(clock, pair, late_ns);
		clock->run_pairs = 0;
		return step;
	}
	if (above < 0)
		clock->base_ns = late_ns;
	watch_late(clock, above);
	if (above <= threshold(clock)) {
		clock->run_pairs = 0;
		watch_noise(clock, larger(above, 0), pair->time_ns);
		posclock_offer(clock, late_ns);
		return step;
	}
	if (clock->run_pairs++ == 0)
		clock->run_start_ns = pair->time_ns;
	return find_loss(clock, pair);
}

/* Before the rate is known the line only follows. */
static void follow(struct posclock *clock, double late_ns)
{
	clock->base_ns = smaller(clock->base_ns, late_ns);
	posclock_offer(clock, late_ns);
}

/* Keeps the pair; true if it is a new entry, not a better one of the last. */
static bool remember(struct posclock *clock, const struct posclock_pair *pair,
		     double late_ns)
{
	struct posclock_recent *last = posclock_recent(clock, 0);
	bool close = clock->recent_count > 0 &&
		     pair->time_ns - clock->newest_ns < SPACING_NS;

	if (close && late_ns > last->late_ns)
		return false;
	if (!close) {
		clock->newest++;
		clock->newest_ns = pair->time_ns;
		if (clock->recent_count < POSCLOCK_WINDOW)
			clock->recent_count++;
		last = posclock_recent(clock, 0);
	}
	*last = (struct posclock_recent){*pair, late_ns};
	return !close;
}

/* How far the base may have risen since the last pair. Neither a gap without
 * pairs nor a run of late ones tells anything of the line. */
static double leak_of(const struct posclock *clock, int64_t elapsed_ns)
{
	double leak = clock->locked ? LEAK_LOCKED + 3e-6 * clock->ppm_error
				    : LEAK_UNLOCKED;

	if (clock->run_pairs > 0)
		return 0;
	return leak * smaller((double)elapsed_ns, LEAK_GAP_NS);
}

struct posclock_step posclock_feed(struct posclock *clock, int64_t position,
				   int64_t time_ns)
{
	const struct posclock_pair pair = {position, time_ns};
	const struct posclock_pair last = posclock_recent(clock, 0)->pair;
	struct posclock_step step;
	double late;

	if (clock->recent_count == 0) {
		clock->anchor = pair;
		clock->base_ns = 0;
	} else if (position <= last.position || time_ns < last.time_ns) {
		return (struct posclock_step){0};
	}
	if (clock->recent_count > 0)
		clock->quantum =
			divisor(position - last.position, clock->quantum);
	late = posclock_late_ns(clock, &pair);
	if (!remember(clock, &pair, late))
		return (struct posclock_step){0};
	clock->spacing_ns +=
		((double)(time_ns - last.time_ns) - clock->spacing_ns) / 16;
	if (clock->recent_count > 1)
		clock->base_ns += leak_of(clock, time_ns - last.time_ns);
	if (clock->locked)
		return judge(clock, &pair, late);
	follow(clock, late);
	step = clock->early_step;
	clock->early_step = (struct posclock_step){0};
	return step;
}
