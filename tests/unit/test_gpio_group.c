/*
 * gpio_group, gpio_inputs and gpio_outputs on chips that are made up: what
 * happens when lines are deaf, snatched away, too many for one request, or on
 * a chip that does not answer. Real chips are in tests/bench/gpio_lines.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "drivers/gpio_chip.h"
#include "drivers/gpio_find.h"

#define CHIPS 2
#define LINES 128

/* ---- the machine, in place of drivers/gpio_v?.c and gpio_scan.c ---- */

struct gpio_request {
	unsigned chip, count;
	unsigned offset[GPIO_REQUEST_MAX];
	int pipe[2]; /* of struct gpio_edge */
};

static struct machine {
	struct {
		bool gone, denied;
		int error; /* of every call, but for asking; 0: none */
		unsigned requests;
		struct {
			bool used, snatched, deaf, level;
		} line[LINES];
	} chip[CHIPS];
	struct gpio_request *last; /* that was opened */
	bool lost;
} machine;

int gpio_listing_read(struct gpio_listing *listing)
{
	for (unsigned c = 0; c < CHIPS; c++) {
		bool open = !machine.chip[c].gone && !machine.chip[c].denied;

		if (machine.chip[c].denied)
			snprintf(listing->denied, sizeof(listing->denied),
				 "/dev/gpiochip%u", c);
		listing->chips += open;
		for (unsigned i = 0; open && i < LINES; i++) {
			struct gpio_line line = {
				.offset = i,
				.used = machine.chip[c].line[i].used};

			snprintf(line.chip, sizeof(line.chip), "gpiochip%u", c);
			snprintf(line.label, sizeof(line.label), "chip%u", c);
			assert_int_equal(gpio_listing_add(listing, &line), 0);
		}
	}
	return 0;
}

static int claim(struct gpio_request *request, enum gpio_use use,
		 unsigned offset)
{
	unsigned chip = request->chip;

	if (machine.chip[chip].line[offset].used ||
	    machine.chip[chip].line[offset].snatched)
		return -EBUSY;
	if (use == GPIO_USE_EDGES && machine.chip[chip].line[offset].deaf)
		return -ENXIO;
	machine.chip[chip].line[offset].used = true;
	request->offset[request->count++] = offset;
	return 0;
}

int gpio_request_open(struct gpio_request **request, const char *path,
		      enum gpio_use use, const struct gpio_want *want,
		      unsigned count)
{
	struct gpio_request *it = calloc(1, sizeof(*it));
	int result = 0;

	assert_non_null(it);
	assert_true(count > 0 && count <= GPIO_REQUEST_MAX);
	assert_int_equal(sscanf(path, "/dev/gpiochip%u", &it->chip), 1);
	assert_int_equal(pipe(it->pipe), 0);
	machine.chip[it->chip].requests++;
	if (machine.chip[it->chip].gone)
		result = -ENODEV;
	for (unsigned i = 0; i < count && result == 0; i++)
		result = claim(it, use, want[i].offset);
	for (unsigned i = 0; use == GPIO_USE_OUTPUT && i < count; i++)
		machine.chip[it->chip].line[want[i].offset].level =
			want[i].level;
	if (result < 0) {
		gpio_request_close(it);
		return result;
	}
	*request = machine.last = it;
	return 0;
}

void gpio_request_close(struct gpio_request *request)
{
	if (!request)
		return;
	for (unsigned i = 0; i < request->count; i++)
		machine.chip[request->chip].line[request->offset[i]].used =
			false;
	machine.chip[request->chip].requests--;
	close(request->pipe[0]);
	if (request->pipe[1] >= 0)
		close(request->pipe[1]);
	free(request);
}

unsigned gpio_request_sources(const struct gpio_request *request)
{
	(void)request;
	return 1;
}

int gpio_request_fd(const struct gpio_request *request, unsigned source)
{
	(void)source;
	return request->pipe[0];
}

int gpio_request_read(struct gpio_request *request, unsigned source,
		      struct gpio_edge *edges, bool *lost)
{
	ssize_t bytes =
		read(request->pipe[0], edges, GPIO_BATCH * sizeof(*edges));

