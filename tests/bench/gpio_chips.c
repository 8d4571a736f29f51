/*
 * Chips that come and go, lamps and expanders: drivers/gpio.h against real
 * kernel chips, in the guest, as root (gpio_lines.sh). The same program runs
 * with libgpiod 1.6 and 2.x.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "base/clock.h"
#include "tests/bench/expander.h"
#include "tests/bench/gpio_case.h"
#include "tests/bench/sim.h"

/* ---- chips that come and go ---- */

static void lose_and_return(void (*take_away)(const char *),
			    void (*give_back)(const char *))
{
	struct gpio_wire button = {.line = "REC"};
	struct gpio_wire lamps[] = {{.line = "LAMP", .active_low = true},
				    {.line = "LED"}};
	struct gpio_inputs *inputs = inputs_of(&button, 1);
	struct gpio_outputs *outputs =
		gpio_outputs_create(lamps, 2, hear, NULL);
	const bool on[] = {true, true}, half[] = {false, true};

	assert_int_equal(gpio_inputs_connect(inputs), 0);
	assert_int_equal(gpio_outputs_connect(outputs), 0);
	assert_level(inputs, 0, false);
	gpio_outputs_set(outputs, on);

	take_away("panel");
	assert_int_equal(gpio_inputs_connect(inputs), 1);
	assert_int_equal(trouble.told, 1);
	assert_says(0, "GPIO line REC is gone with its chip \"panel\"");
	gpio_outputs_set(outputs, half);
	assert_int_equal(trouble.told, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(gpio_inputs_connect(inputs), 1);
		assert_int_equal(gpio_outputs_connect(outputs), 2);
	}
	assert_int_equal(trouble.told, 3);
	assert_no_event(inputs);

	give_back("panel");
	sim_pull("panel", 0, true);
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	assert_int_equal(gpio_outputs_connect(outputs), 0);
	assert_int_equal(trouble.told, 3);
	assert_int_equal(trouble.well, 3);
	assert_level(inputs, 0, true);
	assert_true(sim_value("panel", 6));
	assert_true(sim_value("panel", 7));
	sim_pull("panel", 0, false);
	assert_edge(inputs, 0, false);
	gpio_outputs_destroy(outputs);
	gpio_inputs_destroy(inputs);
}

static void a_chip_that_is_unplugged_and_returns_goes_on(void **state)
{
	(void)state;
	lose_and_return(sim_unplug, sim_plug);
}

static void a_chip_whose_driver_is_unbound_and_bound_goes_on(void **state)
{
	(void)state;
	lose_and_return(sim_unbind, sim_bind);
}

static void move(const char *chip)
{
	sim_make("early", 2, "");
	sim_plug(chip);
}

static void a_chip_that_returns_with_another_number_goes_on(void **state)
{
	(void)state;
	lose_and_return(sim_unplug, move);
	sim_remove("early");
}

static void a_chip_that_went_and_came_unnoticed_is_taken_again(void **state)
{
	struct gpio_wire wire = {.line = "REC"};
	struct gpio_inputs *inputs = inputs_of(&wire, 1);

	(void)state;
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	assert_level(inputs, 0, false);
	sim_unplug("panel");
	sim_plug("panel");
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	assert_int_equal(trouble.told, 1);
	assert_int_equal(trouble.well, 1);
	assert_level(inputs, 0, false);
	sim_pull("panel", 0, true);
	assert_edge(inputs, 0, true);
	gpio_inputs_destroy(inputs);
}

/* ---- outputs ---- */

