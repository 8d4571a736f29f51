/*
 * The virtual hardware without ALSA: a clock that the test turns, a ring in
 * which each place holds the device frame that was captured there, and faults
 * whose frames must come out exactly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "drivers/virtual/device.h"

#define RATE   48000
#define BUFFER 4800
#define PERIOD 480
#define MS     INT64_C(1000000)
#define EPOCH  (INT64_C(12345) * 1000 * MS) /* any time but 0 */

struct bench {
	struct device device;
	struct event_queue notes;
	int64_t ring[BUFFER];
	uint64_t captured; /* how often a frame was captured */
	uint64_t read;	   /* the reader's pointer */
	int64_t now;
};

static void capture(void *context, int64_t frame, uint64_t pointer,
		    uint64_t frames)
{
	struct bench *b = context;

	assert_true(frames <= BUFFER);
	b->captured += frames;
	for (uint64_t i = 0; i < frames; i++)
		b->ring[(pointer + i) % BUFFER] = frame + (int64_t)i;
}

static int set_up(void **state)
{
	static struct bench bench;
	struct bench *b = &bench;

	*b = (struct bench){0};
	b->now = EPOCH;
	b->device = (struct device){.rate = RATE,
				    .paced = true,
				    .buffer = BUFFER,
				    .period = PERIOD,
				    .capture = capture,
				    .context = b,
				    .notes = &b->notes,
				    .stop_threshold = UINT64_MAX};
	device_prepare(&b->device);
	*state = b;
	return 0;
}

static void start(struct bench *b)
{
	device_start(&b->device, b->now, 0);
}

static void look(struct bench *b)
{
	device_look(&b->device, b->now, b->read);
}

static void look_at_ms(struct bench *b, int64_t ms)
{
	b->now = EPOCH + ms * MS;
	look(b);
}

/* The device frame that the reader finds at its pointer. */
static int64_t next_in_ring(const struct bench *b)
{
	return b->ring[b->read % BUFFER];
}

static void read_all(struct bench *b)
{
	b->read = b->device.shown;
}

static void command(struct bench *b, enum event_kind kind, double value,
		    int64_t frame)
{
	struct event e = {
		.kind = kind, .value = value, .frame = frame, .ns = b->now};

	assert_true(device_schedule(&b->device, &e));
}

/* The next note, which must be of that kind. */
static struct event noted(struct bench *b, enum event_kind kind)
{
	struct event e;

	assert_true(event_pop(&b->notes, &e));
	assert_int_equal(e.kind, kind);
	return e;
}

/* ---- the clock ----------------------------------------------------------- */

static void pointer_is_the_clock(void **state)
{
	struct bench *b = *state;

	start(b);
	look_at_ms(b, 0);
	assert_int_equal(b->device.shown, 0);
	b->now = EPOCH + 20833; /* a nanosecond before the frame is complete */
	look(b);
	assert_int_equal(b->device.shown, 0);
	b->now++;
	look(b);
	assert_int_equal(b->device.shown, 1);
	look_at_ms(b, 50);
	assert_int_equal(b->device.shown, 2400);
	assert_int_equal(next_in_ring(b), 0);
	assert_int_equal(b->captured, 2400);
}

static void ppm_is_exact_over_days(void **state)
{
	struct bench *b = *state;
	const int64_t days = 30, ms = days * 86400 * 1000;

	device_start(&b->device, b->now, 50);
	b->read = (uint64_t)(ms / 1000 * RATE * 1.00005);
	look_at_ms(b, ms);
	assert_int_equal(b->device.shown, b->read);
}

static void ppm_changes_where_it_is_told_to(void **state)
{
	struct bench *b = *state;
	struct event e;

	start(b);
	command(b, EVENT_PPM, 1000, 48000);
	look_at_ms(b, 1000);
	assert_int_equal(b->device.shown, 48000);
	b->now = EPOCH + 2000 * MS + 20; /* its nanoseconds are rounded up */
	look(b);
	assert_int_equal(b->device.shown, 48000 + 48048);
	noted(b, EVENT_START);
	e = noted(b, EVENT_PPM);
	assert_int_equal(e.frame, 48000);
}

