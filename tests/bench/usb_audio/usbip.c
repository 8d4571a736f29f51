/*
 * A late process is not a late device: when this one was not run for a while,
 * the microframes that have passed are served one after the other, as if they
 * had been served in time, and nothing is lost. Only what is ordered to be lost
 * is, and what a host loses that leaves the bus without requests for longer
 * than PATIENCE_NS.
 */
#include "tests/bench/usb_audio/usbip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define ATTACH	    "/sys/devices/platform/vhci_hcd.0/attach"
#define SPEED_HIGH  3 /* enum usb_device_speed */
#define BUS_DEVICE  0x10001
#define SOCKET_ROOM (1 << 20)
#define PATIENCE_NS 2000000000LL

#define CMD_SUBMIT 1
#define CMD_UNLINK 2
#define RET_SUBMIT 3
#define RET_UNLINK 4

/* As on the wire, in network order. */
struct header {
	uint32_t command, sequence, device, in, endpoint;
	union {
		struct {
			uint32_t flags, length, start_frame, packets, interval;
			uint8_t setup[8];
		} submit;
		struct {
			uint32_t status, length, start_frame, packets, errors;
			uint32_t padding[2];
		} done;
		uint32_t words[7]; /* unlink: the sequence, or the status */
	} u;
};

_Static_assert(sizeof(struct header) == 48, "a header is 48 bytes");

void usbip_init(struct usbip *usbip, struct device *device,
		const struct usbip_watch *watch)
{
	*usbip = (struct usbip){
		.device = device,
		.watch = *watch,
		.socket = -1,
	};
}

/* ---- plugging ---- */

static int attach(int socket, unsigned port)
{
	int file = open(ATTACH, O_WRONLY | O_CLOEXEC), error = 0;

	if (file < 0)
		return -errno;
	if (dprintf(file, "%u %d %d %d", port, socket, BUS_DEVICE, SPEED_HIGH) <
	    0)
		error = -errno;
	close(file);
	return error;
}

int usbip_plug(struct usbip *usbip, unsigned port)
{
	const int room = SOCKET_ROOM;
	int pair[2], error;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	error = attach(pair[0], port);
	close(pair[0]);
	if (error < 0) {
		close(pair[1]);
		return error;
	}
	usbip->socket = pair[1];
	usbip->waiting = 0;
	usbip->bus_ns = 0;
	usbip->data_used = 0;
	usbip->device->streaming = false;
	return 0;
}

void usbip_unplug(struct usbip *usbip)
{
	if (usbip->socket < 0)
		return;
	/* Closing alone would leave the kernel's end in wait. */
	shutdown(usbip->socket, SHUT_RDWR);
	close(usbip->socket);
	usbip->socket = -1;
	usbip->waiting = 0;
}

/* ---- the wire ---- */

