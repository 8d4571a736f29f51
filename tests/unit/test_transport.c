/*
 * The transport between its threads: what a take's thread does just while the
 * transport looks at it, what takebox-tape does meanwhile, and no memory. What
 * the transport is told of a take can be older than the take.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport_case.h"

/* ---- a look that is late ---- */

static bool looks_are_late; /* the next one */

void __real_take_get_status(struct take *take, struct take_status *status);
void __wrap_take_get_status(struct take *take, struct take_status *status);

static bool is_over(const struct take_status *status)
{
	return status->state == TAKE_DONE || status->state == TAKE_FAILED;
}

/* As it was when it began, told when it is over. */
void __wrap_take_get_status(struct take *take, struct take_status *status)
{
	struct take_status now;

	__real_take_get_status(take, status);
	if (!looks_are_late)
		return;
	looks_are_late = false;
	do {
		assert_true(clock_now_ns() < bench.deadline);
		usleep(1000);
		__real_take_get_status(take, &now);
	} while (!is_over(&now));
	*status = (struct take_status){
		.state = TAKE_STARTING,
		.start = now.start,
		.end = TAKE_FOREVER,
	};
}

/* ---- memory ---- */

#define NEVER (-1)

static _Thread_local long allocations_left = NEVER; /* until one fails */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool fails(void)
{
	if (allocations_left == NEVER || allocations_left-- != 0)
		return false;
	allocations_left = NEVER;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

/* A cannot be made a take in, and that is known only when the take is over. */
static void test_a_take_that_fails_while_it_is_looked_at_goes_on(void **state)
{
	struct command command = {.kind = COMMAND_TO_RECORD};
	struct command_reply reply;

	(void)state;
	break_medium(bench.config.folder);
	transport_command(bench.transport, &command, &reply);
	assert_string_equal(reply.message, "");
	looks_are_late = true;
	transport_look_after_takes(bench.transport);
	run_until(records_on_b);
}

static void test_a_take_that_fails_goes_on(void **state)
{
	struct command command = {.kind = COMMAND_TO_RECORD};
	struct command_reply reply;

	(void)state;
	break_medium(bench.config.folder);
	transport_command(bench.transport, &command, &reply);
	run_until(records_on_b);
}

static size_t count_of(const char *medium, const char *pattern)
{
	char path[CONFIG_PATH_MAX + 64];
	glob_t found;
	size_t count;

	snprintf(path, sizeof(path), "%s/Takebox/*/%s", medium, pattern);
	count = glob(path, GLOB_PERIOD, NULL, &found) == 0 ? found.gl_pathc : 0;
	globfree(&found);
	return count;
}

/* Nobody could make a take of what is left of it there. */
static void test_a_take_that_cannot_be_begun_leaves_nothing(void **state)
{
	json_t *take;

	(void)state;
	trouble.of = "/A/";
	trouble.fail = true;
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(records_on_b);
	trouble.of = NULL;
	ask(COMMAND_TO_STOP, RATE);
	run_until(are_over);
	assert_int_equal(count_of(bench.config.folder, "Take-*"), 0);
	assert_int_equal(count_of(bench.config.folder, ".last-001"), 1);
	take = read_take(bench.config.next, "Take-002");
	assert_int_equal(number_of(take, "frames"), RATE - RATE / 4);
	json_decref(take);
}

/* ---- the tape's process ---- */

static bool is_recording(void)
{
	return bench.transport->current && bench.transport->current->prepared;
}

static bool is_over_without_tape(void)
{
	answer_as_tape();
	return !bench.transport->current &&
	       !bench.transport->client.tape.header;
}

static void test_a_tape_that_nobody_goes_on_with_ends_its_take(void **state)
{
	struct command command = {.kind = COMMAND_TO_RECORD};
	struct command_reply reply;

	(void)state;
	transport_command(bench.transport, &command, &reply);
	run_until(is_recording);
	listen_as_tape();
	run_until(is_over_without_tape);
	transport_command(bench.transport, &command, &reply);
	assert_int_equal(reply.error, COMMAND_INTERFACE);
	assert_non_null(strstr(reply.message, "unplugged"));
	leave_as_tape();
}

static bool is_over_on_another_tape(void)
{
	answer_as_tape();
	return process.heard && !bench.transport->current;
}

/* What the last tape has is in the take, and what it has not is named, whatever
 * the next one begins with. */
static void test_a_stopped_take_ends_where_its_own_tape_ended(void **state)
{
	struct tape_writer next;
	struct command record = {.kind = COMMAND_TO_RECORD, .preroll = 0};
	struct command stop = {.kind = COMMAND_TO_STOP,
			       .position = RATE + RATE / 2};
	struct command_reply reply;
	json_t *take;

	(void)state;
	record.position = RATE / 4;
	transport_command(bench.transport, &record, &reply);
	assert_string_equal(reply.message, "");
	run_until(is_recording);
	transport_command(bench.transport, &stop, &reply);
	assert_string_equal(reply.message, "");
	make_tape(&next);
	listen_as_tape();
	process.tape = &next;
	run_until(is_over_on_another_tape);
	take = read_take(bench.config.folder, "Take-001");
	assert_int_equal(number_of(take, "frames"), RATE - RATE / 4);
	assert_int_equal(number_of(take, "missing_behind"), RATE / 2);
	json_decref(take);
	leave_as_tape();
	tape_writer_destroy(&next);
}

static void hand_out_tape(void)
{
	struct tape_reply reply = {
		.magic = TAPE_LINK_MAGIC,
		.version = TAPE_LINK_VERSION,
	};
	struct tape_request request;
	int client = accept4(process.listens, NULL, NULL,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
	int tape = -1;

	if (client >= 0) {
		if (process.client >= 0)
			close(process.client);
		process.client = client;
	}
	if (process.client < 0 ||
	    tape_link_read_request(process.client, &request, &tape) < 0)
		return;
	tape = tape_writer_share(&bench.writer);
	tape_link_reply(process.client, &reply, tape);
	close(tape);
}

static bool has_tape(void)
{
	hand_out_tape();
	return transport_tape_runs(bench.transport) &&
	       bench.transport->track_count == 2;
}

static void be_without_tape(void)
{
	transport_destroy(bench.transport);
	loop_destroy(bench.loop);
	begin_bench();
}

/* Whichever allocation of the way to the tape fails, it is gone once more. */
static void test_no_memory_for_the_tape_is_no_tape_for_a_moment(void **state)
{
	bool failed = true;

	(void)state;
	listen_as_tape();
	/* The first one is run_until's. */
	for (long n = 1; failed; n++) {
		be_without_tape();
		allocations_left = n;
		run_until(has_tape);
		failed = allocations_left == NEVER;
		allocations_left = NEVER;
		assert_true(failed || n > 2);
	}
	leave_as_tape();
}

static bool has_folder(void)
{
	return bench.transport->current && bench.transport->current->prepared;
}

/* It begins behind what the tape has, and the tape stands still. */
static void test_a_writer_that_has_nothing_to_write_does_not_hang(void **state)
{
	struct hand *hand;

	(void)state;
	ask(COMMAND_TO_RECORD, RATE + RATE / 4);
	run_until(has_folder);
	hand = bench.transport->current;
	transport_look_at_medium(hand);
	hand->encoded_ns = clock_now_ns() - 60 * NS_PER_S;
	transport_look_at_medium(hand);
	assert_false(hand->left);
	play_on();
	ask(COMMAND_TO_STOP, RATE + RATE / 2);
	run_until(are_over);
}

/* ---- a process that is to leave ---- */

static bool may_leave_for_other_tape(void)
{
	struct config next = bench.config;

	next.tape_seconds += 1;
	return transport_may_leave(bench.transport, &next);
}

static void assert_needs_tape(void)
{
	struct config next = bench.config;

	assert_true(transport_may_leave(bench.transport, &next));
	assert_false(transport_may_leave(bench.transport, NULL));
	assert_false(may_leave_for_other_tape());
	/* There lies what the next process is to know. */
	below(next.socket, "elsewhere/control");
	assert_false(transport_may_leave(bench.transport, &next));
}

static void test_no_process_leaves_and_costs_a_take_its_tape(void **state)
{
	(void)state;
	assert_true(may_leave_for_other_tape());
	break_medium(bench.config.next);
	ask(COMMAND_TO_RECORD, RATE / 4);
	run_until(has_synced);
	assert_needs_tape();
	fail_medium("/A/");
	run_until(waits_for_medium);
	assert_needs_tape();
	trouble.of = NULL;
	run_until(is_prepared);
	ask(COMMAND_TO_STOP, RATE);
	assert_needs_tape();
	run_until(are_over);
	assert_true(may_leave_for_other_tape());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_take_that_fails_goes_on),
		CASE(test_a_take_that_fails_while_it_is_looked_at_goes_on),
		CASE(test_a_take_that_cannot_be_begun_leaves_nothing),
		CASE(test_a_tape_that_nobody_goes_on_with_ends_its_take),
		CASE(test_a_stopped_take_ends_where_its_own_tape_ended),
		CASE(test_no_memory_for_the_tape_is_no_tape_for_a_moment),
		CASE(test_a_writer_that_has_nothing_to_write_does_not_hang),
		CASE(test_no_process_leaves_and_costs_a_take_its_tape),
	};

	return cmocka_run_group_tests_name("transport", tests, NULL, NULL);
}
