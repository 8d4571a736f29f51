/*
 * descriptors: what the bench's USB audio device says that it is: a USB Audio
 * Class 2 capture device at high speed, with one clock source that the host can
 * set, an input terminal, an output terminal, and an isochronous asynchronous
 * endpoint.
 *
 * Sources: USB 2.0, 9.6; Universal Serial Bus Device Class Definition for Audio
 * Devices 2.0, 4.7 to 4.10 and 5.2.
 */
#ifndef TAKEBOX_BENCH_DESCRIPTORS_H
#define TAKEBOX_BENCH_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHAPE_RATES_MAX	   8
#define SHAPE_CHANNELS_MAX 32
#define DESCRIPTOR_MAX	   512
#define PACKET_MAX	   3072 /* bytes, three transactions a microframe */

#define CLOCK_ID       0x10
#define CONTROL_NUMBER 0 /* of the interfaces */
#define STREAM_NUMBER  1
#define STREAM_IN      0x81 /* the endpoint's address */

struct shape {
	unsigned channels;
	unsigned subslot; /* bytes of a sample: 3, or 4 with 24 bits in them */
	unsigned rate[SHAPE_RATES_MAX], rates;
	bool clock_fixed; /* the host cannot set the rate */
	const char *serial;
};

/* Bytes of a packet at the highest rate, with a frame to spare. */
unsigned shape_packet_bytes(const struct shape *shape);

/* GET_DESCRIPTOR; out has DESCRIPTOR_MAX bytes. Returns the length, or -EPIPE
 * (a stall, as the bus has it): there is none such. */
int descriptor_get(const struct shape *shape, unsigned type, unsigned index,
		   uint8_t *out);

#endif