static void jitter_delivers_whole_packets_late(void **state)
{
	struct bench *b = *state;
	int64_t earliest = MS, latest = 0;

	start(b);
	command(b, EVENT_JITTER, 1000, EVENT_NOW);
	look(b);
	for (int64_t packet = 1; packet < 200; packet++) {
		uint64_t frames = 48 * (uint64_t)packet;
		int64_t wake, late;

		wake = device_wake(&b->device, b->now, frames - b->read);
		late = wake - (EPOCH + packet * MS);
		assert_in_range(late, 0, MS - 1);
		earliest = late < earliest ? late : earliest;
		latest = late > latest ? late : latest;
		b->now = wake - 1;
		look(b);
		assert_int_equal(b->device.shown, frames - 48);
		b->now = wake;
		look(b);
		assert_int_equal(b->device.shown, frames);
		read_all(b);
		look(b);
	}
	assert_true(earliest < MS / 10 && latest > MS * 9 / 10);
}

static void wakes_exactly_when_enough_is_there(void **state)
{
	struct bench *b = *state;
	int64_t wake;

	assert_int_equal(device_wake(&b->device, b->now, 1), DEVICE_NEVER);
	start(b);
	look_at_ms(b, 3);
	wake = device_wake(&b->device, b->now, PERIOD);
	assert_int_equal(wake, EPOCH + 10 * MS);
	b->now = wake - 1;
	look(b);
	assert_true(device_avail(&b->device) < PERIOD);
	b->now = wake;
	look(b);
	assert_int_equal(device_avail(&b->device), PERIOD);
	assert_int_equal(device_wake(&b->device, b->now, PERIOD), DEVICE_NOW);
}

static void wakes_for_a_fault_that_comes_earlier(void **state)
{
	struct bench *b = *state;

	start(b);
	command(b, EVENT_STOP, 0, 48);
	look(b);
	assert_int_equal(device_wake(&b->device, b->now, PERIOD),
			 EPOCH + 1 * MS);
}

/* ---- a reader that is late ------------------------------------------------
 */

static void late_reader_learns_the_exact_loss(void **state)
{
	struct bench *b = *state;
	struct event e;

	start(b);
	look_at_ms(b, 150);
	assert_int_equal(device_avail(&b->device), BUFFER + 2400);
	assert_true(b->device.state == DEVICE_RUNNING);
	noted(b, EVENT_START);
	look_at_ms(b, 151);
	assert_false(event_waiting(&b->notes)); /* it may still grow */
	b->read = 2448;				/* what was lost is skipped */
	assert_int_equal(next_in_ring(b), 2448);
	look_at_ms(b, 151);
	e = noted(b, EVENT_OVERRUN);
	assert_int_equal(e.frame, 0);
	assert_int_equal(e.lost, 2448);
}

static void a_ring_is_filled_once_at_most(void **state)
{
	struct bench *b = *state;

	start(b);
	b->now = EPOCH + 100 * MS + 20834; /* one frame more than it holds */
	look(b);
	assert_int_equal(b->device.shown, BUFFER + 1);
	assert_int_equal(b->captured, BUFFER);
	assert_int_equal(b->ring[0], BUFFER);
	assert_int_equal(b->ring[1], 1);
}

static void threshold_stops_the_device(void **state)
{
	struct bench *b = *state;
	struct event e;

	b->device.stop_threshold = BUFFER;
	start(b);
	look_at_ms(b, 99);
	assert_true(b->device.state == DEVICE_RUNNING);
	look_at_ms(b, 100);
	assert_true(b->device.state == DEVICE_XRUN);
	assert_int_equal(device_wake(&b->device, b->now, 1), DEVICE_NOW);
	noted(b, EVENT_START);
	e = noted(b, EVENT_OVERRUN);
	assert_int_equal(e.frame, 0);
	assert_int_equal(e.lost, EVENT_UNKNOWN);
}

