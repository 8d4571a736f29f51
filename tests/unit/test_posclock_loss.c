/*
 * posclock against simulated interfaces that lose frames, have too many, stop
 * and begin again: what must be found, to which frame, and what must not.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/clock_runs.h"

/* Loses frames at a time, and what is found of it. Where: the position that
 * they belong to. */
static struct posclock_step lose_once(struct device *d, struct posclock *clock,
				      double at, int64_t frames, int64_t *where)
{
	*where = (int64_t)floor(crystal(d, at)) - d->lost_before -
		 d->lost_frames + d->inserted;
	device_lose(d, at, frames);
	return run_until(d, clock, at + (double)frames / d->rate + 2);
}

static bool is_outside(int64_t where, const struct posclock_step *step)
{
	return where < step->position - step->uncertainty ||
	       where > step->position + step->uncertainty;
}

/* Loses frames every few seconds and wants each found once, where it was. */
static void lose_often(const struct kind *kind, double rate, int64_t frames,
		       double frames_off, double ms_off, double ms_delay)
{
	struct device d;
	struct posclock clock;
	double at = 8;
	char what[80];

	snprintf(what, sizeof(what), "%s, %g Hz, %ld lost", kind->name, rate,
		 (long)frames);
	device_open(&d, kind, rate, -40);
	posclock_init(&clock, (unsigned)rate);
	for (int i = 0; i < 60; i++, at += 3 + uniform() * 4) {
		double length = (double)frames / rate;
		struct posclock_step step;
		int64_t where;
		bool seen;

		run_quietly(&d, &clock, at - 0.03);
		seen = d.stamp < at; /* a reader that is held sees it later */
		step = lose_once(&d, &clock, at, frames, &where);
		if (step.event != POSCLOCK_LOST)
			fail_msg("%s: not found at %.3f s", what, at);
		assert_between((double)(step.frames - frames), -frames_off,
			       frames_off, what);
		assert_between((double)(step.position - where) / rate * 1e3,
			       -ms_off, ms_off, what);
		assert_false(seen && is_outside(where, &step));
		if (ms_delay > 0) {
			/* A pair or two more, for stamps that were late. */
			assert_between((double)step.uncertainty / rate * 1e3, 0,
				       4 * ms_off, what);
			assert_between((d.stamp - at - length) * 1e3, 0,
				       ms_delay, what);
		}
		at += length;
	}
	run_quietly(&d, &clock, at + 2);
}

static void losses_on_an_exact_clock_are_found_to_the_frame(void **state)
{
	static const int64_t frames[] = {24, 48, 96, 480, 4800, 48000};

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		lose_often(&exact, 48000, frames[i], 2, 1.4,
			   POSCLOCK_SETTLE_NS * 1e-6);
	lose_often(&exact, 44100, 24, 2, 1.5, POSCLOCK_SETTLE_NS * 1e-6);
	lose_often(&exact, 96000, 48, 2, 1.4, POSCLOCK_SETTLE_NS * 1e-6);
	lose_often(&exact, 192000, 96, 2, 1.4, POSCLOCK_SETTLE_NS * 1e-6);
}

static void every_clock_finds_what_it_must(void **state)
{
	(void)state;
	for (unsigned k = 0; k < KINDS; k++) {
		double off = kinds[k]->finds / 10.0 + 8;

		lose_often(kinds[k], 48000, kinds[k]->finds, off, 400, 0);
		lose_often(kinds[k], 48000, 4800, off, 400, 0);
	}
}

/* snd-usb-audio at high speed, as traced under the bench's interface: packets
 * of 125 us, eight of them shown at a time, a wake-up with the lot that ends a
 * period. */
struct packets {
	struct posclock clock;
	double jitter, late_share, late; /* seconds: of all, of some */
	int64_t sent, lost, done, inserted;
	int64_t packet, gone; /* where the last ones that failed belong */
	int failing;
};

#define PACKETS_PERIOD 90

static bool next_pair(struct packets *p, struct posclock_pair *pair)
{
	const double hz = 48000 * (1 + 35e-6);
	int64_t at = (int64_t)floor(hz * (double)++p->packet / 8000);
	double stamp = (double)p->packet / 8000 + exponential(p->jitter);

	if (uniform() < p->late_share)
		stamp += exponential(p->late);
	p->lost += p->failing > 0 ? at - p->sent - p->lost : 0;
	p->sent = at - p->lost;
	p->failing -= p->failing > 0;
	if (p->packet % 8 || p->sent - p->done < PACKETS_PERIOD)
		return false;
	p->done += (p->sent - p->done) / PACKETS_PERIOD * PACKETS_PERIOD;
	*pair = (struct posclock_pair){
		p->sent + p->inserted,
		(int64_t)1e15 + (int64_t)(stamp * 1e9),
	};
	return true;
}

