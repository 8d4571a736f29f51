/*
 * control: the lines by which a test breaks the bench's USB device, and the log
 * of what became of them. In the way of the virtual interface, so that
 * drivers/virtual/virtualctl works here, too:
 *
 *     PATH        a FIFO: [at FRAME] COMMAND [VALUE]
 *     PATH.log    NS COMMAND FRAME LOST -1 [VALUE]
 *     PATH.state  locked while the device runs
 *
 * Commands without a frame take effect at the next packet, others with the
 * packet in which that frame of the device would be.
 */
#ifndef TAKEBOX_BENCH_CONTROL_H
#define TAKEBOX_BENCH_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#define ORDERS_MAX 64

enum order_kind {
	ORDER_LOSE,  /* value: packets that fail */
	ORDER_STALL, /* value: milliseconds of silence on the bus */
	ORDER_PPM,   /* value: the crystal's error */
	ORDER_RATE,  /* value: Hz; the device changes it by itself */
	ORDER_UNPLUG,
	ORDER_PLUG,	/* value: the port; without one the last */
	ORDER_POSITION, /* asks for a line in the log */
	ORDER_QUIT,
	ORDER_KINDS
};

struct order {
	enum order_kind kind;
	int64_t frame; /* INT64_MIN: at once */
	double value;
	bool has_value;
};

struct control {
	int fifo, log, state;
	char line[512];
	unsigned length;
	struct order order[ORDERS_MAX];
	unsigned orders;
};

int control_open(struct control *control, const char *path);
void control_close(struct control *control);

/* When the FIFO is readable. */
void control_read(struct control *control, int64_t now_ns);

/* The first order that is due at that frame; false: none. */
bool control_due(struct control *control, int64_t frame, struct order *order);

/* value: NULL for none. */
void control_log(struct control *control, int64_t now_ns, const char *what,
		 int64_t frame, int64_t lost, const double *value);
const char *order_name(enum order_kind kind);

#endif