	(void)source;
	*lost |= machine.lost;
	machine.lost = false;
	assert_true(bytes >= 0);
	return (int)((size_t)bytes / sizeof(*edges));
}

static int answer(const struct gpio_request *request)
{
	if (machine.chip[request->chip].gone)
		return -ENODEV;
	return machine.chip[request->chip].error;
}

int gpio_request_get(struct gpio_request *request, bool *levels)
{
	for (unsigned i = 0; i < request->count; i++)
		levels[i] = machine.chip[request->chip]
				    .line[request->offset[i]]
				    .level;
	return answer(request) < 0 ? answer(request) : 1;
}

int gpio_request_set(struct gpio_request *request, const bool *levels)
{
	for (unsigned i = 0; i < request->count; i++)
		machine.chip[request->chip].line[request->offset[i]].level =
			levels[i];
	return answer(request) < 0 ? answer(request) : 1;
}

static void add_edge(unsigned index, bool level, int64_t time_ns)
{
	struct gpio_edge edge = {index, level, time_ns};

	assert_int_equal(write(machine.last->pipe[1], &edge, sizeof(edge)),
			 sizeof(edge));
}

/* ---- what is heard ---- */

static struct trouble {
	unsigned told, well;
	char text[512];
} trouble;

static void hear(void *context, unsigned wire, const char *text)
{
	(void)context;
	(void)wire;
	trouble.told += text != NULL;
	trouble.well += text == NULL;
	if (text)
		snprintf(trouble.text, sizeof(trouble.text), "%s", text);
}

static int set_up(void **state)
{
	(void)state;
	memset(&machine, 0, sizeof(machine));
	memset(&trouble, 0, sizeof(trouble));
	return 0;
}

/* Wires to lines 0, 1, 2 ... of a chip. */
static void wire_up(struct gpio_wire *wires, unsigned chip, unsigned count)
{
	memset(wires, 0, count * sizeof(*wires));
	for (unsigned i = 0; i < count; i++)
		snprintf(wires[i].line, sizeof(wires[i].line), "chip%u:%u",
			 chip, i);
}

static struct gpio_inputs *inputs_of(unsigned chip, unsigned count)
{
	struct gpio_wire wires[GPIO_WIRES_MAX];

	wire_up(wires, chip, count);
	return gpio_inputs_create(wires, count, hear, NULL);
}

static struct gpio_outputs *outputs_of(unsigned chip, unsigned count)
{
	struct gpio_wire wires[GPIO_WIRES_MAX];

	wire_up(wires, chip, count);
	return gpio_outputs_create(wires, count, hear, NULL);
}

static void skip_levels(struct gpio_inputs *inputs, unsigned count)
{
	struct gpio_event event;

	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(gpio_inputs_read(inputs, &event), 0);
		assert_false(event.seen);
	}
	assert_int_equal(gpio_inputs_read(inputs, &event), -EAGAIN);
}

static void assert_event(struct gpio_inputs *inputs, unsigned wire, bool active,
			 bool seen)
{
	struct gpio_event event;

	assert_int_equal(gpio_inputs_read(inputs, &event), 0);
	assert_int_equal(event.wire, wire);
	assert_int_equal(event.active, active);
	assert_int_equal(event.seen, seen);
}

/* ---- cases ---- */

static void a_group_without_wires_is_a_group(void **state)
{
	struct gpio_inputs *inputs = inputs_of(0, 0);
	struct gpio_outputs *outputs = outputs_of(0, 0);
	struct gpio_event event;

	(void)state;
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	assert_int_equal(gpio_outputs_connect(outputs), 0);
	assert_int_equal(gpio_inputs_read(inputs, &event), -EAGAIN);
	gpio_outputs_set(outputs, NULL);
	assert_int_equal(gpio_outputs_pulse(outputs, 0, 0, NULL), -EINVAL);
	gpio_inputs_destroy(inputs);
	gpio_outputs_destroy(outputs);
}

static void too_many_wires_are_refused(void **state)
{
	static struct gpio_wire wires[GPIO_WIRES_MAX + 1];

	(void)state;
	assert_null(gpio_inputs_create(wires, GPIO_WIRES_MAX + 1, hear, NULL));
	assert_null(gpio_outputs_create(wires, GPIO_WIRES_MAX + 1, hear, NULL));
}