static void fail_packets(struct packets *p, int packets)
{
	p->failing = packets;
	p->gone = p->sent + p->inserted;
}

/* Up to the packet: the last step, if there was one. */
static struct posclock_step run_packets(struct packets *p, int64_t end)
{
	struct posclock_step step = {0}, found = {0};
	struct posclock_pair pair;

	while (p->packet < end) {
		if (!next_pair(p, &pair))
			continue;
		step = posclock_feed(&p->clock, pair.position, pair.time_ns);
		if (step.event == POSCLOCK_NONE)
			continue;
		assert_int_equal(step.event, POSCLOCK_LOST);
		assert_int_equal(found.event, POSCLOCK_NONE);
		p->inserted += step.frames;
		found = step;
	}
	return found;
}

/* Each second some packets fail in a row; the first ones are few, and must not
 * be learned as noise. */
static void packets_that_fail_are_found_from_one_on(void **state)
{
	static const int fail[] = {1, 1, 2, 2, 3, 4, 5, 6, 8, 12, 16, 40, 80};
	struct packets p = {.jitter = 3e-6};

	(void)state;
	random_state = 88172645463325252ULL;
	posclock_init(&p.clock, 48000);
	run_packets(&p, 6 * 8000 + 7);
	for (int i = 0; i < 13; i++) {
		struct posclock_step step;

		fail_packets(&p, fail[i]);
		step = run_packets(&p, p.packet + 8000);
		assert_int_equal(step.event, POSCLOCK_LOST);
		assert_between((double)(p.inserted - p.lost), -1, 1, "in all");
		assert_between((double)(step.position - p.gone), -97, 97, "at");
		assert_false(is_outside(p.gone, &step));
	}
}

/* A stamp that is late by as much as was lost, just before, is no news of the
 * loss: what is said of its place allows for them. */
static void late_stamps_are_allowed_for_in_the_place(void **state)
{
	static const struct packets kinds_of_late[] = {
		{.jitter = 12e-6},
		{.jitter = 3e-6, .late_share = 0.01, .late = 200e-6},
		{.jitter = 20e-6, .late_share = 0.01, .late = 50e-6},
		{.jitter = 3e-6, .late_share = 0.1, .late = 1e-3},
		{.jitter = 3e-6, .late_share = 0.3, .late = 200e-6},
	};
	static const int64_t wide[] = {300, 300, 600, 1000, 1300};

	(void)state;
	random_state = 88172645463325252ULL;
	for (unsigned kind = 0; kind < 5; kind++) {
		struct packets p = kinds_of_late[kind];
		unsigned outside = 0;
		int64_t widest = 0;

		posclock_init(&p.clock, 48000);
		run_packets(&p, 6 * 8000);
		for (int i = 0; i < 1000; i++) {
			struct posclock_step step;

			fail_packets(&p, 1);
			step = run_packets(&p, p.packet + 7900 +
						       (int)(uniform() * 100));
			assert_int_equal(step.event, POSCLOCK_LOST);
			outside += is_outside(p.gone, &step);
			if (step.uncertainty > widest)
				widest = step.uncertainty;
		}
		assert_in_range(outside, 0, 3);
		assert_in_range(widest, 45, wide[kind]);
	}
}

/* A wake-up a period, on the grid of the bus; every stamp is a little late. */
static void wake_on_grid(struct device *d, double *when, double *late)
{
	*when = floor((double)++d->count * 90 / d->rate * 1000 + 1e-9) / 1000;
	*late = exponential(12e-6);
}

static void jitter_is_allowed_for_in_the_place(void **state)
{
	static const struct kind grid = {"on a grid", wake_on_grid, 6};
	struct device d;
	struct posclock clock;
	unsigned found = 0, outside = 0;
	double at = 8;

	(void)state;
	device_open(&d, &grid, 48000, -40);
	posclock_init(&clock, 48000);
	for (int i = 0; i < 1000; i++, at += 3 + uniform()) {
		struct posclock_step step;
		int64_t where;

		run_quietly(&d, &clock, at - 0.03);
		step = lose_once(&d, &clock, at, 6, &where);
		if (step.event == POSCLOCK_NONE)
			continue; /* may be hidden by the jitter */
		found++;
		outside += is_outside(where, &step);
	}
	assert_in_range(found, 300, 1000);
	assert_in_range(outside, 0, 2);
}

