/*
 * What is wanted and what is shown are kept apart: a chain that could not be
 * written is written when it is back.
 */
#include "drivers/shift.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/spi/spidev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SPEED_HZ 1000000u

enum { DATA, CLOCK, LATCH, LINES };

struct shift {
	struct shift_plan plan;
	shift_trouble_fn trouble;
	void *context;
	bool troubled[LINES]; /* what has been complained of; SPI: [0] */

	struct gpio_outputs *lines; /* NULL: SPI */
	int fd;			    /* -1: not open */
	unsigned denials;	    /* in a row */
	uint64_t calls;		    /* of SPI */

	bool wanted[SHIFT_BITS_MAX];
	bool shown_known;
	bool shown[SHIFT_BITS_MAX];
};

static void line_trouble(void *context, unsigned wire, const char *text)
{
	struct shift *shift = context;
	bool before = shift->troubled[DATA] || shift->troubled[CLOCK] ||
		      shift->troubled[LATCH];

	shift->troubled[wire] = text != NULL;
	if (text)
		shift->shown_known = false;
	if (text && !before)
		shift->trouble(shift->context, text);
	else if (before && !shift->troubled[DATA] && !shift->troubled[CLOCK] &&
		 !shift->troubled[LATCH])
		shift->trouble(shift->context, NULL);
}

struct shift *shift_create(const struct shift_plan *plan, shift_trouble_fn fn,
			   void *context)
{
	struct shift *shift = calloc(1, sizeof(*shift));
	struct gpio_wire wires[LINES] = {
		[DATA] = plan->data,
		[CLOCK] = plan->clock,
		[LATCH] = plan->latch,
	};

	if (!shift)
		return NULL;
	*shift = (struct shift){
		.plan = *plan, .trouble = fn, .context = context, .fd = -1};
	if (plan->spi[0])
		return shift;
	shift->lines = gpio_outputs_create(wires, LINES, line_trouble, shift);
	if (!shift->lines) {
		free(shift);
		return NULL;
	}
	return shift;
}

/* ---- SPI ---- */

static void close_port(struct shift *shift, const char *what, int error)
{
	char text[SHIFT_PATH_MAX + 160];

	if (shift->fd >= 0)
		close(shift->fd);
	shift->fd = -1;
	shift->shown_known = false;
	if (shift->troubled[0])
		return;
	shift->troubled[0] = true;
	snprintf(text, sizeof(text),
		 "%s %s (%s): its lamps stay dark; is SPI switched on "
		 "(dtparam=spi=on)?",
		 shift->plan.spi, what, strerror(error));
	shift->trouble(shift->context, text);
}

static int connect_port(struct shift *shift)
{
	uint32_t speed = shift->plan.speed_hz ? shift->plan.speed_hz : SPEED_HZ;
	uint8_t mode = SPI_MODE_0, word = 8;
	int error;

	if (shift->fd >= 0)
		return 0;
	shift->fd = open(shift->plan.spi, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (shift->fd < 0) {
		error = errno;
		shift->denials = error == EACCES ? shift->denials + 1 : 0;
		if (error != EACCES || shift->denials > SHIFT_PATIENCE)
			close_port(shift, "cannot be opened", error);
		return -error;
	}
	shift->denials = 0;
	if (ioctl(shift->fd, SPI_IOC_WR_MODE, &mode) < 0 ||
	    ioctl(shift->fd, SPI_IOC_WR_BITS_PER_WORD, &word) < 0 ||
	    ioctl(shift->fd, SPI_IOC_WR_MAX_SPEED_HZ, &speed) < 0) {
		error = errno;
		close_port(shift, "is no SPI port", error);
		return -error;
	}
	if (shift->troubled[0])
		shift->trouble(shift->context, NULL);
	shift->troubled[0] = false;
	return 0;
}

static bool level(const struct shift *shift, unsigned bit)
{
	return (bit < shift->plan.bits && shift->wanted[bit]) !=
	       shift->plan.active_low;
}

/* Whole bytes; what is too much falls out at the far end. */
static int send(struct shift *shift)
{
	uint8_t bytes[SHIFT_BITS_MAX / 8] = {0};
	unsigned count = (shift->plan.bits + 7) / 8;
	ssize_t done;

	if (shift->fd < 0)
		return -ENODEV;
	for (unsigned bit = 0; bit < 8 * count; bit++)
		if (level(shift, bit))
			bytes[count - 1 - bit / 8] |= (uint8_t)(1u << bit % 8);
	shift->calls++;
	done = write(shift->fd, bytes, count);
	if (done == (ssize_t)count)
		return 0;
	close_port(shift, "does not take what is sent", done < 0 ? errno : EIO);
	return -EIO;
}

/* ---- three lines ---- */

/* Data may change while the clock falls: only its rise counts. */
static int bang(struct shift *shift)
{
	const bool high = true, low = false;
	int error = 0;

	for (unsigned i = shift->plan.bits; i > 0 && error == 0; i--) {
		bool data_clock[2] = {level(shift, i - 1), false};

		error = gpio_outputs_pulse(shift->lines, DATA, 2, data_clock);
		if (error == 0)
			error = gpio_outputs_pulse(shift->lines, CLOCK, 1,
						   &high);
	}
	if (error == 0)
		error = gpio_outputs_pulse(shift->lines, LATCH, 1, &high);
	if (error == 0)
		error = gpio_outputs_pulse(shift->lines, LATCH, 1, &low);
	return error;
}

/* ---- both ---- */

static void show(struct shift *shift)
{
	size_t bytes = shift->plan.bits * sizeof(*shift->wanted);

	if (shift->shown_known &&
	    memcmp(shift->shown, shift->wanted, bytes) == 0)
		return;
	if ((shift->lines ? bang(shift) : send(shift)) < 0) {
		shift->shown_known = false;
		return;
	}
	memcpy(shift->shown, shift->wanted, bytes);
	shift->shown_known = true;
}

int shift_connect(struct shift *shift)
{
	int missing;

	if (!shift->lines) {
		missing = connect_port(shift);
	} else {
		missing = gpio_outputs_connect(shift->lines);
		if (missing > 0)
			missing = -ENODEV;
	}
	if (missing == 0)
		show(shift);
	return missing;
}

void shift_set(struct shift *shift, const bool *active)
{
	memcpy(shift->wanted, active, shift->plan.bits * sizeof(*active));
	show(shift);
}

uint64_t shift_calls(const struct shift *shift)
{
	return shift->calls +
	       (shift->lines ? gpio_outputs_calls(shift->lines) : 0);
}

void shift_destroy(struct shift *shift)
{
	if (!shift)
		return;
	memset(shift->wanted, 0, sizeof(shift->wanted));
	show(shift);
	gpio_outputs_destroy(shift->lines);
	if (shift->fd >= 0)
		close(shift->fd);
	free(shift);
}