static void more_lines_than_a_request_holds_take_two(void **state)
{
	struct gpio_outputs *outputs = outputs_of(0, 100);
	bool on[100];

	(void)state;
	machine.chip[0].line[80].snatched = true;
	memset(on, true, sizeof(on));
	gpio_outputs_set(outputs, on);
	assert_int_equal(gpio_outputs_connect(outputs), 1);
	assert_int_equal(trouble.told, 1);
	machine.chip[0].line[80].snatched = false;
	assert_int_equal(gpio_outputs_connect(outputs), 0);
	assert_int_equal(trouble.well, 1);
	assert_int_equal(machine.chip[0].requests, 2);
	for (unsigned i = 0; i < 100; i++)
		assert_true(machine.chip[0].line[i].level);
	gpio_outputs_destroy(outputs);
	for (unsigned i = 0; i < 100; i++)
		assert_false(machine.chip[0].line[i].level);
	assert_int_equal(machine.chip[0].requests, 0);
}

static void a_line_that_is_snatched_takes_nothing_from_the_others(void **state)
{
	struct gpio_inputs *inputs = inputs_of(0, 4);

	(void)state;
	machine.chip[0].line[2].snatched = true;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(gpio_inputs_connect(inputs), 1);
	assert_int_equal(trouble.told, 1);
	assert_non_null(strstr(trouble.text, "GPIO line chip0:2 is held by"));
	skip_levels(inputs, 3);
	machine.chip[0].line[2].snatched = false;
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	skip_levels(inputs, 1);
	gpio_inputs_destroy(inputs);
}

static void lines_that_cannot_interrupt_are_polled_and_only_they(void **state)
{
	struct gpio_inputs *inputs = inputs_of(0, 4);

	(void)state;
	machine.chip[0].line[1].deaf = machine.chip[0].line[3].deaf = true;
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	assert_int_equal(gpio_inputs_polled(inputs), 2);
	assert_int_equal(machine.chip[0].requests, 2);
	assert_int_equal(trouble.told, 0);
	skip_levels(inputs, 4);
	gpio_inputs_destroy(inputs);
}

static void a_change_of_a_polled_line_comes_with_the_time_of_reading(
	void **state)
{
	struct gpio_inputs *inputs = inputs_of(1, 2);
	struct pollfd readable = {gpio_inputs_fd(inputs), POLLIN, 0};
	struct gpio_event event;
	int64_t before;

	(void)state;
	machine.chip[1].line[0].deaf = machine.chip[1].line[1].deaf = true;
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	skip_levels(inputs, 2);
	gpio_inputs_poll(inputs);
	assert_int_equal(poll(&readable, 1, 0), 0);
	machine.chip[1].line[1].level = true;
	before = clock_now_ns();
	gpio_inputs_poll(inputs);
	assert_int_equal(poll(&readable, 1, 0), 1);
	assert_int_equal(gpio_inputs_read(inputs, &event), 0);
	assert_int_equal(event.wire, 1);
	assert_true(event.active);
	assert_false(event.seen);
	assert_true(event.time_ns >= before);
	assert_true(event.time_ns <= clock_now_ns());
	assert_int_equal(gpio_inputs_read(inputs, &event), -EAGAIN);
	assert_int_equal(poll(&readable, 1, 0), 0);
	gpio_inputs_destroy(inputs);
}

static void polls_that_nobody_reads_lose_no_level(void **state)
{
	struct gpio_inputs *inputs = inputs_of(1, 2);
	bool last[2] = {true, true};
	struct gpio_event event;

	(void)state;
	machine.chip[1].line[0].deaf = machine.chip[1].line[1].deaf = true;
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	for (unsigned i = 0; i < 5001; i++) {
		machine.chip[1].line[i % 2].level ^= true;
		gpio_inputs_poll(inputs);
	}
	while (gpio_inputs_read(inputs, &event) == 0)
		last[event.wire] = event.active;
	gpio_inputs_poll(inputs);
	while (gpio_inputs_read(inputs, &event) == 0)
		last[event.wire] = event.active;
	assert_int_equal(last[0], machine.chip[1].line[0].level);
	assert_int_equal(last[1], machine.chip[1].line[1].level);
	gpio_inputs_destroy(inputs);
}

