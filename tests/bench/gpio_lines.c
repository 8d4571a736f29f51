/*
 * Finding lines and reading inputs: drivers/gpio.h against real kernel chips,
 * in the guest, as root (gpio_lines.sh). The same program runs with libgpiod
 * 1.6 and 2.x.
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
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "drivers/gpio_group.h"
#include "tests/bench/gpio_case.h"
#include "tests/bench/sim.h"

/* ---- finding ---- */

static void a_line_is_found_by_its_name_or_by_label_and_offset(void **state)
{
	struct gpio_line line;
	char error[512];

	(void)state;
	assert_int_equal(gpio_find("STOP", &line, error, sizeof(error)), 0);
	assert_string_equal(line.label, "panel");
	assert_int_equal(line.offset, 1);
	assert_int_equal(gpio_find("panel:1", &line, error, sizeof(error)), 0);
	assert_string_equal(line.name, "STOP");
	assert_int_equal(gpio_find("panel:5", &line, error, sizeof(error)), 0);
	assert_string_equal(line.name, "");
	assert_false(line.used);
}

static void a_name_that_two_chips_have_is_refused_with_both_places(void **state)
{
	struct gpio_wire wire = {.line = "REC"};
	struct gpio_inputs *inputs;

	(void)state;
	sim_make("second", 4, "3=REC");
	inputs = inputs_of(&wire, 1);
	assert_int_equal(gpio_inputs_connect(inputs), 1);
	assert_says(0, "two GPIO lines have the name \"REC\"");
	assert_says(0, "panel:0");
	assert_says(0, "second:3");
	gpio_inputs_destroy(inputs);
	sim_remove("second");
}

static void a_label_that_two_chips_have_is_refused(void **state)
{
	struct gpio_wire wire = {.line = "panel:3"};
	struct gpio_inputs *inputs;

	(void)state;
	sim_make("second", 4, "label=panel");
	inputs = inputs_of(&wire, 1);
	assert_int_equal(gpio_inputs_connect(inputs), 1);
	assert_says(0, "two GPIO chips are labelled \"panel\"");
	sim_remove("second");
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	assert_int_equal(trouble.well, 1);
	gpio_inputs_destroy(inputs);
}

static void a_symbolic_link_to_a_chip_is_not_another_chip(void **state)
{
	struct gpio_line line;
	char error[512];

	(void)state;
	assert_int_equal(symlink(sim_node("panel"), "/dev/gpiochip99"), 0);
	assert_int_equal(gpio_find("REC", &line, error, sizeof(error)), 0);
	assert_int_equal(unlink("/dev/gpiochip99"), 0);
}

static void lines_that_do_not_exist_are_told_once(void **state)
{
	struct gpio_wire wires[] = {{.line = "NONE"},
				    {.line = "panel:8"},
				    {.line = "other:1"},
				    {.line = "REC"}};
	struct gpio_inputs *inputs = inputs_of(wires, 4);

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(gpio_inputs_connect(inputs), 3);
	assert_int_equal(trouble.told, 3);
	assert_says(0, "there is no GPIO line \"NONE\"");
	assert_says(1, "\"panel\" has the lines 0 to 7, and no 8");
	assert_says(2, "there is no GPIO line \"other:1\"");
	/* The one that is there works. */
	assert_level(inputs, 3, false);
	sim_pull("panel", 0, true);
	assert_edge(inputs, 3, true);
	gpio_inputs_destroy(inputs);
}

static void a_busy_line_names_its_holder_and_is_taken_when_free(void **state)
{
	struct gpio_wire wires[] = {{.line = "REC"}, {.line = "STOP"}};
	struct gpio_inputs *inputs = inputs_of(wires, 2);
	struct holder holder = hold("panel", 0, "squatter");
	char who[64];

	(void)state;
	snprintf(who, sizeof(who),
		 "held by \"squatter\" (process %d, squatter)", holder.pid);
	for (int i = 0; i < 3; i++)
		assert_int_equal(gpio_inputs_connect(inputs), 1);
	assert_int_equal(trouble.told, 1);
	assert_says(0, who);
	assert_level(inputs, 1, false);
	let_go(&holder);
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	assert_int_equal(trouble.well, 1);
	assert_level(inputs, 0, false);
	gpio_inputs_destroy(inputs);
}

