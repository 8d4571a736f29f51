/* shift: what comes out of a chain of 74HC595, modelled pin by pin behind the
 * lines and behind the SPI port. gpio_outputs_*, ioctl and open are this
 * file's. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "drivers/shift.h"

#define BITS 24

/* ---- the registers ---- */

static struct chain {
	bool stage[BITS]; /* [0]: QA of the first */
	bool out[BITS];
	bool data, clock, latch;
	unsigned latches;
} chain;

static void clock_in(bool data)
{
	memmove(chain.stage + 1, chain.stage, sizeof(bool) * (BITS - 1));
	chain.stage[0] = data;
}

static void latch_out(void)
{
	memcpy(chain.out, chain.stage, sizeof(chain.out));
	chain.latches++;
}

/* ---- the lines ---- */

struct gpio_outputs {
	gpio_trouble_fn trouble;
	void *context;
};

static bool lines_missing;
static uint64_t line_calls;

struct gpio_outputs *gpio_outputs_create(const struct gpio_wire *wires,
					 unsigned count, gpio_trouble_fn fn,
					 void *context)
{
	struct gpio_outputs *outputs = calloc(1, sizeof(*outputs));

	assert_int_equal(count, 3);
	assert_string_equal(wires[0].line, "data");
	assert_string_equal(wires[1].line, "clock");
	assert_string_equal(wires[2].line, "latch");
	outputs->trouble = fn;
	outputs->context = context;
	return outputs;
}

void gpio_outputs_destroy(struct gpio_outputs *outputs)
{
	free(outputs);
}

int gpio_outputs_connect(struct gpio_outputs *outputs)
{
	for (unsigned i = 0; i < 3; i++)
		outputs->trouble(outputs->context, i,
				 lines_missing ? "the line is missing" : NULL);
	return lines_missing ? 3 : 0;
}

int gpio_outputs_pulse(struct gpio_outputs *outputs, unsigned first,
		       unsigned count, const bool *active)
{
	bool *pins[3] = {&chain.data, &chain.clock, &chain.latch};
	bool clock = chain.clock, latch = chain.latch;

	if (lines_missing) {
		outputs->trouble(outputs->context, 0, "the line is missing");
		return -ENODEV;
	}
	line_calls++;
	for (unsigned i = 0; i < count; i++)
		*pins[first + i] = active[i];
	if (chain.clock && !clock)
		clock_in(chain.data);
	if (chain.latch && !latch)
		latch_out();
	return 0;
}

uint64_t gpio_outputs_calls(const struct gpio_outputs *outputs)
{
	(void)outputs;
	return line_calls;
}

/* ---- the port: a pipe; what is written arrives when it is read ---- */

static bool not_a_port;

int ioctl(int fd, unsigned long request, ...)
{
	(void)fd;
	(void)request;
	errno = ENOTTY;
	return not_a_port ? -1 : 0;
}

static bool denied;

int open(const char *name, int flags, ...)
{
	if (denied) {
		errno = EACCES;
		return -1;
	}
	return (int)syscall(SYS_openat, AT_FDCWD, name, flags, 0);
}

static char path[64];

static void take_transfers(int fd, unsigned bytes)
{
	uint8_t transfer[BITS / 8];
	ssize_t got;

	while ((got = read(fd, transfer, bytes)) > 0) {
		assert_int_equal(got, bytes);
		for (unsigned i = 0; i < 8 * bytes; i++)
			clock_in(transfer[i / 8] >> (7 - i % 8) & 1);
		latch_out();
	}
}

/* ---- the tests ---- */

static unsigned complaints, relieved;
static char complaint[512];

static void note_trouble(void *context, const char *text)
{
	(void)context;
	if (!text) {
		relieved++;
		return;
	}
	complaints++;
	snprintf(complaint, sizeof(complaint), "%s", text);
}

static int set_up(void **state)
{
	(void)state;
	memset(&chain, 0, sizeof(chain));
	lines_missing = not_a_port = denied = false;
	line_calls = 0;
	complaints = relieved = 0;
	return 0;
}

static struct shift *on_lines(unsigned bits, bool active_low)
{
	struct shift_plan plan = {
		.bits = bits,
		.active_low = active_low,
		.data = {.line = "data"},
		.clock = {.line = "clock"},
		.latch = {.line = "latch"},
	};

