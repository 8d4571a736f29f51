/*
 * usb_audio: an USB audio interface that exists only in software, for the real
 * snd-usb-audio. It needs root, the module vhci-hcd and a machine to itself:
 * tests/bench/vm.sh.
 *
 *     usb_audio [OPTION...] CONTROL
 *
 *     -c N       channels (18), 1 to 32
 *     -r LIST    rates in Hz (48000,44100,96000), beginning with the first
 *     -b N       bytes of a 24-bit sample: 4 or 3
 *     -s TEXT    serial number (TBX-0001)
 *     -p PPM     the crystal's error (0)
 *     -P PORT    of vhci_hcd (0)
 *     -f         its clock cannot be set by the host
 *
 * CONTROL is a FIFO that it makes: control.h has the commands. A file
 * CONTROL.log says when it is plugged in. It ends by "quit" or SIGTERM.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/usb_audio/control.h"
#include "tests/bench/usb_audio/usbip.h"

#define PRIORITY     70
#define BUS_PRIORITY 65
/* How long the kernel may take to let go of a device that was unplugged. */
#define PLUG_TRIES    500
#define PLUG_PAUSE_MS 10

struct bench {
	struct device device;
	struct usbip usbip;
	struct control control;
	unsigned port;
	bool quit;
};

static volatile sig_atomic_t terminated;

static void on_terminate(int number)
{
	(void)number;
	terminated = 1;
}

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void note_lost(void *context, int64_t frame, unsigned frames,
		      const char *how)
{
	struct bench *bench = context;

	control_log(&bench->control, now(), how, frame, frames, NULL);
}

static bool carries_bus(const char *thread)
{
	char path[288], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/comm", thread);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		name[0] = '\0';
	fclose(file);
	return strncmp(name, "vhci_", 5) == 0;
}

/* A host controller interrupts; vhci_hcd has two threads instead, which would
 * have to wait for whatever else runs. */