/* ---- faults -------------------------------------------------------------- */

static void lose_skips_exactly_those_frames(void **state)
{
	struct bench *b = *state;
	struct event e;

	start(b);
	command(b, EVENT_LOSE, 480, 1000);
	look_at_ms(b, 20); /* frame 960 */
	assert_int_equal(b->device.shown, 960);
	look_at_ms(b, 25); /* 1200: within the loss */
	assert_int_equal(b->device.shown, 1000);
	look_at_ms(b, 40); /* 1920 */
	assert_int_equal(b->device.shown, 1440);
	assert_int_equal(b->ring[999], 999);
	assert_int_equal(b->ring[1000], 1480);
	assert_int_equal(b->ring[1439], 1919);
	assert_true(b->device.state == DEVICE_RUNNING);
	noted(b, EVENT_START);
	e = noted(b, EVENT_LOSE);
	assert_int_equal(e.frame, 1000);
	assert_int_equal(e.lost, 480);
}

static void lose_does_not_depend_on_when_one_looks(void **state)
{
	struct bench *b = *state;

	start(b);
	command(b, EVENT_LOSE, 480, 1000);
	command(b, EVENT_LOSE, 7, 3000);
	look_at_ms(b, 80);
	assert_int_equal(b->device.shown, 3840 - 487);
	assert_int_equal(b->ring[999], 999);
	assert_int_equal(b->ring[1000], 1480);
	assert_int_equal(b->ring[2519], 2999);
	assert_int_equal(b->ring[2520], 3007);
}

static void losses_that_overlap_add_up(void **state)
{
	struct bench *b = *state;
	struct event e;

	start(b);
	command(b, EVENT_LOSE, 100, 1000);
	command(b, EVENT_LOSE, 100, 1050);
	look_at_ms(b, 40);
	assert_int_equal(b->device.shown, 1920 - 200);
	noted(b, EVENT_START);
	noted(b, EVENT_LOSE);
	e = noted(b, EVENT_LOSE);
	assert_int_equal(e.frame, 1100);
}

static void stall_is_a_loss_by_time(void **state)
{
	struct bench *b = *state;
	struct event e;

	start(b);
	command(b, EVENT_STALL, 50, 480);
	look_at_ms(b, 59);
	assert_int_equal(b->device.shown, 480);
	look_at_ms(b, 70);
	assert_int_equal(b->device.shown, 960);
	assert_int_equal(b->ring[480], 2880);
	noted(b, EVENT_START);
	e = noted(b, EVENT_STALL);
	assert_int_equal(e.lost, 2400);
}

static void hold_comes_in_one_burst(void **state)
{
	struct bench *b = *state;

	start(b);
	command(b, EVENT_HOLD, 50, 480);
	look_at_ms(b, 40);
	assert_int_equal(b->device.shown, 480);
	b->read = 480;
	look_at_ms(b, 50);
	assert_int_equal(device_avail(&b->device), 0);
	assert_int_equal(device_wake(&b->device, b->now, PERIOD),
			 EPOCH + 60 * MS);
	look_at_ms(b, 60);
	assert_int_equal(device_avail(&b->device), 2400);
	assert_int_equal(next_in_ring(b), 480);
	assert_int_equal(b->ring[2879], 2879);
}