	return shift_create(&plan, note_trouble, NULL);
}

static struct shift *on_spi(unsigned bits, bool active_low, int *far_end)
{
	struct shift_plan plan = {.bits = bits, .active_low = active_low};
	int ends[2];

	assert_int_equal(pipe2(ends, O_NONBLOCK | O_DIRECT), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[1]);
	snprintf(plan.spi, sizeof(plan.spi), "%s", path);
	far_end[0] = ends[0];
	far_end[1] = ends[1];
	return shift_create(&plan, note_trouble, NULL);
}

static void assert_out(const bool *expected, unsigned bits, bool active_low)
{
	for (unsigned i = 0; i < bits; i++)
		if (chain.out[i] != (expected[i] != active_low))
			fail_msg("output %u is wrong", i);
}

static void each_bit_comes_out_where_it_belongs(void **state)
{
	struct shift *shift = on_lines(BITS, false);

	(void)state;
	assert_int_equal(shift_connect(shift), 0);
	for (unsigned i = 0; i < BITS; i++) {
		bool active[BITS] = {false};

		active[i] = true;
		shift_set(shift, active);
		assert_out(active, BITS, false);
	}
	shift_destroy(shift);
}

static void each_bit_comes_out_over_spi_too(void **state)
{
	static const unsigned lengths[] = {24, 16, 8, 13, 1};
	int far_end[2];

	(void)state;
	for (unsigned l = 0; l < 5; l++) {
		unsigned bits = lengths[l];
		struct shift *shift = on_spi(bits, l % 2, far_end);

		assert_int_equal(shift_connect(shift), 0);
		for (unsigned i = 0; i < bits; i++) {
			bool active[BITS] = {false};

			active[i] = true;
			shift_set(shift, active);
			take_transfers(far_end[0], (bits + 7) / 8);
			assert_out(active, bits, l % 2);
		}
		shift_destroy(shift);
		close(far_end[0]);
		close(far_end[1]);
	}
}

static void active_low_turns_every_level_round(void **state)
{
	struct shift *shift = on_lines(BITS, true);
	bool active[BITS] = {[3] = true, [17] = true};

	(void)state;
	assert_int_equal(shift_connect(shift), 0);
	shift_set(shift, active);
	assert_out(active, BITS, true);
	shift_destroy(shift);
}

static void an_equal_picture_costs_nothing(void **state)
{
	struct shift *shift = on_lines(BITS, false);
	bool active[BITS] = {[5] = true};
	uint64_t calls;

	(void)state;
	assert_int_equal(shift_connect(shift), 0);
	calls = shift_calls(shift);
	shift_set(shift, active);
	assert_int_equal(shift_calls(shift) - calls, 2 * BITS + 2);
	for (unsigned i = 0; i < 100; i++)
		shift_set(shift, active);
	assert_int_equal(shift_calls(shift) - calls, 2 * BITS + 2);
	shift_destroy(shift);
}

static void a_picture_over_spi_is_one_call(void **state)
{
	int far_end[2];
	struct shift *shift = on_spi(BITS, false, far_end);
	bool active[BITS] = {[5] = true};
	uint64_t calls;

	(void)state;
	assert_int_equal(shift_connect(shift), 0);
	calls = shift_calls(shift);
	shift_set(shift, active);
	shift_set(shift, active);
	assert_int_equal(shift_calls(shift) - calls, 1);
	shift_destroy(shift);
	close(far_end[0]);
	close(far_end[1]);
}

static void the_end_is_dark(void **state)
{
	struct shift *shift = on_lines(BITS, true);
	bool active[BITS], none[BITS] = {false};

	(void)state;
	memset(active, true, sizeof(active));
	assert_int_equal(shift_connect(shift), 0);
	shift_set(shift, active);
	assert_out(active, BITS, true);
	shift_destroy(shift);
	assert_out(none, BITS, true);
}

static void missing_lines_are_told_once_and_the_picture_kept(void **state)
{
	struct shift *shift = on_lines(BITS, false);
	bool active[BITS] = {[7] = true};

	(void)state;
	lines_missing = true;
	for (unsigned i = 0; i < 5; i++) {
		assert_true(shift_connect(shift) < 0);
		shift_set(shift, active);
	}
	assert_int_equal(complaints, 1);
	lines_missing = false;
	assert_int_equal(shift_connect(shift), 0);
	assert_int_equal(relieved, 1);
	assert_out(active, BITS, false);
	shift_destroy(shift);
}