static void two_losses_close_together_are_both_made_good(void **state)
{
	struct device d;
	struct posclock clock;
	int64_t total = 0;

	(void)state;
	device_open(&d, &exact, 48000, 10);
	posclock_init(&clock, 48000);
	run_quietly(&d, &clock, 10);
	device_lose(&d, 10.01, 48);
	while (d.stamp < 10.04)
		total += run_until(&d, &clock, 10.04).frames;
	device_lose(&d, 10.05, 96);
	while (d.stamp < 11)
		total += run_until(&d, &clock, 11).frames;
	assert_between((double)total, 142, 146, "in all");
	run_quietly(&d, &clock, 20);
}

/* Nothing can be seen before the rate is known; when it is, what was lost until
 * then shows all the same. Not within the first half second: that could be the
 * way in which the device starts. */
static void losses_before_the_rate_is_known_are_found(void **state)
{
	static const int64_t sizes[] = {96, 300, 2000};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		for (double at = 0.6; at < 4; at += 0.05) {
			struct posclock_step step;
			struct posclock clock;
			struct device d;

			device_open(&d, &exact, 48000, 10);
			posclock_init(&clock, 48000);
			device_lose(&d, at, sizes[i]);
			step = run_until(&d, &clock, 6);
			if (step.event != POSCLOCK_LOST)
				fail_msg("%ld at %.2f s", (long)sizes[i], at);
			assert_in_range(step.frames, sizes[i] - 1,
					sizes[i] + 1);
			assert_in_range(d.lost_from,
					step.position - step.uncertainty,
					step.position + step.uncertainty);
			run_quietly(&d, &clock, 40);
		}
	}
}

static void two_losses_before_the_rate_is_known_are_found(void **state)
{
	(void)state;
	for (double at = 0.7; at < 2; at += 0.05) {
		struct posclock clock;
		struct device d;
		int64_t total = 0;

		device_open(&d, &usb_8ms, 48000, -40);
		posclock_init(&clock, 48000);
		device_lose(&d, at, 480);
		while (d.stamp < at + 0.7)
			total += run_until(&d, &clock, at + 0.7).frames;
		device_lose(&d, at + 0.7, 960);
		while (d.stamp < 10)
			total += run_until(&d, &clock, 10).frames;
		assert_in_range(total, 1438, 1442);
		run_quietly(&d, &clock, 40);
	}
}

static void a_loss_at_the_very_start_spoils_nothing(void **state)
{
	struct device d;
	struct posclock clock;

	(void)state;
	for (double at = 0.05; at < 0.6; at += 0.05) {
		device_open(&d, &exact, 48000, 10);
		posclock_init(&clock, 48000);
		device_lose(&d, at, 300);
		run_until(&d, &clock, at + 5);
		run_quietly(&d, &clock, 40);
		device_lose(&d, 40.01, 300);
		assert_int_equal(run_until(&d, &clock, 41).event,
				 POSCLOCK_LOST);
	}
}

/* Each kind in many tries: learning a rate makes no losses up. */
static void no_start_looks_like_a_loss(void **state)
{
	(void)state;
	for (unsigned k = 0; k < KINDS; k++) {
		struct device d;

		device_open(&d, kinds[k], 48000, 50);
		for (unsigned i = 0; i < 300; i++) {
			struct posclock clock;

			posclock_init(&clock, 48000);
			run_quietly(&d, &clock, d.stamp + 10);
		}
	}
}

/* One packet in thirty, for seconds: a bad cable. */
static void a_storm_of_losses_is_not_forgotten(void **state)
{
	struct device d;
	struct posclock clock;
	int64_t total = 0;

	(void)state;
	device_open(&d, &exact, 48000, 10);
	posclock_init(&clock, 48000);
	run_quietly(&d, &clock, 10);
	for (int i = 0; i < 100; i++) {
		device_lose(&d, 10.01 + i * 0.03, 48);
		total += run_until(&d, &clock, 10.01 + i * 0.03 + 0.03).frames;
	}
	while (d.stamp < 15)
		total += run_until(&d, &clock, 15).frames;
	assert_between((double)total, 4795, 4805, "in all");
}

static void a_surplus_is_noted_once(void **state)
{
	struct device d;
	struct posclock clock;
	struct posclock_step step;

	(void)state;
	device_open(&d, &preempted, 48000, 10);
	posclock_init(&clock, 48000);
	run_quietly(&d, &clock, 20);
	d.inserted += 96;
	step = run_until(&d, &clock, 21);
	assert_int_equal(step.event, POSCLOCK_SURPLUS);
	assert_between((double)step.frames, 94, 98, "frames");
	run_quietly(&d, &clock, 60);
	assert_between(posclock_line(&clock).ppm, 9, 11, "ppm");
}