static int read_all(int socket, void *data, size_t size)
{
	uint8_t *at = data;

	while (size > 0) {
		ssize_t n = read(socket, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -ECONNRESET;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

static int write_all(int socket, struct iovec *part, int parts)
{
	while (parts > 0) {
		struct msghdr message = {.msg_iov = part,
					 .msg_iovlen = (size_t)parts};
		ssize_t n = sendmsg(socket, &message, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -ECONNRESET;
		while (parts > 0 && (size_t)n >= part->iov_len) {
			n -= (ssize_t)part->iov_len;
			part++;
			parts--;
		}
		if (parts > 0) {
			part->iov_base = (uint8_t *)part->iov_base + n;
			part->iov_len -= (size_t)n;
		}
	}
	return 0;
}

static struct header answer(uint32_t command, uint32_t sequence)
{
	return (struct header){.command = htonl(command),
			       .sequence = htonl(sequence)};
}

/* ---- endpoint 0 ---- */

static int control(struct usbip *usbip, const struct header *request,
		   int64_t now_ns)
{
	bool in = ntohl(request->in);
	uint32_t length = ntohl(request->u.submit.length);
	struct header head = answer(RET_SUBMIT, ntohl(request->sequence));
	uint8_t data[DESCRIPTOR_MAX] = {0};
	struct iovec part[2] = {{&head, sizeof(head)}, {data, 0}};
	int got;

	if (!in && (length > sizeof(data) ||
		    read_all(usbip->socket, data, length) < 0))
		return -ECONNRESET;
	got = device_request(usbip->device, request->u.submit.setup, data,
			     now_ns);
	if (got < 0)
		head.u.done.status = htonl((uint32_t)got);
	else
		head.u.done.length = htonl(in ? (uint32_t)got : length);
	if (in && got > 0)
		part[1].iov_len = (size_t)got;
	return write_all(usbip->socket, part, 2);
}

/* ---- the stream ---- */

static int queue_urb(struct usbip *usbip, const struct header *request)
{
	struct urb *urb = &usbip->urb[usbip->waiting];
	uint32_t packets = ntohl(request->u.submit.packets);
	uint32_t wire[URB_PACKETS][4];

	if (usbip->waiting == URBS_MAX || packets == 0 || packets > URB_PACKETS)
		return -EPROTO;
	*urb = (struct urb){
		.sequence = ntohl(request->sequence),
		.start_frame = request->u.submit.start_frame,
		.packets = packets,
	};
	if (read_all(usbip->socket, wire, packets * sizeof(wire[0])) < 0)
		return -ECONNRESET;
	for (unsigned i = 0; i < packets; i++) {
		urb->packet[i].offset = ntohl(wire[i][0]);
		urb->packet[i].length = ntohl(wire[i][1]);
	}
	usbip->waiting++;
	return 0;
}

static void drop_urb(struct usbip *usbip, unsigned index)
{
	usbip->waiting--;
	memmove(&usbip->urb[index], &usbip->urb[index + 1],
		(usbip->waiting - index) * sizeof(usbip->urb[0]));
	if (index == 0)
		usbip->data_used = 0;
}

static int unlink_urb(struct usbip *usbip, const struct header *request)
{
	struct header head = answer(RET_UNLINK, ntohl(request->sequence));
	struct iovec part = {&head, sizeof(head)};
	uint32_t sequence = ntohl(request->u.words[0]);

	for (unsigned i = 0; i < usbip->waiting; i++) {
		if (usbip->urb[i].sequence != sequence)
			continue;
		drop_urb(usbip, i);
		head.u.words[0] = htonl((uint32_t)-ECONNRESET);
		break;
	}
	/* The host has stopped: what is played until it starts again is not
	 * lost but was never asked for. */
	if (usbip->waiting == 0)
		usbip->bus_ns = 0;
	return write_all(usbip->socket, &part, 1);
}

/* The data of all packets close together, then what became of each. */
static int complete_urb(struct usbip *usbip)
{
	struct urb *urb = &usbip->urb[0];
	struct header head = answer(RET_SUBMIT, urb->sequence);
	uint32_t wire[URB_PACKETS][4], errors = 0;
	struct iovec part[3] = {
		{&head, sizeof(head)},
		{usbip->data, usbip->data_used},
		{wire, urb->packets * sizeof(wire[0])},
	};

	for (unsigned i = 0; i < urb->packets; i++) {
		const struct packet *packet = &urb->packet[i];

		wire[i][0] = htonl(packet->offset);
		wire[i][1] = htonl(packet->length);
		wire[i][2] = htonl(packet->actual);
		wire[i][3] = htonl((uint32_t)packet->status);
		errors += packet->status != 0;
	}
	head.u.done.length = htonl((uint32_t)usbip->data_used);
	head.u.done.start_frame = urb->start_frame;
	head.u.done.packets = htonl(urb->packets);
	head.u.done.errors = htonl(errors);
	drop_urb(usbip, 0);
	return write_all(usbip->socket, part, 3);
}

static void lost(struct usbip *usbip, unsigned frames, const char *how)
{
	if (frames > 0)
		usbip->watch.lost(usbip->watch.context,
				  usbip->device->next - (int64_t)frames, frames,
				  how);
}

/* What the device has for the time up to end_ns gets lost. */
static void lose_up_to(struct usbip *usbip, int64_t end_ns, const char *how)
{
	lost(usbip, device_packet(usbip->device, end_ns, NULL, SIZE_MAX), how);
	usbip->bus_ns = end_ns;
}

static void fill_packet(struct usbip *usbip)
{
	struct urb *urb = &usbip->urb[0];
	struct packet *packet = &urb->packet[urb->done++];
	int64_t end_ns = usbip->bus_ns + MICROFRAME_NS;
	unsigned frames;

	if (usbip->lose > 0) {
		packet->status = -EXDEV;
		usbip->failed +=
			device_packet(usbip->device, end_ns, NULL, SIZE_MAX);
		usbip->bus_ns = end_ns;
		if (--usbip->lose > 0)
			return;
		lost(usbip, usbip->failed, "lost");
		usbip->failed = 0;
		return;
	}
	frames = device_packet(usbip->device, end_ns,
			       usbip->data + usbip->data_used, packet->length);
	packet->actual = frames * device_frame_bytes(usbip->device);
	usbip->data_used += packet->actual;
	usbip->bus_ns = end_ns;
}

void usbip_stall(struct usbip *usbip, int64_t ns)
{
	if (usbip->bus_ns > 0)
		lose_up_to(usbip, usbip->bus_ns + ns, "stalled");
}

/* As far as now; an order may have moved the bus, or torn it off. */
static void fill_packets(struct usbip *usbip, int64_t now_ns)
{
	const struct urb *urb = &usbip->urb[0];

	while (urb->done < urb->packets) {
		usbip->watch.packet(usbip->watch.context);
		if (usbip->socket < 0 || usbip->bus_ns + MICROFRAME_NS > now_ns)
			return;
		fill_packet(usbip);
	}
}

int64_t usbip_run(struct usbip *usbip, int64_t now_ns)
{
	const struct urb *first = &usbip->urb[0];

	if (usbip->socket < 0 || usbip->waiting == 0)
		return INT64_MAX;
	if (usbip->bus_ns == 0) {
		usbip->bus_ns = now_ns;
		device_start(usbip->device, now_ns);
	}
	if (now_ns - usbip->bus_ns > PATIENCE_NS)
		lose_up_to(usbip, now_ns, "unasked");
	while (usbip->waiting > 0) {
		int64_t due =
			usbip->bus_ns +
			(int64_t)(first->packets - first->done) * MICROFRAME_NS;

		if (due > now_ns)
			return due;
		fill_packets(usbip, now_ns);
		if (usbip->socket < 0)
			break;
		if (first->done == first->packets && complete_urb(usbip) < 0)
			break;
	}
	return INT64_MAX;
}

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int usbip_read(struct usbip *usbip)
{
	struct header request;

	if (read_all(usbip->socket, &request, sizeof(request)) < 0)
		return -ECONNRESET;
	if (ntohl(request.command) == CMD_UNLINK)
		return unlink_urb(usbip, &request);
	if (ntohl(request.command) != CMD_SUBMIT)
		return -EPROTO;
	if (ntohl(request.endpoint) != 0)
		return queue_urb(usbip, &request);
	return control(usbip, &request, now());
}