static void a_line_of_the_kernel_s_own_names_the_driver(void **state)
{
	struct gpio_wire wire = {.line = "hogged:3"};
	struct gpio_inputs *inputs;

	(void)state;
	sim_make("hogged", 4, "3!fan-control");
	inputs = inputs_of(&wire, 1);
	assert_int_equal(gpio_inputs_connect(inputs), 1);
	assert_says(0, "held by \"fan-control\";");
	gpio_inputs_destroy(inputs);
	sim_remove("hogged");
}

static void a_line_that_is_wired_twice_works_once_and_is_told(void **state)
{
	struct gpio_wire wires[] = {{.line = "REC"}, {.line = "panel:0"}};
	struct gpio_wire lamp = {.line = "REC"};
	struct gpio_inputs *inputs = inputs_of(wires, 2);
	struct gpio_outputs *outputs;

	(void)state;
	assert_int_equal(gpio_inputs_connect(inputs), 1);
	assert_says(1, "GPIO line panel:0 is wired twice: REC is the same");
	outputs = gpio_outputs_create(&lamp, 1, hear, NULL);
	assert_int_equal(gpio_outputs_connect(outputs), 1);
	assert_says(0, "this program itself");
	gpio_outputs_destroy(outputs);
	gpio_inputs_destroy(inputs);
}

static void a_chip_that_may_not_be_opened_names_the_group(void **state)
{
	struct gpio_wire wire = {.line = "REC"};
	struct gpio_inputs *inputs = inputs_of(&wire, 1);
	char node[64];

	(void)state;
	snprintf(node, sizeof(node), "/dev/%s", sim_node("panel"));
	assert_int_equal(chmod(node, 0600) | seteuid(65534), 0);
	/* While it starts udev may still be about to set the group. */
	for (unsigned i = 0; i <= GPIO_PATIENCE; i++) {
		assert_says_nothing(0);
		assert_int_equal(gpio_inputs_connect(inputs), 1);
	}
	assert_int_equal(seteuid(0), 0);
	assert_says(0, "may not be opened");
	assert_says(0, "in the group gpio");
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	gpio_inputs_destroy(inputs);
}

/* ---- inputs ---- */

static void levels_at_first_come_as_events_that_were_not_seen(void **state)
{
	struct gpio_wire wires[] = {{.line = "REC"},
				    {.line = "STOP", .active_low = true},
				    {.line = "MARK"}};
	struct gpio_inputs *inputs = inputs_of(wires, 3);

	(void)state;
	sim_pull("panel", 2, true);
	assert_no_event(inputs);
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	assert_true(readable(inputs, 0));
	assert_level(inputs, 0, false);
	assert_level(inputs, 1, true);
	assert_level(inputs, 2, true);
	assert_no_event(inputs);
	assert_int_equal(trouble.told, 0);
	gpio_inputs_destroy(inputs);
}

static int compare_times(const void *one, const void *two)
{
	int64_t a = *(const int64_t *)one, b = *(const int64_t *)two;

	return (a > b) - (a < b);
}