static void lamps_show_the_picture_with_one_call_for_each_chip(void **state)
{
	struct gpio_wire lamps[] = {{.line = "LAMP"},
				    {.line = "LED", .active_low = true},
				    {.line = "panel:5"},
				    {.line = "second:0", .active_low = true},
				    {.line = "second:1"}};
	static const struct {
		const char *chip;
		unsigned line;
	} place[] = {{"panel", 6},
		     {"panel", 7},
		     {"panel", 5},
		     {"second", 0},
		     {"second", 1}};
	struct gpio_outputs *outputs;
	bool shown[5] = {false};
	uint64_t calls;

	(void)state;
	sim_make("second", 4, "");
	outputs = gpio_outputs_create(lamps, 5, hear, NULL);
	assert_int_equal(gpio_outputs_connect(outputs), 0);
	calls = gpio_outputs_calls(outputs);
	for (unsigned picture = 1; picture <= 100; picture++) {
		unsigned bits = picture * 2654435761u >> 13;
		bool active[5], first = false, second = false;

		for (unsigned i = 0; i < 5; i++) {
			active[i] = bits >> i & 1;
			*(i < 3 ? &first : &second) |= active[i] != shown[i];
			shown[i] = active[i];
		}
		gpio_outputs_set(outputs, active);
		for (unsigned i = 0; i < 5; i++)
			assert_int_equal(
				sim_value(place[i].chip, place[i].line),
				active[i] != lamps[i].active_low);
		calls += first + second;
		assert_int_equal(gpio_outputs_calls(outputs), calls);
	}
	assert_int_equal(trouble.told, 0);
	gpio_outputs_destroy(outputs);
	sim_remove("second");
}

static void a_lamp_that_comes_later_joins_the_others_of_its_chip(void **state)
{
	struct gpio_wire lamps[] = {{.line = "LAMP"}, {.line = "LED"}};
	struct gpio_outputs *outputs =
		gpio_outputs_create(lamps, 2, hear, NULL);
	struct holder holder = hold("panel", 7, "squatter");
	const bool on[] = {true, true}, off[] = {false, false};
	uint64_t calls;

	(void)state;
	assert_int_equal(gpio_outputs_connect(outputs), 1);
	gpio_outputs_set(outputs, on);
	assert_true(sim_value("panel", 6));
	let_go(&holder);
	assert_int_equal(gpio_outputs_connect(outputs), 0);
	assert_true(sim_value("panel", 6));
	assert_true(sim_value("panel", 7));
	calls = gpio_outputs_calls(outputs);
	gpio_outputs_set(outputs, off);
	assert_int_equal(gpio_outputs_calls(outputs), calls + 1);
	assert_false(sim_value("panel", 6));
	assert_false(sim_value("panel", 7));
	gpio_outputs_destroy(outputs);
}

static void a_bus_is_clocked_without_touching_other_lamps(void **state)
{
	struct gpio_wire wires[] = {
		{.line = "LED"}, {.line = "panel:3"}, {.line = "panel:4"}};
	struct gpio_outputs *outputs =
		gpio_outputs_create(wires, 3, hear, NULL);
	const bool lamp[] = {true, false, false};
	uint64_t calls;

	(void)state;
	assert_int_equal(gpio_outputs_connect(outputs), 0);
	gpio_outputs_set(outputs, lamp);
	calls = gpio_outputs_calls(outputs);
	for (unsigned i = 0; i < 16; i++) {
		bool bus[] = {i & 1, i >> 1 & 1};

		assert_int_equal(gpio_outputs_pulse(outputs, 1, 2, bus), 0);
		assert_int_equal(sim_value("panel", 3), bus[0]);
		assert_int_equal(sim_value("panel", 4), bus[1]);
		assert_true(sim_value("panel", 7));
	}
	assert_int_equal(gpio_outputs_calls(outputs), calls + 16);
	assert_int_equal(gpio_outputs_pulse(outputs, 2, 2, lamp), -EINVAL);
	gpio_outputs_destroy(outputs);
}

static void open_drain_lamps_are_driven_to_ground_only(void **state)
{
	struct gpio_wire lamps[] = {
		{.line = "LAMP", .active_low = true, .drive = GPIO_OPEN_DRAIN},
		{.line = "LED"}};
	struct gpio_outputs *outputs =
		gpio_outputs_create(lamps, 2, hear, NULL);
	const bool on[] = {true, true}, off[] = {false, false};

	(void)state;
	sim_pull("panel", 6, true);
	assert_int_equal(gpio_outputs_connect(outputs), 0);
	assert_true(sim_value("panel", 6));
	gpio_outputs_set(outputs, on);
	assert_false(sim_value("panel", 6));
	assert_true(sim_value("panel", 7));
	/* Let go, and not driven high; the simulator forgets the pull-up. */
	gpio_outputs_set(outputs, off);
	assert_false(sim_value("panel", 6));
	assert_false(sim_value("panel", 7));
	gpio_outputs_destroy(outputs);
}

