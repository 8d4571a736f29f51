/*
 * supervisor: an interface comes, goes, comes back, and is asked for
 * differently, and the tape goes on. The interface is that of plugged_pcm.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "drivers/pcm.h"
#include "engine/supervisor.h"
#include "engine/tape.h"
#include "tests/unit/plugged_pcm.h"

#define DEADLINE_S  20
#define DEADLINE_NS (DEADLINE_S * NS_PER_S)

/* ---- its supervisor ---- */

static struct supervisor *supervisor;
static struct tape tape;

static int set_up(void **unused)
{
	(void)unused;
	alarm(DEADLINE_S + 10); /* a wait for ever is what one case is about */
	socket_of.plugged = true;
	socket_of.hz = RATE;
	socket_of.channels = CHANNELS;
	socket_of.formats = 1u << PCM_S32_LE;
	socket_of.identity = "serial:1";
	socket_of.device = "hw:TEST";
	socket_of.taken = false;
	socket_of.opens = socket_of.open = 0;
	supervisor = supervisor_create();
	return supervisor ? 0 : -1;
}

static int tear_down(void **unused)
{
	(void)unused;
	tape_detach(&tape);
	supervisor_destroy(supervisor);
	alarm(0);
	return socket_of.open; /* all are closed */
}

static struct tape_request ask(uint64_t limit)
{
	struct tape_request request;

	tape_request_init(&request);
	snprintf(request.device, sizeof(request.device), "hw:TEST");
	request.rate = RATE;
	request.format = PCM_FORMAT_ANY;
	request.tape_seconds = 5;
	request.limit = limit;
	return request;
}

static void attach(void)
{
	const struct tape_writer *writer = supervisor_tape(supervisor);

	assert_non_null(writer);
	tape_detach(&tape);
	assert_int_equal(tape_attach(&tape, tape_writer_share(writer)), 0);
}

static void open_tape(const struct tape_request *request)
{
	char message[384];

	assert_int_equal(
		supervisor_open(supervisor, request, message, sizeof(message)),
		0);
	assert_string_equal(message, "");
	attach();
}

/* As takebox-tape does it: woken, or every SUPERVISOR_TICK_MS. True if a tick
 * said that there is another tape. */
static bool tick(void)
{
	struct pollfd done = {supervisor_fd(supervisor), POLLIN, 0};

	poll(&done, 1, SUPERVISOR_TICK_MS / 10);
	return supervisor_tick(supervisor);
}

static void tick_until_position(uint64_t position)
{
	int64_t deadline = clock_now_ns() + DEADLINE_NS;

	while (tape_published(&tape) < position) {
		tick();
		assert_true(clock_now_ns() < deadline);
	}
}

static void tick_until_state(enum tape_state state)
{
	int64_t deadline = clock_now_ns() + DEADLINE_NS;

	while (tape_state(&tape) != state) {
		tick();
		assert_true(clock_now_ns() < deadline);
	}
}

/* ---- cases ---- */

static void test_the_tape_runs_and_says_what_it_is(void **unused)
{
	struct tape_request request = ask(0);

	(void)unused;
	open_tape(&request);
	assert_int_equal(tape.facts->channels, CHANNELS);
	assert_int_equal(tape.facts->rate, RATE);
	assert_int_equal(tape.facts->bits, 24);
	assert_int_equal(tape.facts->frames / RATE, 5);
	assert_string_equal(tape.facts->name, "Test interface");
	assert_string_equal(tape.facts->identity, "serial:1");
	tick_until_position(RATE / 10);
	assert_int_equal(tape_state(&tape), TAPE_RUNNING);
	assert_int_equal(tape_event_count(&tape), 0);
}