static void an_edge_has_the_monotonic_time_at_which_it_happened(void **state)
{
	struct gpio_wire wire = {.line = "REC"};
	struct gpio_inputs *inputs = inputs_of(&wire, 1);
	int64_t late[100];

	(void)state;
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	assert_level(inputs, 0, false);
	for (int i = 0; i < 100; i++) {
		int64_t before = clock_now_ns(), after;
		struct gpio_event event;

		sim_pull("panel", 0, i % 2 == 0);
		after = clock_now_ns();
		/* What it says must not depend on when it is read. */
		if (i % 10 == 0)
			poll(NULL, 0, 20);
		event = next_event(inputs);
		assert_true(event.seen);
		assert_int_equal(event.active, i % 2 == 0);
		assert_true(event.time_ns >= before);
		assert_true(event.time_ns <= after);
		late[i] = event.time_ns - before;
	}
	qsort(late, 100, sizeof(*late), compare_times);
	print_message("# edges are stamped %.2f ms after the pull's start "
		      "(median; worst %.2f)\n",
		      (double)late[50] / 1e6, (double)late[99] / 1e6);
	gpio_inputs_destroy(inputs);
}

static void a_button_to_ground_with_a_pull_up_is_active_when_pressed(
	void **state)
{
	struct gpio_wire wire = {
		.line = "REC", .active_low = true, .pull = GPIO_PULL_UP};
	struct gpio_inputs *inputs = inputs_of(&wire, 1);
	struct gpio_line line;
	char error[256];

	(void)state;
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	assert_level(inputs, 0, false);
	assert_int_equal(gpio_find("REC", &line, error, sizeof(error)), 0);
	assert_int_equal(line.pull, GPIO_PULL_UP);
	assert_string_equal(line.consumer, "takebox");
	sim_pull("panel", 0, false);
	assert_edge(inputs, 0, true);
	sim_pull("panel", 0, true);
	assert_edge(inputs, 0, false);
	gpio_inputs_destroy(inputs);
}

static void pulls_differ_from_line_to_line(void **state)
{
	struct gpio_wire wires[] = {{.line = "REC", .pull = GPIO_PULL_UP},
				    {.line = "STOP", .pull = GPIO_PULL_DOWN},
				    {.line = "MARK"}};
	struct gpio_inputs *inputs = inputs_of(wires, 3);

	(void)state;
	sim_pull("panel", 1, true);
	sim_pull("panel", 2, true);
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	assert_level(inputs, 0, true);
	assert_level(inputs, 1, false);
	assert_level(inputs, 2, true);
	gpio_inputs_destroy(inputs);
}

/* Reads one edge of each of four lines. What one read finds is in order; the
 * kernel may hand over one line's later than another's. */
static void read_in_order(struct gpio_inputs *inputs, bool active)
{
	int64_t newest = 0;
	unsigned lines = 0;

	while (lines != 0xf) {
		struct gpio_event event;

		if (gpio_inputs_read(inputs, &event) == -EAGAIN) {
			assert_true(readable(inputs, DEADLINE_MS));
			newest = 0;
			continue;
		}
		assert_true(event.seen);
		assert_true(event.time_ns > newest);
		assert_int_equal(event.active, active);
		assert_false(lines & 1u << event.wire);
		newest = event.time_ns;
		lines |= 1u << event.wire;
	}
}

static void edges_of_many_lines_come_in_order_of_time(void **state)
{
	struct gpio_wire wires[] = {{.line = "REC"},
				    {.line = "STOP"},
				    {.line = "MARK"},
				    {.line = "panel:3"}};
	struct gpio_inputs *inputs = inputs_of(wires, 4);

	(void)state;
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_level(inputs, i, false);
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < 4; i++)
			sim_pull("panel", 3 - i, round % 2 == 0);
		read_in_order(inputs, round % 2 == 0);
	}
	assert_no_event(inputs);
	gpio_inputs_destroy(inputs);
}

/* One change of line 0, then thousands of line 1 that nobody reads. */
static void flood(bool level)
{
	sim_pull("panel", 0, level);
	for (unsigned i = 0; i < 2049; i++)
		sim_pull("panel", 1, (i % 2 == 0) == level);
}

/* The kernel keeps 16 events of a line (libgpiod 1) or 1024 of a request
 * (libgpiod 2) and drops the newest, or the oldest. Pulls that are too fast for
 * it become one event, so it takes more than one try at times. */