static void edges_are_sorted_by_time(void **state)
{
	struct gpio_inputs *inputs = inputs_of(0, 3);

	(void)state;
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	skip_levels(inputs, 3);
	add_edge(2, true, 300);
	add_edge(0, true, 100);
	add_edge(0, false, 400);
	add_edge(1, true, 200);
	assert_event(inputs, 0, true, true);
	assert_event(inputs, 1, true, true);
	assert_event(inputs, 2, true, true);
	assert_event(inputs, 0, false, true);
	skip_levels(inputs, 0);
	gpio_inputs_destroy(inputs);
}

static void after_a_loss_levels_that_differ_are_told(void **state)
{
	struct gpio_inputs *inputs = inputs_of(0, 3);

	(void)state;
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	skip_levels(inputs, 3);
	machine.lost = true;
	machine.chip[0].line[1].level = true;
	machine.chip[0].line[2].level = true;
	add_edge(1, true, 100);
	assert_event(inputs, 1, true, true);
	assert_event(inputs, 2, true, false);
	skip_levels(inputs, 0);
	gpio_inputs_destroy(inputs);
}

/* The kernel told of the last edge, but with the level before it. */
static void a_line_at_rest_is_read_once_more(void **state)
{
	struct gpio_inputs *inputs = inputs_of(0, 2);
	struct gpio_event event;
	struct pollfd rest;
	int64_t before;

	(void)state;
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	skip_levels(inputs, 2);
	add_edge(1, false, 1000);
	machine.chip[0].line[1].level = true;
	assert_event(inputs, 1, false, true);
	assert_int_equal(gpio_inputs_read(inputs, &event), -EAGAIN);
	before = clock_now_ns();
	rest = (struct pollfd){gpio_inputs_fd(inputs), POLLIN, 0};
	assert_int_equal(poll(&rest, 1, 10000), 1);
	assert_int_equal(gpio_inputs_read(inputs, &event), 0);
	assert_int_equal(event.wire, 1);
	assert_true(event.active);
	assert_false(event.seen);
	assert_true(event.time_ns >= before);
	assert_int_equal(gpio_inputs_read(inputs, &event), -EAGAIN);
	assert_int_equal(poll(&rest, 1, 20), 0);
	gpio_inputs_destroy(inputs);
}

static void a_descriptor_that_hangs_up_is_a_chip_that_is_gone(void **state)
{
	struct gpio_inputs *inputs = inputs_of(0, 2);
	struct pollfd readable = {gpio_inputs_fd(inputs), POLLIN, 0};

	(void)state;
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	skip_levels(inputs, 2);
	machine.chip[0].gone = true;
	close(machine.last->pipe[1]);
	machine.last->pipe[1] = -1;
	assert_int_equal(poll(&readable, 1, 0), 1);
	skip_levels(inputs, 0);
	assert_int_equal(trouble.told, 2);
	assert_int_equal(poll(&readable, 1, 0), 0);
	assert_int_equal(gpio_inputs_connect(inputs), 2);
	assert_int_equal(trouble.told, 2);
	gpio_inputs_destroy(inputs);
}

/* The kernel grants lines of an expander that is unplugged: it remembers what
 * the chip was set to. */
static void an_expander_that_does_not_answer_is_told_once(void **state)
{
	struct gpio_inputs *inputs = inputs_of(1, 2);
	struct gpio_outputs *outputs = outputs_of(1, 2);
	struct gpio_event event;

	(void)state;
	machine.chip[1].error = -EIO;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(gpio_inputs_connect(inputs), 2);
	assert_int_equal(trouble.told, 2);
	assert_int_equal(trouble.well, 0);
	assert_non_null(strstr(trouble.text,
			       "GPIO line chip1:1 does not work: its chip "
			       "\"chip1\" answers \"Input/output error\""));
	assert_int_equal(gpio_inputs_read(inputs, &event), -EAGAIN);
	machine.chip[1].error = 0;
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	assert_int_equal(trouble.well, 2);
	skip_levels(inputs, 2);
	/* They are its inputs. */
	assert_int_equal(gpio_outputs_connect(outputs), 2);
	gpio_outputs_destroy(outputs);
	gpio_inputs_destroy(inputs);
}