static void hasten_bus(void)
{
	const struct sched_param param = {.sched_priority = BUS_PRIORITY};
	DIR *all = opendir("/proc");
	struct dirent *entry;

	while (all && (entry = readdir(all)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    carries_bus(entry->d_name))
			sched_setscheduler(atoi(entry->d_name), SCHED_FIFO,
					   &param);
	if (all)
		closedir(all);
}

static int plug(struct bench *bench)
{
	int error = -EBUSY;

	for (int i = 0; i < PLUG_TRIES && error < 0; i++) {
		error = usbip_plug(&bench->usbip, bench->port);
		if (error != -EBUSY && error != -EINVAL)
			return error;
		if (error < 0)
			poll(NULL, 0, PLUG_PAUSE_MS);
	}
	hasten_bus();
	return error;
}

static void obey(struct bench *bench, const struct order *order)
{
	struct device *device = &bench->device;
	struct usbip *usbip = &bench->usbip;
	int64_t at = usbip->bus_ns > 0 ? usbip->bus_ns : now();
	int error = 0;

	switch (order->kind) {
	case ORDER_LOSE:
		usbip->lose += (unsigned)order->value;
		break;
	case ORDER_STALL:
		usbip_stall(usbip, (int64_t)(order->value * 1e6));
		break;
	case ORDER_PPM:
		device_set_ppm(device, order->value, at);
		break;
	case ORDER_RATE:
		device_set_rate(device, (unsigned)order->value, at);
		break;
	case ORDER_UNPLUG:
		usbip_unplug(usbip);
		break;
	case ORDER_PLUG:
		if (order->has_value)
			bench->port = (unsigned)order->value;
		error = usbip->socket >= 0 ? -EALREADY : plug(bench);
		break;
	case ORDER_QUIT:
		bench->quit = true;
		break;
	default:
		break;
	}
	control_log(&bench->control, now(),
		    error < 0 ? strerror(-error) : order_name(order->kind),
		    usbip->socket >= 0 && device->streaming
			    ? device->next
			    : crystal_frame(&device->crystal, at),
		    0, order->has_value ? &order->value : NULL);
}

static void obey_due(struct bench *bench, int64_t frame)
{
	struct order order;

	while (control_due(&bench->control, frame, &order))
		obey(bench, &order);
}

static void before_packet(void *context)
{
	struct bench *bench = context;

	if (bench->control.orders > 0)
		obey_due(bench, bench->device.next);
}

static void sleep_until(struct bench *bench, int64_t until)
{
	struct pollfd fds[2] = {
		{.fd = bench->control.fifo, .events = POLLIN},
		{.fd = bench->usbip.socket, .events = POLLIN},
	};
	int64_t left = until == INT64_MAX ? 1000000000 : until - now();
	struct timespec time = {left / 1000000000, left % 1000000000};

	if (left < 0)
		time = (struct timespec){0};
	if (ppoll(fds, 2, &time, NULL) <= 0)
		return;
	if (fds[0].revents & POLLIN)
		control_read(&bench->control, now());
	if (fds[1].revents && usbip_read(&bench->usbip) < 0)
		usbip_unplug(&bench->usbip);
}

static void run(struct bench *bench)
{
	while (!bench->quit && !terminated) {
		bool on = bench->usbip.socket >= 0 && bench->device.streaming;

		if (bench->control.orders > 0 && !on)
			obey_due(bench,
				 crystal_frame(&bench->device.crystal, now()));
		sleep_until(bench, usbip_run(&bench->usbip, now()));
	}
}

static void parse_rates(struct shape *shape, char *list)
{
	shape->rates = 0;
	for (char *word = strtok(list, ","); word; word = strtok(NULL, ",")) {
		unsigned rate = (unsigned)strtoul(word, NULL, 10);

		if (rate < 8000 || shape->rates == SHAPE_RATES_MAX)
			errx(2, "not a list of rates: %s", word);
		shape->rate[shape->rates++] = rate;
	}
}

static const char *parse(struct bench *bench, struct shape *shape, double *ppm,
			 int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "c:r:b:s:p:P:f")) != -1) {
		switch (option) {
		case 'c':
			shape->channels = (unsigned)atoi(optarg);
			break;
		case 'r':
			parse_rates(shape, optarg);
			break;
		case 'b':
			shape->subslot = (unsigned)atoi(optarg);
			break;
		case 's':
			shape->serial = optarg;
			break;
		case 'p':
			*ppm = atof(optarg);
			break;
		case 'P':
			bench->port = (unsigned)atoi(optarg);
			break;
		case 'f':
			shape->clock_fixed = true;
			break;
		default:
			exit(2);
		}
	}
	if (optind + 1 != argc || shape->channels < 1 || shape->rates == 0 ||
	    shape->channels > SHAPE_CHANNELS_MAX ||
	    (shape->subslot != 3 && shape->subslot != 4) ||
	    shape_packet_bytes(shape) > PACKET_MAX)
		errx(2, "usage: usb_audio [-c N] [-r LIST] [-b 3|4] [-s SERIAL]"
			" [-p PPM] [-P PORT] [-f] CONTROL");
	return argv[optind];
}

/* As an interface's own electronics: before all that it feeds. */
static void run_above_all(void)
{
	struct sched_param param = {.sched_priority = PRIORITY};

	if (sched_setscheduler(0, SCHED_FIFO, &param) < 0)
		warn("no real-time priority");
	mlockall(MCL_CURRENT | MCL_FUTURE);
}

int main(int argc, char **argv)
{
	static struct bench bench;
	struct shape shape = {
		.channels = 18,
		.subslot = 4,
		.rate = {48000, 44100, 96000},
		.rates = 3,
		.serial = "TBX-0001",
	};
	const struct usbip_watch watch = {before_packet, note_lost, &bench};
	struct sigaction action = {.sa_handler = on_terminate};
	double ppm = 0;
	const char *path = parse(&bench, &shape, &ppm, argc, argv);
	int error = control_open(&bench.control, path);

	if (error < 0)
		errx(1, "%s: %s", path, strerror(-error));
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	device_init(&bench.device, &shape, shape.rate[0], ppm, now());
	usbip_init(&bench.usbip, &bench.device, &watch);
	error = plug(&bench);
	if (error < 0)
		errx(1, "it cannot be plugged in: %s", strerror(-error));
	control_log(&bench.control, now(), "plug", 0, 0, NULL);
	run_above_all();
	run(&bench);
	usbip_unplug(&bench.usbip);
	control_close(&bench.control);
	return 0;
}
