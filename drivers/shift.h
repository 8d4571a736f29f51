/*
 * shift: chains of 74HC595 shift registers, eight outputs each, on three GPIO
 * lines or on an SPI port (MOSI to SER, SCLK to SRCLK, CS to RCLK: the rising
 * edge of CS at the end of a transfer latches).
 *
 * Bit 0 is QA of the register next to the board; it is shifted last. Nothing is
 * shifted while the picture stays what it is. Over SPI a picture is one call of
 * the kernel, over three lines two for each bit and two to latch: SPI for bars.
 *
 * Main thread. Functions return 0, or a negative errno.
 */
#ifndef TAKEBOX_SHIFT_H
#define TAKEBOX_SHIFT_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/gpio.h"

#define SHIFT_BITS_MAX 256
#define SHIFT_PATH_MAX 128

struct shift_plan {
	unsigned bits;
	bool active_low;	  /* lamps between the supply and the output */
	char spi[SHIFT_PATH_MAX]; /* "/dev/spidev0.0"; "": three lines */
	unsigned speed_hz;	  /* of SPI; 0: 1 MHz */
	struct gpio_wire data, clock, latch;
};

/* text: what is wrong with the chain and what to do; NULL: it is well again.
 * Once per change. */
typedef void (*shift_trouble_fn)(void *context, const char *text);

struct shift;

/* NULL: no memory. plan is copied. */
struct shift *shift_create(const struct shift_plan *plan, shift_trouble_fn fn,
			   void *context);
void shift_destroy(struct shift *shift); /* all off first; NULL allowed */

/* A port is there before udev has given it to its group. */
#define SHIFT_PATIENCE 5

/* Takes the port or the lines if they are not held, and then shows what was set
 * before; about once a second. That the port may not be opened is told when it
 * is not the first SHIFT_PATIENCE times only. */
int shift_connect(struct shift *shift);

/* All levels, one per bit. */
void shift_set(struct shift *shift, const bool *active);

uint64_t shift_calls(const struct shift *shift); /* of the kernel, so far */

#endif