static void a_flood_that_loses_events_loses_no_level(void **state)
{
	struct gpio_wire wires[] = {{.line = "REC"}, {.line = "STOP"}};
	struct gpio_inputs *inputs = inputs_of(wires, 2);
	bool level[2] = {false, false}, now = false;
	unsigned found = 0;

	(void)state;
	assert_int_equal(gpio_inputs_connect(inputs), 0);
	assert_level(inputs, 0, false);
	assert_level(inputs, 1, false);
	for (unsigned tries = 0; tries < 20 && found == 0; tries++) {
		now = !now;
		flood(now);
		do {
			struct gpio_event event = next_event(inputs);

			do {
				level[event.wire] = event.active;
				found += !event.seen;
			} while (gpio_inputs_read(inputs, &event) == 0);
		} while (level[0] != now || level[1] != now);
	}
	assert_true(found > 0);
	assert_no_event(inputs);
	sim_pull("panel", 1, !now);
	assert_edge(inputs, 1, !now);
	gpio_inputs_destroy(inputs);
}

/* ---- the listing ---- */

static void remember_rec(void *context, const struct gpio_line *line)
{
	if (strcmp(line->name, "REC") == 0)
		*(struct gpio_line *)context = *line;
}

/* gpio-sim of Linux 6.12 shows the pull in debugfs where 6.1 shows the level.
 */
static bool debugfs_tells_levels(void)
{
	FILE *text = fopen("/sys/kernel/debug/gpio", "re");
	char row[512];
	bool pulls = false;

	assert_non_null(text);
	while (fgets(row, sizeof(row), text))
		pulls |= strstr(row, "pull-") != NULL;
	fclose(text);
	return !pulls;
}

static void a_listing_tells_levels_of_free_and_of_held_lines(void **state)
{
	struct gpio_line line = {0};
	struct holder holder;

	(void)state;
	sim_pull("panel", 0, true);
	assert_int_equal(gpio_list(remember_rec, &line), 1);
	assert_string_equal(line.label, "panel");
	assert_false(line.used);
	assert_false(line.muxed);
	assert_int_equal(gpio_peek(&line), 1);
	sim_pull("panel", 0, false);
	assert_int_equal(gpio_peek(&line), 0);
	holder = hold("panel", 0, "squatter");
	sim_pull("panel", 0, true);
	assert_int_equal(gpio_list(remember_rec, &line), 1);
	assert_true(line.used);
	assert_string_equal(line.consumer, "squatter");
	assert_int_equal(gpio_peek(&line), debugfs_tells_levels() ? 1 : -EBUSY);
	let_go(&holder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_line_is_found_by_its_name_or_by_label_and_offset),
		CASE(a_name_that_two_chips_have_is_refused_with_both_places),
		CASE(a_label_that_two_chips_have_is_refused),
		CASE(a_symbolic_link_to_a_chip_is_not_another_chip),
		CASE(lines_that_do_not_exist_are_told_once),
		CASE(a_busy_line_names_its_holder_and_is_taken_when_free),
		CASE(a_line_of_the_kernel_s_own_names_the_driver),
		CASE(a_line_that_is_wired_twice_works_once_and_is_told),
		CASE(a_chip_that_may_not_be_opened_names_the_group),
		CASE(levels_at_first_come_as_events_that_were_not_seen),
		CASE(an_edge_has_the_monotonic_time_at_which_it_happened),
		CASE(a_button_to_ground_with_a_pull_up_is_active_when_pressed),
		CASE(pulls_differ_from_line_to_line),
		CASE(edges_of_many_lines_come_in_order_of_time),
		CASE(a_flood_that_loses_events_loses_no_level),
		CASE(a_listing_tells_levels_of_free_and_of_held_lines),
	};

	/* Where root sees the levels of lines that are held. */
	(void)!system("mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