static void xrun_shows_exactly_what_it_was_told_to(void **state)
{
	struct bench *b = *state;
	struct event e;
	int64_t wake;

	start(b);
	command(b, EVENT_XRUN, 1000, 480);
	look_at_ms(b, 20);
	assert_int_equal(b->device.shown, 480);
	read_all(b);
	look_at_ms(b, 30);
	assert_int_equal(device_avail(&b->device), 0);
	wake = device_wake(&b->device, b->now, PERIOD);
	b->now = wake - 1;
	look(b);
	assert_int_equal(device_avail(&b->device), 0);
	b->now = wake + 3 * MS; /* however late one looks */
	look(b);
	look(b);
	assert_int_equal(device_avail(&b->device), BUFFER + 1000);
	b->read += 1000;
	assert_int_equal(next_in_ring(b), 1480);
	look(b);
	assert_true(device_avail(&b->device) > BUFFER);
	noted(b, EVENT_START);
	e = noted(b, EVENT_XRUN);
	assert_int_equal(e.frame, 480);
	assert_int_equal(e.lost, 1000);
}

static void xrun_stops_a_reader_with_a_threshold(void **state)
{
	struct bench *b = *state;

	b->device.stop_threshold = BUFFER;
	start(b);
	command(b, EVENT_XRUN, 10, 480);
	look_at_ms(b, 10);
	read_all(b);
	look_at_ms(b, 200);
	assert_true(b->device.state == DEVICE_XRUN);
	noted(b, EVENT_START);
	noted(b, EVENT_XRUN);
	assert_false(event_waiting(&b->notes));
}

static void stop_and_start_again_keep_counting(void **state)
{
	struct bench *b = *state;
	struct event e;

	start(b);
	command(b, EVENT_STOP, 0, 960);
	look_at_ms(b, 30);
	assert_true(b->device.state == DEVICE_XRUN);
	device_prepare(&b->device);
	b->read = 0;
	b->now = EPOCH + 40 * MS;
	start(b);
	look_at_ms(b, 45);
	assert_int_equal(b->device.shown, 240);
	assert_int_equal(next_in_ring(b), 1920);
	noted(b, EVENT_START);
	e = noted(b, EVENT_STOP);
	assert_int_equal(e.frame, 960);
	e = noted(b, EVENT_START);
	assert_int_equal(e.frame, 1920);
}

static void unplugged_is_for_good(void **state)
{
	struct bench *b = *state;
	struct event e;

	start(b);
	command(b, EVENT_UNPLUG, 0, 960);
	look_at_ms(b, 30);
	assert_true(b->device.state == DEVICE_UNPLUGGED);
	assert_int_equal(b->captured, 960);
	assert_int_equal(device_wake(&b->device, b->now, 1), DEVICE_NOW);
	device_stop(&b->device);
	device_prepare(&b->device);
	assert_true(b->device.state == DEVICE_UNPLUGGED);
	noted(b, EVENT_START);
	e = noted(b, EVENT_UNPLUG);
	assert_int_equal(e.frame, 960);
	assert_int_equal(e.unread, 0);
}

static void unplug_does_not_wait_for_a_stall_to_end(void **state)
{
	struct bench *b = *state;

	start(b);
	command(b, EVENT_STALL, 5000, 480);
	look_at_ms(b, 100);
	command(b, EVENT_UNPLUG, 0, EVENT_NOW);
	look_at_ms(b, 101);
	assert_true(b->device.state == DEVICE_UNPLUGGED);
}

static void now_is_when_the_command_came(void **state)
{
	struct bench *b = *state;

	start(b);
	look_at_ms(b, 10);
	b->now = EPOCH + 13 * MS;
	command(b, EVENT_LOSE, 5, EVENT_NOW);
	look_at_ms(b, 30);
	assert_int_equal(b->ring[13 * 48 - 1], 13 * 48 - 1);
	assert_int_equal(b->ring[13 * 48], 13 * 48 + 5);
}

static void scheduled_before_the_start_happens_after_it(void **state)
{
	struct bench *b = *state;

	command(b, EVENT_LOSE, 5, 0);
	look(b);
	start(b);
	look_at_ms(b, 1);
	assert_int_equal(next_in_ring(b), 5);
}