static void test_the_same_request_keeps_the_tape(void **unused)
{
	struct tape_request request = ask(0);
	const struct tape_writer *writer;
	uint8_t id[16];

	(void)unused;
	open_tape(&request);
	writer = supervisor_tape(supervisor);
	memcpy(id, tape.facts->id, sizeof(id));
	tick_until_position(RATE / 10);
	request.keep_trying = 1;
	open_tape(&request);
	assert_ptr_equal(supervisor_tape(supervisor), writer);
	assert_memory_equal(tape.facts->id, id, sizeof(id));
	assert_true(tape_published(&tape) >= RATE / 10);
	assert_int_equal(socket_of.opens, 1);
}

static void test_another_request_makes_another_tape(void **unused)
{
	struct tape_request request = ask(0);
	struct tape old;

	(void)unused;
	open_tape(&request);
	old = tape;
	tape = (struct tape){0};
	request.tape_seconds = 3;
	open_tape(&request);
	assert_int_equal(tape_state(&old), TAPE_ENDED);
	assert_memory_not_equal(tape.facts->id, old.facts->id, 16);
	tick_until_position(RATE / 10);
	assert_int_equal(socket_of.open, 1);
	tape_detach(&old);
}

static void test_the_tape_ends_at_its_limit(void **unused)
{
	struct tape_request request = ask(RATE / 4);

	(void)unused;
	open_tape(&request);
	tick_until_state(TAPE_ENDED);
	assert_int_equal(tape_published(&tape), RATE / 4);
	assert_int_equal(socket_of.open, 0);
	tick();
	assert_int_equal(tape_published(&tape), RATE / 4);
	assert_int_equal(socket_of.opens, 1);
}

/* The first thread has ended by itself and nobody has looked: its end must not
 * be taken for its successor's, for which main would then wait for ever. */
static void test_an_end_that_nobody_saw_does_not_end_the_next(void **unused)
{
	struct tape_request request = ask(RATE / 10);
	struct pollfd done = {supervisor_fd(supervisor), POLLIN, 0};

	(void)unused;
	open_tape(&request);
	assert_int_equal(poll(&done, 1, DEADLINE_S * 1000), 1);
	request.tape_seconds = 3;
	request.limit = 0;
	open_tape(&request);
	supervisor_tick(supervisor);
	tick_until_position(RATE / 4);
	assert_int_equal(tape_state(&tape), TAPE_RUNNING);
}

static void test_a_missing_interface_is_refused_with_the_reason(void **unused)
{
	struct tape_request request = ask(0);
	char message[384];

	(void)unused;
	socket_of.plugged = false;
	assert_int_equal(
		supervisor_open(supervisor, &request, message, sizeof(message)),
		-ENODEV);
	assert_string_equal(message, "hw:TEST is not there");
	assert_null(supervisor_tape(supervisor));
	socket_of.plugged = true;
	assert_false(tick());
	assert_int_equal(socket_of.opens, 0);
}

static void test_a_missing_interface_is_waited_for_if_asked_to(void **unused)
{
	struct tape_request request = ask(0);
	char message[384];

	(void)unused;
	socket_of.plugged = false;
	request.keep_trying = 1;
	assert_int_equal(
		supervisor_open(supervisor, &request, message, sizeof(message)),
		-ENODEV);
	assert_false(tick());
	socket_of.plugged = true;
	assert_true(tick());
	attach();
	tick_until_position(RATE / 10);
}

/* All the silence that the events tell of, which must be without seams. */
static uint64_t absence(uint64_t *from)
{
	uint64_t frames = 0, count = tape_event_count(&tape);

	assert_true(count > 0);
	for (uint64_t i = 0; i < count; i++) {
		struct tape_event event;

		assert_int_equal(tape_event(&tape, i, &event), 0);
		assert_int_equal(event.kind, TAPE_GAP_ABSENT);
		if (i == 0)
			*from = event.position;
		assert_int_equal(event.position, *from + frames);
		frames += event.frames;
	}
	return frames;
}

