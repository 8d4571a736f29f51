/*
 * drivers/gpio.h against real kernel chips, in the guest (vm.sh --module
 * gpio-sim, as root). The same program runs with libgpiod 1.6 and 2.x.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "drivers/gpio.h"
#include "tests/bench/sim.h"

#define DEADLINE_MS 5000 /* for what happens at once */

/* ---- what the library says ---- */

static struct trouble {
	unsigned told, well;
	char text[GPIO_WIRES_MAX][512]; /* the last; "": none, or well again */
} trouble;

static void hear(void *context, unsigned wire, const char *text)
{
	(void)context;
	trouble.told += text != NULL;
	trouble.well += text == NULL;
	snprintf(trouble.text[wire], sizeof(trouble.text[0]), "%s",
		 text ? text : "");
}

static void assert_says(unsigned wire, const char *part)
{
	if (!strstr(trouble.text[wire], part))
		fail_msg("\"%s\" does not say \"%s\"", trouble.text[wire],
			 part);
}

/* ---- the bench ---- */

static int set_up(void **state)
{
	(void)state;
	memset(&trouble, 0, sizeof(trouble));
	sim_make("panel", 8, "0=REC 1=STOP 2=MARK 6=LAMP 7=LED");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sim_remove("panel");
	return 0;
}

static struct gpio_inputs *inputs_of(const struct gpio_wire *wires,
				     unsigned count)
{
	struct gpio_inputs *inputs =
		gpio_inputs_create(wires, count, hear, NULL);

	assert_non_null(inputs);
	return inputs;
}

static bool readable(const struct gpio_inputs *inputs, int timeout_ms)
{
	struct pollfd poll_fd = {gpio_inputs_fd(inputs), POLLIN, 0};

	return poll(&poll_fd, 1, timeout_ms) == 1;
}

/* Waits for the next event by the descriptor, as an event loop does. */
static struct gpio_event next_event(struct gpio_inputs *inputs)
{
	struct gpio_event event = {0};
	int64_t end = clock_now_ns() + DEADLINE_MS * NS_PER_MS;

	while (gpio_inputs_read(inputs, &event) == -EAGAIN) {
		if (clock_now_ns() > end)
			fail_msg("no event");
		readable(inputs, DEADLINE_MS);
	}
	return event;
}

static void assert_no_event(struct gpio_inputs *inputs)
{
	struct gpio_event event;

	assert_int_equal(gpio_inputs_read(inputs, &event), -EAGAIN);
	assert_false(readable(inputs, 0));
}

static void assert_level(struct gpio_inputs *inputs, unsigned wire, bool active)
{
	struct gpio_event event = next_event(inputs);

	assert_false(event.seen);
	assert_int_equal(event.wire, wire);
	assert_int_equal(event.active, active);
}

static void assert_edge(struct gpio_inputs *inputs, unsigned wire, bool active)
{
	struct gpio_event event = next_event(inputs);

	assert_true(event.seen);
	assert_int_equal(event.wire, wire);
	assert_int_equal(event.active, active);
}

/* Somebody else, holding line of chip under a name, until let go. */
struct holder {
	pid_t pid;
	int gate;
};

static struct holder hold(const char *chip, unsigned line, const char *name)
{
	struct gpiohandle_request request = {.lineoffsets = {line},
					     .flags = GPIOHANDLE_REQUEST_INPUT,
					     .lines = 1};
	struct holder holder;
	int ready[2], gate[2], fd;
	char path[64], byte;

	assert_int_equal(pipe(ready) | pipe(gate), 0);
	snprintf(path, sizeof(path), "/dev/%s", sim_node(chip));
	holder.pid = fork();
	assert_true(holder.pid >= 0);
	if (holder.pid == 0) {
		close(gate[1]);
		prctl(PR_SET_NAME, name);
		snprintf(request.consumer_label, sizeof(request.consumer_label),
			 "%s", name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (ioctl(fd, GPIO_GET_LINEHANDLE_IOCTL, &request) < 0 ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		(void)!read(gate[0], &byte, 1);
		_exit(0);
	}
	close(gate[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	holder.gate = gate[1];
	return holder;
}

static void let_go(struct holder *holder)
{
	close(holder->gate);
	waitpid(holder->pid, NULL, 0);
}

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
	assert_int_equal(gpio_inputs_connect(inputs), 1);
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

/* ---- the listing ---- */

static void remember_rec(void *context, const struct gpio_line *line)
{
	if (strcmp(line->name, "REC") == 0)
		*(struct gpio_line *)context = *line;
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
	assert_int_equal(gpio_peek(&line), 1);
	let_go(&holder);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
		CASE(a_chip_that_is_unplugged_and_returns_goes_on),
		CASE(a_chip_whose_driver_is_unbound_and_bound_goes_on),
		CASE(a_chip_that_returns_with_another_number_goes_on),
		CASE(a_chip_that_went_and_came_unnoticed_is_taken_again),
		CASE(lamps_show_the_picture_with_one_call_for_each_chip),
		CASE(a_lamp_that_comes_later_joins_the_others_of_its_chip),
		CASE(a_bus_is_clocked_without_touching_other_lamps),
		CASE(open_drain_lamps_are_driven_to_ground_only),
		CASE(lamps_are_off_when_the_group_ends),
		CASE(a_listing_tells_levels_of_free_and_of_held_lines),
	};

	/* Where root sees the levels of lines that are held. */
	(void)!system("mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