static void lamps_are_off_when_the_group_ends(void **state)
{
	struct gpio_wire lamp = {.line = "LED", .active_low = true};
	struct gpio_outputs *outputs =
		gpio_outputs_create(&lamp, 1, hear, NULL);
	const bool on = true;

	(void)state;
	/* Afterwards the line is what it is pulled to. */
	sim_pull("panel", 7, true);
	assert_int_equal(gpio_outputs_connect(outputs), 0);
	assert_true(sim_value("panel", 7));
	gpio_outputs_set(outputs, &on);
	assert_false(sim_value("panel", 7));
	gpio_outputs_destroy(outputs);
	assert_true(sim_value("panel", 7));
}

/* ---- expanders ---- */

static void an_expander_without_interrupts_is_polled(void **state)
{
	struct gpio_wire wires[] = {{.line = "mcp23017:3"},
				    {.line = "mcp23017:4", .active_low = true},
				    {.line = "REC"}};
	struct gpio_inputs *inputs = inputs_of(wires, 3);
	struct gpio_event event;
	int64_t before;

	(void)state;
	expander_plug();
	expander_set_inputs(1 << 4);
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	assert_int_equal(gpio_inputs_polled(inputs), 2);
	for (unsigned i = 0; i < 3; i++)
		assert_false(next_event(inputs).active);
	gpio_inputs_poll(inputs);
	assert_no_event(inputs);

	expander_set_inputs(1 << 3 | 1 << 4);
	before = clock_now_ns();
	gpio_inputs_poll(inputs);
	event = next_event(inputs);
	assert_int_equal(event.wire, 0);
	assert_true(event.active);
	assert_false(event.seen);
	assert_true(event.time_ns >= before);
	sim_pull("panel", 0, true);
	assert_edge(inputs, 2, true);

	expander_unplug();
	gpio_inputs_poll(inputs);
	assert_int_equal(trouble.told, 2);
	assert_says(0, "is gone with its chip \"mcp23017\"");
	assert_int_equal(gpio_inputs_polled(inputs), 0);
	sim_pull("panel", 0, false);
	assert_edge(inputs, 2, false);
	expander_plug();
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	assert_int_equal(trouble.well, 2);
	assert_int_equal(gpio_inputs_polled(inputs), 2);
	gpio_inputs_destroy(inputs);
	expander_unplug();
}

static void lamps_on_an_expander_are_written_at_once(void **state)
{
	struct gpio_wire lamps[] = {{.line = "mcp23017:8"},
				    {.line = "mcp23017:15"}};
	struct gpio_outputs *outputs;
	const bool on[] = {true, true}, one[] = {false, true};
	uint64_t calls;

	(void)state;
	expander_plug();
	outputs = gpio_outputs_create(lamps, 2, hear, NULL);
	assert_int_equal(gpio_outputs_connect(outputs), 0);
	calls = gpio_outputs_calls(outputs);
	gpio_outputs_set(outputs, on);
	assert_int_equal(expander_outputs(), 1 << 8 | 1 << 15);
	gpio_outputs_set(outputs, one);
	assert_int_equal(expander_outputs(), 1 << 15);
	assert_int_equal(gpio_outputs_calls(outputs), calls + 2);
	gpio_outputs_destroy(outputs);
	assert_int_equal(expander_outputs(), 0);
	expander_unplug();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_chip_that_is_unplugged_and_returns_goes_on),
		CASE(a_chip_whose_driver_is_unbound_and_bound_goes_on),
		CASE(a_chip_that_returns_with_another_number_goes_on),
		CASE(a_chip_that_went_and_came_unnoticed_is_taken_again),
		CASE(lamps_show_the_picture_with_one_call_for_each_chip),
		CASE(a_lamp_that_comes_later_joins_the_others_of_its_chip),
		CASE(a_bus_is_clocked_without_touching_other_lamps),
		CASE(open_drain_lamps_are_driven_to_ground_only),
		CASE(lamps_are_off_when_the_group_ends),
		CASE(an_expander_without_interrupts_is_polled),
		CASE(lamps_on_an_expander_are_written_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