static void test_an_interface_at_another_rate_ends_the_tape(void **unused)
{
	struct tape_request request = ask(0);
	struct tape_event last;
	uint8_t id[16];

	(void)unused;
	socket_of.hz = 44100;
	request.keep_trying = 1;
	open_tape(&request);
	memcpy(id, tape.facts->id, sizeof(id));
	tick_until_state(TAPE_ENDED);
	assert_int_equal(tape_event(&tape, tape_event_count(&tape) - 1, &last),
			 0);
	assert_int_equal(last.kind, TAPE_RATE);
	assert_int_equal(last.frames, 44100);
	assert_int_equal(socket_of.opens, 1);
	/* Set right again, it gets another tape. */
	socket_of.hz = RATE;
	for (int64_t deadline = clock_now_ns() + DEADLINE_NS; !tick();)
		assert_true(clock_now_ns() < deadline);
	attach();
	assert_memory_not_equal(id, tape.facts->id, sizeof(id));
	tick_until_position(RATE / 4);
	assert_int_equal(socket_of.opens, 2);
}

static void test_silence_runs_on_until_it_is_back(void **unused)
{
	struct tape_request request = ask(0);
	int64_t gone_ns, back_ns;
	uint64_t from, length, wanted;

	(void)unused;
	open_tape(&request);
	tick_until_position(RATE / 2);
	gone_ns = clock_now_ns();
	socket_of.plugged = false;
	tick_until_state(TAPE_ABSENT);
	tick_until_position(2 * RATE);
	socket_of.plugged = true;
	back_ns = clock_now_ns();
	tick_until_state(TAPE_RUNNING);
	tick_until_position(tape_published(&tape) + RATE / 4);
	length = absence(&from);
	wanted = (uint64_t)(back_ns - gone_ns) * RATE / NS_PER_S;
	/* The last period before, and a tick or a busy machine behind. */
	assert_true(length + PERIOD + RATE / 100 > wanted);
	assert_true(length < wanted + RATE);
	assert_int_equal(socket_of.opens, 2);
}

static void test_another_interface_is_not_taken_for_it(void **unused)
{
	struct tape_request request = ask(0);

	(void)unused;
	open_tape(&request);
	tick_until_position(RATE / 2);
	socket_of.plugged = false;
	tick_until_state(TAPE_ABSENT);
	socket_of.identity = "serial:2";
	socket_of.plugged = true;
	for (int i = 0; i < 5; i++)
		tick();
	assert_int_equal(tape_state(&tape), TAPE_ABSENT);
	assert_int_equal(socket_of.open, 0);
	socket_of.identity = "serial:1";
	tick_until_state(TAPE_RUNNING);
}

/* Another one of its kind was plugged in first, and has its name. */
static void test_it_is_found_under_another_name(void **unused)
{
	struct tape_request request = ask(0);

	(void)unused;
	for (int taken = 0; taken < 2; taken++) {
		open_tape(&request);
		tick_until_position(tape_published(&tape) + RATE / 2);
		socket_of.plugged = false;
		tick_until_state(TAPE_ABSENT);
		socket_of.device = taken ? "hw:TEST_2" : "hw:TEST_1";
		socket_of.taken = taken;
		socket_of.plugged = true;
		tick_until_state(TAPE_RUNNING);
		assert_int_equal(socket_of.open, 1);
	}
}

static void away_and_back(void)
{
	tick_until_position(tape_published(&tape) + RATE / 4);
	socket_of.plugged = false;
	tick_until_state(TAPE_ABSENT);
}

/* It had 24 bits in words of four bytes, and has them in three now. */
static void test_it_is_back_with_another_format(void **unused)
{
	struct tape_request request = ask(0);

	(void)unused;
	open_tape(&request);
	away_and_back();
	socket_of.formats = 1u << PCM_S24_LE | 1u << PCM_S16_LE;
	socket_of.plugged = true;
	tick_until_state(TAPE_RUNNING);
	tick_until_position(tape_published(&tape) + RATE / 4);
	assert_int_equal(socket_of.open, 1);
}