static void a_fault_without_a_stream_is_ignored(void **state)
{
	struct bench *b = *state;
	struct event e;

	command(b, EVENT_LOSE, 5, EVENT_NOW);
	look(b);
	e = noted(b, EVENT_IGNORED);
	assert_int_equal((int)e.value, EVENT_LOSE);
	command(b, EVENT_UNPLUG, 0, EVENT_NOW);
	look(b);
	assert_true(b->device.state == DEVICE_UNPLUGGED);
}

static void too_many_faults_are_refused(void **state)
{
	struct bench *b = *state;
	struct event e = {.kind = EVENT_LOSE, .frame = 5, .value = 1};

	for (unsigned i = 0; i < DEVICE_FAULTS; i++)
		assert_true(device_schedule(&b->device, &e));
	assert_false(device_schedule(&b->device, &e));
}

/* ---- unpaced ------------------------------------------------------------- */

static void unpaced_is_always_full(void **state)
{
	struct bench *b = *state;

	b->device.paced = false;
	start(b);
	for (unsigned i = 0; i < 100; i++) {
		look(b);
		assert_int_equal(device_avail(&b->device), BUFFER - PERIOD);
		assert_int_equal(next_in_ring(b), b->read);
		assert_int_equal(device_wake(&b->device, b->now, PERIOD),
				 DEVICE_NOW);
		b->read += 700;
	}
	assert_int_equal(b->captured, b->device.shown);
}

static void unpaced_goes_on_after_a_stop(void **state)
{
	struct bench *b = *state;

	b->device.paced = false;
	start(b);
	look(b);
	command(b, EVENT_STOP, 0, EVENT_NOW);
	look(b);
	assert_true(b->device.state == DEVICE_XRUN);
	device_prepare(&b->device);
	b->read = 0;
	start(b);
	look(b);
	assert_int_equal(next_in_ring(b), BUFFER - PERIOD);
}

static void unpaced_faults_are_exact_too(void **state)
{
	struct bench *b = *state;

	b->device.paced = false;
	start(b);
	command(b, EVENT_LOSE, 9, 2000);
	command(b, EVENT_XRUN, 11, 3000);
	look(b);
	assert_int_equal(b->device.shown, BUFFER + 11);
	assert_int_equal(b->device.freeze, FREEZE_SHOWN);
	b->read = 11;
	assert_int_equal(next_in_ring(b), 11);
	assert_int_equal(b->ring[1999], 1999);
	assert_int_equal(b->ring[2000], 2009);
	b->read = 4000;
	look(b);
	assert_int_equal(device_avail(&b->device), BUFFER - PERIOD);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		CASE(pointer_is_the_clock),
		CASE(ppm_is_exact_over_days),
		CASE(ppm_changes_where_it_is_told_to),
		CASE(jitter_delivers_whole_packets_late),
		CASE(wakes_exactly_when_enough_is_there),
		CASE(wakes_for_a_fault_that_comes_earlier),
		CASE(late_reader_learns_the_exact_loss),
		CASE(a_ring_is_filled_once_at_most),
		CASE(threshold_stops_the_device),
		CASE(lose_skips_exactly_those_frames),
		CASE(lose_does_not_depend_on_when_one_looks),
		CASE(losses_that_overlap_add_up),
		CASE(stall_is_a_loss_by_time),
		CASE(hold_comes_in_one_burst),
		CASE(xrun_shows_exactly_what_it_was_told_to),
		CASE(xrun_stops_a_reader_with_a_threshold),
		CASE(stop_and_start_again_keep_counting),
		CASE(unplugged_is_for_good),
		CASE(unplug_does_not_wait_for_a_stall_to_end),
		CASE(now_is_when_the_command_came),
		CASE(scheduled_before_the_start_happens_after_it),
		CASE(a_fault_without_a_stream_is_ignored),
		CASE(too_many_faults_are_refused),
		CASE(unpaced_is_always_full),
		CASE(unpaced_goes_on_after_a_stop),
		CASE(unpaced_faults_are_exact_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
