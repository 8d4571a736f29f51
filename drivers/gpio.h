/*
 * gpio: the lines of the kernel's GPIO chips, through libgpiod 1.6 or 2.x
 * (drivers/gpio_v1.c or gpio_v2.c, whichever pkg-config finds).
 *
 * Lines are named as people wire them: "GPIO17", a line's name, or
 * "pinctrl-rp1:17", a chip's label and an offset; never by a chip's number,
 * which changes with the kernel. A name that two lines have is refused.
 *
 * A group of inputs or outputs is told once what it should have and gets what
 * is there: lines that are missing, busy or vanish later are complained of
 * once, in words, and taken when they come back. Call connect about once a
 * second: it finds what has come and, since older kernels do not say so, what
 * has gone. Everything else goes on meanwhile.
 *
 * Main thread. Functions return 0 or a count, or a negative errno.
 */
#ifndef TAKEBOX_GPIO_H
#define TAKEBOX_GPIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GPIO_NAME_MAX  64  /* bytes with the final zero */
#define GPIO_WIRES_MAX 128 /* of one group */

enum gpio_pull {
	GPIO_PULL_AS_IS,
	GPIO_PULL_NONE,
	GPIO_PULL_UP,
	GPIO_PULL_DOWN
};
enum gpio_drive { GPIO_PUSH_PULL, GPIO_OPEN_DRAIN, GPIO_OPEN_SOURCE };

/* What is wanted of one line. Levels below are logical: active is true. */
struct gpio_wire {
	char line[GPIO_NAME_MAX];
	bool active_low;
	enum gpio_pull pull;   /* of an input */
	enum gpio_drive drive; /* of an output */
};

/* text: what is wrong with the wire and what to do; NULL: it is well again.
 * Called from connect, read, poll and set, once per change. */
typedef void (*gpio_trouble_fn)(void *context, unsigned wire, const char *text);

/* ---- inputs ---- */

struct gpio_event {
	unsigned wire;
	bool active; /* behind the edge. Twice the same in a row: a pulse that
			was over before the kernel could look */
	int64_t time_ns; /* CLOCK_MONOTONIC, of the edge, by the kernel */
	bool seen;	 /* by an edge; false: a level that was read (after lost
			    events, a return, on a polled line, or because it
			    was another than the last edge told), time_ns is
			    when it was read */
};

struct gpio_inputs;

struct gpio_inputs *gpio_inputs_create(const struct gpio_wire *wires,
				       unsigned count, gpio_trouble_fn fn,
				       void *context);
void gpio_inputs_destroy(struct gpio_inputs *inputs); /* NULL allowed */

/* Sees to the lines that are held, one kernel call per chip (libgpiod 1: per
 * line), and takes those that are not held yet; returns how many are still
 * missing. The levels found come as events (seen false) by gpio_inputs_read. */
int gpio_inputs_connect(struct gpio_inputs *inputs);

/* Readable when an event waits; the same descriptor for the group's life. */
int gpio_inputs_fd(const struct gpio_inputs *inputs);

/* The next event, in order of time among those that wait. -EAGAIN: none does.
 * The kernel may report one line's edge milliseconds after another's: each
 * line's are in order, and all have their true times. */
int gpio_inputs_read(struct gpio_inputs *inputs, struct gpio_event *event);

/* Lines that cannot interrupt (an expander whose INT is not wired): if there
 * are any, call gpio_inputs_poll every 10 ms; changes come by read. */
unsigned gpio_inputs_polled(const struct gpio_inputs *inputs);
void gpio_inputs_poll(struct gpio_inputs *inputs);

/* ---- outputs ---- */

struct gpio_outputs;

struct gpio_outputs *gpio_outputs_create(const struct gpio_wire *wires,
					 unsigned count, gpio_trouble_fn fn,
					 void *context);
/* Switches all of them off first. NULL allowed. */
void gpio_outputs_destroy(struct gpio_outputs *outputs);
int gpio_outputs_connect(struct gpio_outputs *outputs);

/* All levels, one per wire; one request and one ioctl per chip, and none for a
 * chip whose levels are what they were. */
void gpio_outputs_set(struct gpio_outputs *outputs, const bool *active);

/* For a bus that is clocked bit by bit: sets wires first .. first + count - 1
 * only, at once and always. -EXDEV: they do not lie on one chip; -ENODEV: one
 * of them is not held. A bus is best a group of its own. */
int gpio_outputs_pulse(struct gpio_outputs *outputs, unsigned first,
		       unsigned count, const bool *active);

/* Kernel calls made so far, for the figures of the panel's cost. */
uint64_t gpio_outputs_calls(const struct gpio_outputs *outputs);

/* ---- what the machine has ---- */

struct gpio_line {
	char chip[GPIO_NAME_MAX]; /* "gpiochip0": for the eye only */
	char label[GPIO_NAME_MAX];
	unsigned offset;
	char name[GPIO_NAME_MAX];     /* "": none */
	char consumer[GPIO_NAME_MAX]; /* "": free */
	bool used, output, active_low;
	enum gpio_pull pull; /* AS_IS: not known */
	bool muxed; /* the pin may be doing something else, I2S or SPI, and
		       whoever asks for the line takes it away from that */
};

/* Every line of every chip. Returns the number of chips; -EACCES if one of
 * them may not be opened (the others are listed all the same). */
typedef void (*gpio_line_fn)(void *context, const struct gpio_line *line);
int gpio_list(gpio_line_fn fn, void *context);

/* The physical level of a line, 0 or 1. One that is held is read from debugfs
 * (root only; else -EBUSY). One that is free is asked for, as it is, and let
 * go: not without need if it is muxed. -ENODEV, ... */
int gpio_peek(const struct gpio_line *line);

/* Who holds a line that is used: `"gpiomon" (process 812, gpiomon)`. */
void gpio_who(const struct gpio_line *line, char *text, size_t size);

/* Which line that is; -ENOENT, -ENOTUNIQ, -EACCES with words in error. */
int gpio_find(const char *line, struct gpio_line *found, char *error,
	      size_t error_size);

#endif