static void test_it_is_back_with_other_channels_or_bits(void **unused)
{
	struct tape_request request = ask(0);
	uint8_t id[16];

	(void)unused;
	request.keep_trying = 1;
	open_tape(&request);
	for (int turn = 0; turn < 2; turn++) {
		memcpy(id, tape.facts->id, sizeof(id));
		away_and_back();
		socket_of.channels = turn == 0 ? 1 : CHANNELS;
		socket_of.formats =
			turn == 0 ? 1u << PCM_S32_LE : 1u << PCM_S16_LE;
		socket_of.plugged = true;
		tick_until_state(TAPE_ENDED);
		for (int64_t deadline = clock_now_ns() + DEADLINE_NS; !tick();)
			assert_true(clock_now_ns() < deadline);
		attach();
		assert_memory_not_equal(id, tape.facts->id, sizeof(id));
		assert_int_equal(tape.facts->channels, socket_of.channels);
		assert_int_equal(tape.facts->bits, turn == 0 ? 24 : 16);
		assert_int_equal(socket_of.open, 1);
	}
}

static void test_what_cannot_be_had_is_waited_for(void **unused)
{
	struct tape_request request = ask(0);

	(void)unused;
	request.channels = CHANNELS;
	request.keep_trying = 1;
	open_tape(&request);
	away_and_back();
	socket_of.channels = 1;
	socket_of.plugged = true;
	for (int i = 0; i < 5; i++)
		tick();
	assert_int_equal(tape_state(&tape), TAPE_ABSENT);
	assert_int_equal(socket_of.open, 0);
	socket_of.channels = CHANNELS;
	tick_until_state(TAPE_RUNNING);
}

static unsigned lines_of(FILE *file)
{
	char line[512];
	unsigned lines = 0;

	rewind(file);
	while (fgets(line, sizeof(line), file))
		lines++;
	return lines;
}

/* As many ticks as an hour has: a look for each, and hardly a word. */
static void test_an_hour_away_fills_no_log(void **unused)
{
	struct tape_request request = ask(0);
	FILE *log = tmpfile();
	int screen = dup(STDERR_FILENO);
	unsigned ticks = 3600 * 1000 / SUPERVISOR_TICK_MS, lines;

	(void)unused;
	assert_non_null(log);
	open_tape(&request);
	tick_until_position(RATE / 4);
	dup2(fileno(log), STDERR_FILENO);
	socket_of.plugged = false;
	tick_until_state(TAPE_ABSENT);
	socket_of.looks = 0;
	for (unsigned i = 0; i < ticks; i++)
		supervisor_tick(supervisor);
	dup2(screen, STDERR_FILENO);
	close(screen);
	lines = lines_of(log);
	fclose(log);
	assert_int_equal(socket_of.looks, ticks);
	assert_in_range(lines, 1, 2);
}

static void test_the_limit_is_reached_in_silence_too(void **unused)
{
	struct tape_request request = ask(5 * RATE / 2);

	(void)unused;
	open_tape(&request);
	tick_until_position(RATE / 2);
	socket_of.plugged = false;
	tick_until_state(TAPE_ENDED);
	assert_int_equal(tape_published(&tape), 5 * RATE / 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_the_tape_runs_and_says_what_it_is),
		CASE(test_the_same_request_keeps_the_tape),
		CASE(test_another_request_makes_another_tape),
		CASE(test_the_tape_ends_at_its_limit),
		CASE(test_an_end_that_nobody_saw_does_not_end_the_next),
		CASE(test_a_missing_interface_is_refused_with_the_reason),
		CASE(test_a_missing_interface_is_waited_for_if_asked_to),
		CASE(test_an_interface_at_another_rate_ends_the_tape),
		CASE(test_silence_runs_on_until_it_is_back),
		CASE(test_another_interface_is_not_taken_for_it),
		CASE(test_it_is_found_under_another_name),
		CASE(test_it_is_back_with_another_format),
		CASE(test_it_is_back_with_other_channels_or_bits),
		CASE(test_what_cannot_be_had_is_waited_for),
		CASE(test_an_hour_away_fills_no_log),
		CASE(test_the_limit_is_reached_in_silence_too),
	};

	return cmocka_run_group_tests_name("supervisor", tests, NULL, NULL);
}
