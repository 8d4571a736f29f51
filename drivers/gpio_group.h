/*
 * gpio_group: wires that are held for as long as their lines are there; what
 * inputs and outputs have in common. Private to drivers/. Main thread.
 */
#ifndef TAKEBOX_GPIO_GROUP_H
#define TAKEBOX_GPIO_GROUP_H

#include "drivers/gpio_chip.h"

/* What a wire was last complained of. */
enum gpio_state {
	GPIO_STATE_NEW,	    /* not looked for yet */
	GPIO_STATE_WELL,    /* held */
	GPIO_STATE_GONE,    /* no such line, or not any more */
	GPIO_STATE_UNCLEAR, /* the name means two lines */
	GPIO_STATE_DENIED,
	GPIO_STATE_BUSY,
	GPIO_STATE_FAILED
};

/* A chip is there before udev has given it to its group: at boot, or when it
 * is plugged in. */
#define GPIO_PATIENCE 5

/* One request: wires on one chip. request NULL: a free place. */
struct gpio_hold {
	struct gpio_request *request;
	char chip[GPIO_NAME_MAX], label[GPIO_NAME_MAX];
	bool polled;  /* inputs that cannot interrupt */
	bool fresh;   /* new since the owner looked */
	bool lost;    /* events were */
	bool stirred; /* edges came, and no level was read since */
	unsigned count;
	unsigned wire[GPIO_REQUEST_MAX];
	unsigned offset[GPIO_REQUEST_MAX];
};

struct gpio_group {
	bool output;
	struct gpio_wire *wire;
	enum gpio_state *state;
	bool *level;		/* logical: what is shown, or was seen last */
	struct gpio_hold *hold; /* as many places as there are wires */
	unsigned count;
	gpio_trouble_fn fn;
	void *context;
	unsigned denials; /* looks in a row at which a chip was denied */
	uint64_t calls;	  /* of the kernel, by the functions below */
};

/* Copies the wires. 0, -EINVAL (too many), -ENOMEM. */
int gpio_group_init(struct gpio_group *group, bool output,
		    const struct gpio_wire *wires, unsigned count,
		    gpio_trouble_fn fn, void *context);
void gpio_group_finish(struct gpio_group *group); /* zeroed allowed */

/* Looks whether what is held is still there, takes what is not held; marks new
 * holds fresh. Returns how many wires are still missing. To be called every
 * second or so: that a chip may not be opened is told when it is not the first
 * GPIO_PATIENCE times only. */
int gpio_group_connect(struct gpio_group *group);

/* Gives up a hold whose chip answered with error. */
void gpio_group_drop(struct gpio_group *group, struct gpio_hold *hold,
		     int error);

/* The physical levels of a hold's wires. */
int gpio_group_get(struct gpio_group *group, struct gpio_hold *hold,
		   bool *levels);
int gpio_group_set(struct gpio_group *group, struct gpio_hold *hold);

#endif