static void one_wrong_pointer_is_no_step(void **state)
{
	struct device d;
	struct posclock clock;
	struct posclock_pair pair;

	(void)state;
	device_open(&d, &exact, 48000, 10);
	posclock_init(&clock, 48000);
	for (int t = 10; t < 60; t += 5) {
		run_quietly(&d, &clock, t);
		pair = device_pair(&d);
		assert_int_equal(
			posclock_feed(&clock, pair.position + 90, pair.time_ns)
				.event,
			POSCLOCK_NONE);
	}
	run_quietly(&d, &clock, 70);
}

static void a_restart_keeps_the_rate_and_finds_no_step(void **state)
{
	struct device d;
	struct posclock clock;
	struct posclock_line line;

	(void)state;
	device_open(&d, &preempted, 48000, 200);
	posclock_init(&clock, 48000);
	for (int t = 10; t < 100; t += 10) {
		run_quietly(&d, &clock, t);
		posclock_restarted(&clock);
		d.inserted += 12345 - 3000 * (t % 20);
		run_quietly(&d, &clock, t + 0.1);
		line = posclock_line(&clock);
		assert_true(line.locked);
		assert_between(line.ppm, 199, 201, "ppm after the restart");
	}
	run_quietly(&d, &clock, 110);
	assert_int_equal((device_lose(&d, 110.01, 480),
			  run_until(&d, &clock, 111).event),
			 POSCLOCK_LOST);
}

static void no_restart_looks_like_a_loss(void **state)
{
	(void)state;
	for (unsigned k = 0; k < KINDS; k++) {
		struct posclock clock;
		struct device d;

		device_open(&d, kinds[k], 48000, -30);
		posclock_init(&clock, 48000);
		run_quietly(&d, &clock, 20);
		for (unsigned i = 0; i < 300; i++) {
			struct posclock_line line = posclock_line(&clock);

			if (i % 2) /* in another process */
				posclock_init_line(&clock, 48000, &line);
			posclock_restarted(&clock);
			d.inserted += 4321;
			run_quietly(&d, &clock, d.stamp + 1 + i % 20);
		}
	}
}

static void a_loss_right_after_a_restart_is_found(void **state)
{
	(void)state;
	for (double at = 0.06; at < 1; at += 0.02) {
		struct posclock_step step;
		struct posclock clock;
		struct device d;

		device_open(&d, &preempted, 48000, 40);
		posclock_init(&clock, 48000);
		run_quietly(&d, &clock, 10);
		posclock_restarted(&clock);
		device_lose(&d, 10 + at, 96);
		step = run_until(&d, &clock, 12);
		if (step.event != POSCLOCK_LOST)
			fail_msg("at %.2f s", at);
		assert_in_range(step.frames, 95, 97);
		run_quietly(&d, &clock, 30);
	}
}

static void a_rate_that_changes_ends_the_lock(void **state)
{
	struct device d;
	struct posclock clock;
	double t = 30;

	(void)state;
	device_open(&d, &exact, 48000, 0);
	posclock_init(&clock, 48000);
	run_quietly(&d, &clock, t);
	d.inserted += (int64_t)(crystal(&d, t) * 0.05);
	d.ppm = -50000;
	while (d.stamp < t + 10)
		run_until(&d, &clock, t + 10);
	assert_false(posclock_line(&clock).locked);
	run_quietly(&d, &clock, t + 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			losses_on_an_exact_clock_are_found_to_the_frame),
		cmocka_unit_test(every_clock_finds_what_it_must),
		cmocka_unit_test(packets_that_fail_are_found_from_one_on),
		cmocka_unit_test(late_stamps_are_allowed_for_in_the_place),
		cmocka_unit_test(jitter_is_allowed_for_in_the_place),
		cmocka_unit_test(two_losses_close_together_are_both_made_good),
		cmocka_unit_test(losses_before_the_rate_is_known_are_found),
		cmocka_unit_test(two_losses_before_the_rate_is_known_are_found),
		cmocka_unit_test(a_loss_at_the_very_start_spoils_nothing),
		cmocka_unit_test(no_start_looks_like_a_loss),
		cmocka_unit_test(a_storm_of_losses_is_not_forgotten),
		cmocka_unit_test(a_surplus_is_noted_once),
		cmocka_unit_test(one_wrong_pointer_is_no_step),
		cmocka_unit_test(a_restart_keeps_the_rate_and_finds_no_step),
		cmocka_unit_test(no_restart_looks_like_a_loss),
		cmocka_unit_test(a_loss_right_after_a_restart_is_found),
		cmocka_unit_test(a_rate_that_changes_ends_the_lock),
	};

	return cmocka_run_group_tests_name("posclock_loss", tests, NULL, NULL);
}
