/* The FIFO is read as lines come; orders wait in a list until their frame. */
#include "tests/bench/usb_audio/control.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define AT_ONCE INT64_MIN

static const struct {
	const char *name;
	bool value, optional;
	double min, max;
} orders[ORDER_KINDS] = {
	[ORDER_LOSE] = {"lose", true, false, 1, 1e6},
	[ORDER_STALL] = {"stall", true, false, 0.125, 60000},
	[ORDER_PPM] = {"ppm", true, false, -1e5, 1e5},
	[ORDER_RATE] = {"rate", true, false, 8000, 192000},
	[ORDER_UNPLUG] = {"unplug", false, false, 0, 0},
	[ORDER_PLUG] = {"plug", true, true, 0, 7},
	[ORDER_POSITION] = {"position", false, false, 0, 0},
	[ORDER_QUIT] = {"quit", false, false, 0, 0},
};

const char *order_name(enum order_kind kind)
{
	return orders[kind].name;
}

static int open_beside(const char *path, const char *suffix, int flags)
{
	char name[4096];
	int file;

	if (snprintf(name, sizeof(name), "%s%s", path, suffix) >=
	    (int)sizeof(name))
		return -ENAMETOOLONG;
	file = open(name, flags | O_CREAT | O_CLOEXEC, 0644);
	return file < 0 ? -errno : file;
}

int control_open(struct control *control, const char *path)
{
	*control = (struct control){.fifo = -1, .log = -1, .state = -1};
	control->state = open_beside(path, ".state", O_RDWR);
	if (control->state < 0)
		return control->state;
	if (flock(control->state, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	control->log = open_beside(path, ".log", O_WRONLY | O_APPEND);
	if (control->log < 0)
		return control->log;
	if (mkfifo(path, 0600) < 0 && errno != EEXIST)
		return -errno;
	/* For writing too: the end of a writer is no end for us. */
	control->fifo = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return control->fifo < 0 ? -errno : 0;
}

void control_close(struct control *control)
{
	if (control->fifo >= 0)
		close(control->fifo);
	if (control->log >= 0)
		close(control->log);
	if (control->state >= 0)
		close(control->state);
}

void control_log(struct control *control, int64_t now_ns, const char *what,
		 int64_t frame, int64_t lost, const double *value)
{
	char number[32] = "";

	if (value)
		snprintf(number, sizeof(number), " %.10g", *value);
	dprintf(control->log, "%" PRId64 " %s %" PRId64 " %" PRId64 " -1%s\n",
		now_ns, what, frame, lost, number);
}

static int parse(const char *line, struct order *order)
{
	char name[16] = "";
	int used = 0, count;

	*order = (struct order){.frame = AT_ONCE, .kind = ORDER_KINDS};
	if (sscanf(line, " at %" SCNd64 "%n", &order->frame, &used) == 1)
		line += used;
	else
		order->frame = AT_ONCE;
	count = sscanf(line, " %15s %lf", name, &order->value);
	order->has_value = count == 2;
	for (unsigned i = 0; i < ORDER_KINDS; i++)
		if (strcmp(name, orders[i].name) == 0)
			order->kind = (enum order_kind)i;
	if (order->kind == ORDER_KINDS ||
	    (order->has_value && !orders[order->kind].value) ||
	    (!order->has_value && orders[order->kind].value &&
	     !orders[order->kind].optional))
		return -EINVAL;
	if (order->has_value && (order->value < orders[order->kind].min ||
				 order->value > orders[order->kind].max))
		return -ERANGE;
	return 0;
}

static void take_line(struct control *control, const char *line, int64_t now_ns)
{
	struct order *order = &control->order[control->orders];
	int error;

	if (line[strspn(line, " \t")] == '\0')
		return;
	error = control->orders == ORDERS_MAX ? -ENOSPC : parse(line, order);
	if (error < 0)
		dprintf(control->log, "%" PRId64 " error %s: %s\n", now_ns,
			line, strerror(-error));
	else
		control->orders++;
}

void control_read(struct control *control, int64_t now_ns)
{
	ssize_t got = read(control->fifo, control->line + control->length,
			   sizeof(control->line) - 1 - control->length);
	char *line = control->line, *end;

	if (got <= 0)
		return;
	control->length += (unsigned)got;
	control->line[control->length] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		take_line(control, line, now_ns);
		line = end + 1;
	}
	control->length -= (unsigned)(line - control->line);
	memmove(control->line, line, control->length);
	if (control->length == sizeof(control->line) - 1)
		control->length = 0; /* no order is that long */
}

bool control_due(struct control *control, int64_t frame, struct order *order)
{
	for (unsigned i = 0; i < control->orders; i++) {
		if (control->order[i].frame > frame)
			continue;
		*order = control->order[i];
		control->orders--;
		memmove(&control->order[i], &control->order[i + 1],
			(control->orders - i) * sizeof(*order));
		return true;
	}
	return false;
}
