/*
 * usbip: the device's end of the bus, a stream socket to the kernel's vhci_hcd.
 *
 * The kernel's end of a socketpair is handed to vhci_hcd through sysfs; from
 * then on requests come in and answers go out on ours. Control requests are
 * answered at once, isochronous ones when the bus's time has come to the end of
 * their last microframe: the bus has a clock of its own here, CLOCK_MONOTONIC.
 * One thread; errors are negative errno.
 *
 * The protocol: Documentation/usb/usbip_protocol.rst of the kernel's source.
 */
#ifndef TAKEBOX_BENCH_USBIP_H
#define TAKEBOX_BENCH_USBIP_H

#include "tests/bench/usb_audio/device.h"

#define MICROFRAME_NS 125000
#define URBS_MAX      64
#define URB_PACKETS   64

struct packet {
	uint32_t offset, length, actual;
	int32_t status;
};

/* An isochronous request that waits for its time. */
struct urb {
	uint32_t sequence, start_frame;
	unsigned packets, done;
	struct packet packet[URB_PACKETS];
};

/* Who is told of what happens on the bus. */
struct usbip_watch {
	/* Before each packet: here faults are ordered; unplugging, too. */
	void (*packet)(void *context);
	void (*lost)(void *context, int64_t frame, unsigned frames,
		     const char *how);
	void *context;
};

struct usbip {
	struct device *device;
	struct usbip_watch watch;
	int socket;	 /* -1: unplugged */
	int64_t bus_ns;	 /* up to where the bus has come; 0: not running */
	unsigned lose;	 /* packets that are still to fail */
	unsigned failed; /* frames that were in those that have */
	unsigned waiting;
	struct urb urb[URBS_MAX]; /* in the order in which they came */
	uint8_t data[URB_PACKETS * PACKET_MAX];
	size_t data_used; /* of the first URB */
};

void usbip_init(struct usbip *usbip, struct device *device,
		const struct usbip_watch *watch);

/* Plugs it into that port of vhci_hcd. -EBUSY: there is still one in it. */
int usbip_plug(struct usbip *usbip, unsigned port);
void usbip_unplug(struct usbip *usbip);

/* When the socket is readable. -ECONNRESET: the kernel has let go. */
int usbip_read(struct usbip *usbip);

/* Lets the bus come to now; returns when it wants to be called again, or
 * INT64_MAX. */
int64_t usbip_run(struct usbip *usbip, int64_t now_ns);

/* The bus stands still for so long: what the device had for it is lost. */
void usbip_stall(struct usbip *usbip, int64_t ns);

#endif