static void a_chain_that_vanishes_is_written_anew_when_it_is_back(void **state)
{
	struct shift *shift = on_lines(BITS, false);
	bool active[BITS] = {[7] = true};

	(void)state;
	assert_int_equal(shift_connect(shift), 0);
	shift_set(shift, active);
	lines_missing = true;
	active[8] = true;
	shift_set(shift, active);
	assert_int_equal(complaints, 1);
	memset(&chain, 0, sizeof(chain));
	lines_missing = false;
	assert_int_equal(shift_connect(shift), 0);
	assert_out(active, BITS, false);
	shift_destroy(shift);
}

static void a_port_that_is_not_there_is_told_once(void **state)
{
	struct shift_plan plan = {.bits = 8, .spi = "/nonexistent/spidev0.0"};
	struct shift *shift = shift_create(&plan, note_trouble, NULL);
	bool active[8] = {true};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(shift_connect(shift), -ENOENT);
		shift_set(shift, active);
	}
	assert_int_equal(complaints, 1);
	assert_non_null(strstr(complaint, "/nonexistent/spidev0.0"));
	assert_non_null(strstr(complaint, "dtparam=spi=on"));
	shift_destroy(shift);
}

static void a_port_of_nobody_yet_is_waited_for_in_silence(void **state)
{
	int far_end[2];
	struct shift *shift = on_spi(8, false, far_end);

	(void)state;
	denied = true;
	for (unsigned i = 0; i < SHIFT_PATIENCE; i++)
		assert_int_equal(shift_connect(shift), -EACCES);
	assert_int_equal(complaints, 0);
	assert_int_equal(shift_connect(shift), -EACCES);
	assert_int_equal(shift_connect(shift), -EACCES);
	assert_int_equal(complaints, 1);
	denied = false;
	assert_int_equal(shift_connect(shift), 0);
	assert_int_equal(relieved, 1);
	shift_destroy(shift);
	close(far_end[0]);
	close(far_end[1]);
}

static void what_is_no_spi_port_is_refused(void **state)
{
	int far_end[2];
	struct shift *shift = on_spi(8, false, far_end);

	(void)state;
	not_a_port = true;
	assert_int_equal(shift_connect(shift), -ENOTTY);
	assert_non_null(strstr(complaint, "is no SPI port"));
	not_a_port = false;
	assert_int_equal(shift_connect(shift), 0);
	assert_int_equal(relieved, 1);
	shift_destroy(shift);
	close(far_end[0]);
	close(far_end[1]);
}

static void a_port_that_takes_no_more_is_let_go_and_taken_again(void **state)
{
	int far_end[2];
	struct shift *shift = on_spi(8, false, far_end);
	bool active[8] = {true};
	uint8_t byte = 0;

	(void)state;
	assert_int_equal(shift_connect(shift), 0);
	while (write(far_end[1], &byte, 1) == 1)
		;
	shift_set(shift, active);
	assert_int_equal(complaints, 1);
	while (read(far_end[0], &byte, 1) == 1)
		;
	assert_int_equal(shift_connect(shift), 0);
	take_transfers(far_end[0], 1);
	assert_out(active, 8, false);
	shift_destroy(shift);
	close(far_end[0]);
	close(far_end[1]);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_bit_comes_out_where_it_belongs),
		TEST(each_bit_comes_out_over_spi_too),
		TEST(active_low_turns_every_level_round),
		TEST(an_equal_picture_costs_nothing),
		TEST(a_picture_over_spi_is_one_call),
		TEST(the_end_is_dark),
		TEST(missing_lines_are_told_once_and_the_picture_kept),
		TEST(a_chain_that_vanishes_is_written_anew_when_it_is_back),
		TEST(a_port_that_is_not_there_is_told_once),
		TEST(a_port_of_nobody_yet_is_waited_for_in_silence),
		TEST(what_is_no_spi_port_is_refused),
		TEST(a_port_that_takes_no_more_is_let_go_and_taken_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
