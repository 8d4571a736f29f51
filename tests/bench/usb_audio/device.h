/*
 * device: the bench's interface itself: a crystal that counts frames from the
 * moment the program starts, also while it is unplugged, the requests that it
 * answers, and what is in its packets.
 *
 * The signal is the counter of drivers/virtual/counter.h, by the crystal's
 * frames: a recording of it names every frame that is missing.
 *
 * No calls to the system; the time is an argument. One thread.
 */
#ifndef TAKEBOX_BENCH_DEVICE_H
#define TAKEBOX_BENCH_DEVICE_H

#include "drivers/virtual/crystal.h"
#include "tests/bench/usb_audio/descriptors.h"

struct device {
	struct shape shape;
	unsigned rate;
	double ppm;
	struct crystal crystal;
	bool streaming; /* the endpoint is there */
	int64_t next;	/* frame that goes into the next packet first */
};

void device_init(struct device *device, const struct shape *shape,
		 unsigned rate, double ppm, int64_t now_ns);

/* From now on it runs so fast; the count goes on. */
void device_set_rate(struct device *device, unsigned rate, int64_t now_ns);
void device_set_ppm(struct device *device, double ppm, int64_t now_ns);

/*
 * A request on endpoint 0: setup as it came over the bus, data its length of
 * bytes out, or room for them in (DESCRIPTOR_MAX). Returns how many bytes went
 * in, 0 for those out, or -EPIPE.
 */
int device_request(struct device *device, const uint8_t setup[8], uint8_t *data,
		   int64_t now_ns);

/* The next packet begins with what is played from now on. */
void device_start(struct device *device, int64_t now_ns);

/* The microframe that ends at end_ns: frames that are complete by then, as many
 * as fit into room bytes, are put into out (NULL: and are lost). Returns how
 * many frames. */
unsigned device_packet(struct device *device, int64_t end_ns, uint8_t *out,
		       size_t room);

unsigned device_frame_bytes(const struct device *device);

#endif
