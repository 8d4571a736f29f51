/* Standard requests: USB 2.0, 9.4. Those to the clock source: Audio Devices
 * 2.0, 5.2.5.1. */
#include "tests/bench/usb_audio/device.h"

#include <errno.h>
#include <string.h>

#include "drivers/virtual/counter.h"

#define BITS 24

#define GET_STATUS	  0
#define CLEAR_FEATURE	  1
#define SET_FEATURE	  3
#define GET_DESCRIPTOR	  6
#define GET_CONFIGURATION 8
#define SET_CONFIGURATION 9
#define GET_INTERFACE	  10
#define SET_INTERFACE	  11

#define CLASS_MASK	0x60
#define CLASS_REQUEST	0x20
#define TO_HOST		0x80
#define CURRENT		1
#define RANGE		2
#define CLOCK_FREQUENCY 1
#define CLOCK_VALID	2

struct setup {
	uint8_t type, request;
	unsigned value, index, length;
};

void device_init(struct device *device, const struct shape *shape,
		 unsigned rate, double ppm, int64_t now_ns)
{
	*device = (struct device){
		.shape = *shape,
		.rate = rate,
		.ppm = ppm,
		.crystal = {now_ns, 0, crystal_hz(rate, ppm)},
	};
}

static void retune(struct device *device, int64_t now_ns)
{
	crystal_retune(&device->crystal,
		       crystal_frame(&device->crystal, now_ns),
		       crystal_hz(device->rate, device->ppm));
}

void device_set_rate(struct device *device, unsigned rate, int64_t now_ns)
{
	device->rate = rate;
	retune(device, now_ns);
}

void device_set_ppm(struct device *device, double ppm, int64_t now_ns)
{
	device->ppm = ppm;
	retune(device, now_ns);
}

unsigned device_frame_bytes(const struct device *device)
{
	return device->shape.channels * device->shape.subslot;
}

/* ---- requests ---- */

static uint32_t read_le(const uint8_t *bytes, unsigned count)
{
	uint32_t value = 0;

	for (unsigned i = count; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

static uint8_t *write_le(uint8_t *out, uint32_t value, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		*out++ = (uint8_t)(value >> 8 * i);
	return out;
}

static int set_frequency(struct device *device, uint32_t rate, int64_t now_ns)
{
	for (unsigned i = 0; i < device->shape.rates; i++) {
		if (device->shape.rate[i] != rate)
			continue;
		if (rate != device->rate)
			device_set_rate(device, rate, now_ns);
		return 0;
	}
	return -EPIPE;
}

static int list_frequencies(const struct device *device, uint8_t *out)
{
	uint8_t *end = write_le(out, device->shape.rates, 2);

	for (unsigned i = 0; i < device->shape.rates; i++) {
		end = write_le(end, device->shape.rate[i], 4);
		end = write_le(end, device->shape.rate[i], 4);
		end = write_le(end, 0, 4);
	}
	return (int)(end - out);
}

static int clock_request(struct device *device, const struct setup *setup,
			 uint8_t *data, int64_t now_ns)
{
	unsigned selector = setup->value >> 8;
	bool in = setup->type & TO_HOST;

	if (setup->index >> 8 != CLOCK_ID)
		return -EPIPE;
	if (selector == CLOCK_VALID && in && setup->request == CURRENT) {
		data[0] = 1;
		return 1;
	}
	if (selector != CLOCK_FREQUENCY)
		return -EPIPE;
	if (in && setup->request == RANGE)
		return list_frequencies(device, data);
	if (setup->request != CURRENT)
		return -EPIPE;
	if (in)
		return (int)(write_le(data, device->rate, 4) - data);
	if (device->shape.clock_fixed || setup->length != 4)
		return -EPIPE;
	return set_frequency(device, read_le(data, 4), now_ns);
}

static int standard_request(struct device *device, const struct setup *setup,
			    uint8_t *data)
{
	switch (setup->request) {
	case GET_DESCRIPTOR:
		return descriptor_get(&device->shape, setup->value >> 8,
				      setup->value & 0xff, data);
	case GET_STATUS:
		return (int)(write_le(data, 0, 2) - data);
	case GET_CONFIGURATION:
		data[0] = 1;
		return 1;
	case GET_INTERFACE:
		data[0] = setup->index == STREAM_NUMBER && device->streaming;
		return 1;
	case SET_INTERFACE:
		if (setup->index == STREAM_NUMBER)
			device->streaming = setup->value == 1;
		return 0;
	case SET_CONFIGURATION:
	case CLEAR_FEATURE:
	case SET_FEATURE:
		return 0;
	default:
		return -EPIPE;
	}
}

int device_request(struct device *device, const uint8_t bytes[8], uint8_t *data,
		   int64_t now_ns)
{
	const struct setup setup = {
		.type = bytes[0],
		.request = bytes[1],
		.value = read_le(bytes + 2, 2),
		.index = read_le(bytes + 4, 2),
		.length = read_le(bytes + 6, 2),
	};
	int length;

	if ((setup.type & CLASS_MASK) == CLASS_REQUEST)
		length = clock_request(device, &setup, data, now_ns);
	else
		length = standard_request(device, &setup, data);
	return length > (int)setup.length ? (int)setup.length : length;
}

/* ---- packets ---- */

void device_start(struct device *device, int64_t now_ns)
{
	device->next = crystal_frame(&device->crystal, now_ns);
}

static uint8_t *put_sample(uint8_t *out, int32_t sample, unsigned subslot)
{
	if (subslot == 4)
		*out++ = 0;
	return write_le(out, (uint32_t)sample, 3);
}

static uint8_t *put_frame(const struct device *device, uint8_t *out)
{
	const struct shape *shape = &device->shape;
	uint64_t frame = (uint64_t)device->next;
	/* Only the last of the four slices has the channel in it. */
	bool same = (frame & 3) != 3;
	int32_t sample = counter_sample(frame, 0, BITS);

	for (unsigned c = 0; c < shape->channels; c++) {
		if (!same)
			sample = counter_sample(frame, c, BITS);
		out = put_sample(out, sample, shape->subslot);
	}
	return out;
}

unsigned device_packet(struct device *device, int64_t end_ns, uint8_t *out,
		       size_t room)
{
	int64_t end = crystal_frame(&device->crystal, end_ns);
	size_t most = room / device_frame_bytes(device);
	unsigned frames = 0;

	for (; device->next < end && frames < most; device->next++) {
		if (out)
			out = put_frame(device, out);
		frames++;
	}
	return frames;
}
