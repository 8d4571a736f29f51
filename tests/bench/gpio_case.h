/*
 * gpio_case: what the test programs for GPIO lines have in common: a chip with
 * the label "panel" and the lines 0=REC 1=STOP 2=MARK 6=LAMP 7=LED for each
 * case, what was said of wires, and waiting for events as an event loop does.
 */
#ifndef TAKEBOX_TESTS_GPIO_CASE_H
#define TAKEBOX_TESTS_GPIO_CASE_H

#include <sys/types.h>

#include "drivers/gpio.h"

#define DEADLINE_MS 5000 /* for what happens at once */

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int set_up(void **state);
int tear_down(void **state);

extern struct trouble {
	unsigned told, well;
	char text[GPIO_WIRES_MAX][512]; /* the last; "": none, or well again */
} trouble;

void hear(void *context, unsigned wire, const char *text);
void assert_says(unsigned wire, const char *part);
void assert_says_nothing(unsigned wire);

struct gpio_inputs *inputs_of(const struct gpio_wire *wires, unsigned count);
bool readable(const struct gpio_inputs *inputs, int timeout_ms);

/* Waits for the next event by the descriptor. */
struct gpio_event next_event(struct gpio_inputs *inputs);
void assert_no_event(struct gpio_inputs *inputs);
void assert_level(struct gpio_inputs *inputs, unsigned wire, bool active);
void assert_edge(struct gpio_inputs *inputs, unsigned wire, bool active);

/* Somebody else, holding line of chip under a name, until let go. */
struct holder {
	pid_t pid;
	int gate;
};

struct holder hold(const char *chip, unsigned line, const char *name);
void let_go(struct holder *holder);

#endif
