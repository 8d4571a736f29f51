/* A panel of eight lines on gpio-sim, and who hears what is said of it. */
#include "tests/bench/gpio_case.h"

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
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/bench/sim.h"

/* ---- what the library says ---- */

struct trouble trouble;

void hear(void *context, unsigned wire, const char *text)
{
	(void)context;
	trouble.told += text != NULL;
	trouble.well += text == NULL;
	snprintf(trouble.text[wire], sizeof(trouble.text[0]), "%s",
		 text ? text : "");
}

void assert_says(unsigned wire, const char *part)
{
	if (!strstr(trouble.text[wire], part))
		fail_msg("\"%s\" does not say \"%s\"", trouble.text[wire],
			 part);
}

void assert_says_nothing(unsigned wire)
{
	assert_string_equal(trouble.text[wire], "");
}

/* ---- the bench ---- */

int set_up(void **state)
{
	(void)state;
	memset(&trouble, 0, sizeof(trouble));
	sim_make("panel", 8, "0=REC 1=STOP 2=MARK 6=LAMP 7=LED");
	return 0;
}

int tear_down(void **state)
{
	(void)state;
	sim_remove("panel");
	return 0;
}

struct gpio_inputs *inputs_of(const struct gpio_wire *wires, unsigned count)
{
	struct gpio_inputs *inputs =
		gpio_inputs_create(wires, count, hear, NULL);

	assert_non_null(inputs);
	return inputs;
}

bool readable(const struct gpio_inputs *inputs, int timeout_ms)
{
	struct pollfd poll_fd = {gpio_inputs_fd(inputs), POLLIN, 0};

	return poll(&poll_fd, 1, timeout_ms) == 1;
}

struct gpio_event next_event(struct gpio_inputs *inputs)
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

void assert_no_event(struct gpio_inputs *inputs)
{
	struct gpio_event event;

	assert_int_equal(gpio_inputs_read(inputs, &event), -EAGAIN);
	assert_false(readable(inputs, 0));
}

void assert_level(struct gpio_inputs *inputs, unsigned wire, bool active)
{
	struct gpio_event event = next_event(inputs);

	assert_false(event.seen);
	assert_int_equal(event.wire, wire);
	assert_int_equal(event.active, active);
}

void assert_edge(struct gpio_inputs *inputs, unsigned wire, bool active)
{
	struct gpio_event event = next_event(inputs);

	assert_true(event.seen);
	assert_int_equal(event.wire, wire);
	assert_int_equal(event.active, active);
}

struct holder hold(const char *chip, unsigned line, const char *name)
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

void let_go(struct holder *holder)
{
	close(holder->gate);
	waitpid(holder->pid, NULL, 0);
}