static void lamps_on_a_chip_that_fails_show_the_picture_afterwards(void **state)
{
	struct gpio_outputs *outputs = outputs_of(0, 2);
	const bool first[] = {true, false}, second[] = {false, true};

	(void)state;
	assert_int_equal(gpio_outputs_connect(outputs), 0);
	gpio_outputs_set(outputs, first);
	machine.chip[0].error = -EIO;
	gpio_outputs_set(outputs, second);
	assert_int_equal(trouble.told, 2);
	assert_int_equal(gpio_outputs_pulse(outputs, 0, 2, first), -ENODEV);
	assert_int_equal(gpio_outputs_connect(outputs), 2);
	machine.chip[0].error = 0;
	machine.chip[0].line[1].level = false;
	assert_int_equal(gpio_outputs_connect(outputs), 0);
	assert_false(machine.chip[0].line[0].level);
	assert_true(machine.chip[0].line[1].level);
	gpio_outputs_destroy(outputs);
}

static void a_bus_on_two_chips_is_refused(void **state)
{
	struct gpio_wire wires[2] = {{.line = "chip0:1"}, {.line = "chip1:1"}};
	const bool levels[] = {true, true};
	struct gpio_outputs *outputs =
		gpio_outputs_create(wires, 2, hear, NULL);

	(void)state;
	assert_int_equal(gpio_outputs_connect(outputs), 0);
	assert_int_equal(gpio_outputs_pulse(outputs, 0, 2, levels), -EXDEV);
	assert_int_equal(gpio_outputs_pulse(outputs, 1, 1, levels), 0);
	assert_true(machine.chip[1].line[1].level);
	gpio_outputs_destroy(outputs);
}

/* udev gives it to its group when it has been there for a moment. */
static void a_chip_of_nobody_yet_is_waited_for_in_silence(void **state)
{
	struct gpio_outputs *lamps = outputs_of(1, 2);

	(void)state;
	machine.chip[1].denied = true;
	for (int i = 0; i < 3; i++)
		assert_int_equal(gpio_outputs_connect(lamps), 2);
	machine.chip[1].denied = false;
	assert_int_equal(gpio_outputs_connect(lamps), 0);
	assert_int_equal(trouble.told, 0);
	assert_int_equal(trouble.well, 0);
	gpio_outputs_destroy(lamps);
}

static void a_chip_that_stays_forbidden_is_told_once(void **state)
{
	struct gpio_outputs *lamps = outputs_of(1, 1);

	(void)state;
	machine.chip[1].denied = true;
	for (int i = 0; i < 20; i++)
		assert_int_equal(gpio_outputs_connect(lamps), 1);
	assert_int_equal(trouble.told, 1);
	assert_non_null(strstr(trouble.text, "/dev/gpiochip1"));
	assert_non_null(strstr(trouble.text, "group gpio"));
	machine.chip[1].denied = false;
	assert_int_equal(gpio_outputs_connect(lamps), 0);
	assert_int_equal(trouble.well, 1);
	gpio_outputs_destroy(lamps);
}

#define CASE(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_group_without_wires_is_a_group),
		CASE(too_many_wires_are_refused),
		CASE(more_lines_than_a_request_holds_take_two),
		CASE(a_line_that_is_snatched_takes_nothing_from_the_others),
		CASE(lines_that_cannot_interrupt_are_polled_and_only_they),
		CASE(a_change_of_a_polled_line_comes_with_the_time_of_reading),
		CASE(polls_that_nobody_reads_lose_no_level),
		CASE(edges_are_sorted_by_time),
		CASE(after_a_loss_levels_that_differ_are_told),
		CASE(a_line_at_rest_is_read_once_more),
		CASE(a_descriptor_that_hangs_up_is_a_chip_that_is_gone),
		CASE(an_expander_that_does_not_answer_is_told_once),
		CASE(lamps_on_a_chip_that_fails_show_the_picture_afterwards),
		CASE(a_bus_on_two_chips_is_refused),
		CASE(a_chip_of_nobody_yet_is_waited_for_in_silence),
		CASE(a_chip_that_stays_forbidden_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
