/*
 * led: one LED of the kernel's LED class (Documentation/leds/leds-class.rst):
 * those behind PWM lines and drivers such as the PCA9633, made by a device-tree
 * overlay, and a board's own. Unlike a line it can be dimmed, if it has steps.
 *
 * A LED is named as in /sys/class/leds, or by the path of its folder. It is
 * taken from what the kernel had it show (its trigger). Nothing is written
 * while it stays what it is.
 *
 * Main thread. Functions return 0, or a negative errno.
 */
#ifndef TAKEBOX_LED_H
#define TAKEBOX_LED_H

#include <stdint.h>

/* text: what is wrong with the LED and what to do; NULL: it is well again.
 * Once per change. */
typedef void (*led_trouble_fn)(void *context, const char *text);

struct led;

/* NULL: no memory. name is copied. */
struct led *led_create(const char *name, led_trouble_fn fn, void *context);
void led_destroy(struct led *led); /* dark first; NULL allowed */

/* Opens it if it is not open, and then shows what was set before; about once a
 * second. */
int led_connect(struct led *led);

/* 0: dark, 100: as bright as it can be. What is not 0 is not dark, whatever
 * steps it has. */
void led_set(struct led *led, unsigned percent);

uint64_t led_calls(const struct led *led); /* of the kernel, so far */

#endif
