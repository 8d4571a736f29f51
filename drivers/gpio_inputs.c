/*
 * Inputs: edges from the kernel into one queue, in order of time.
 *
 * libgpiod 1.6 has a descriptor for each line, 2.x one for each request; an
 * epoll descriptor over all of them is the group's one. An eventfd in it stands
 * for levels that were read: they come as events too, and nothing else would
 * wake the reader for them.
 *
 * The last edge of a bouncing contact can be told with a level that is wrong,
 * or not at all: the kernel reads levels later than the edges, and makes one of
 * edges that come too fast. So once lines have been at rest for some
 * milliseconds their levels are read, and what differs is told like any other
 * level that was read.
 *
 * Whenever the queue is empty all that waits in the kernel is moved to it and
 * sorted. The kernel reports lines of a chip from threads of its own, so an
 * edge can still turn up behind a later one that was read before it; by
 * microseconds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "drivers/gpio_group.h"

/* What the kernel can keep for two requests of libgpiod 2, or 128 lines of
 * libgpiod 1. */
#define QUEUE_MAX 2048
#define ROUND	  8 /* readable descriptors at a time */

#define REST_NS (5 * NS_PER_MS)

/* The eventfd and the timerfd, among places of holds. */
#define WAKE UINT64_MAX
#define REST (UINT64_MAX - 1)

struct gpio_inputs {
	struct gpio_group group;
	int epoll, wake;
	int rest; /* fires when lines have been at rest */
	struct gpio_event queue[QUEUE_MAX];
	unsigned first, end; /* of what waits in the queue */
};

static bool watch(const struct gpio_inputs *inputs, int fd, uint64_t place)
{
	struct epoll_event readable = {.events = EPOLLIN, .data.u64 = place};

	return epoll_ctl(inputs->epoll, EPOLL_CTL_ADD, fd, &readable) == 0;
}

struct gpio_inputs *gpio_inputs_create(const struct gpio_wire *wires,
				       unsigned count, gpio_trouble_fn fn,
				       void *context)
{
	struct gpio_inputs *inputs = calloc(1, sizeof(*inputs));

	if (!inputs)
		return NULL;
	inputs->epoll = epoll_create1(EPOLL_CLOEXEC);
	inputs->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	inputs->rest =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (!watch(inputs, inputs->wake, WAKE) ||
	    !watch(inputs, inputs->rest, REST) ||
	    gpio_group_init(&inputs->group, false, wires, count, fn, context)) {
		gpio_inputs_destroy(inputs);
		return NULL;
	}
	return inputs;
}

void gpio_inputs_destroy(struct gpio_inputs *inputs)
{
	if (!inputs)
		return;
	gpio_group_finish(&inputs->group);
	if (inputs->wake >= 0)
		close(inputs->wake);
	if (inputs->rest >= 0)
		close(inputs->rest);
	if (inputs->epoll >= 0)
		close(inputs->epoll);
	free(inputs);
}

int gpio_inputs_fd(const struct gpio_inputs *inputs)
{
	return inputs->epoll;
}

/* ---- the queue ---- */

static unsigned room(const struct gpio_inputs *inputs)
{
	return QUEUE_MAX - inputs->end;
}

static void push(struct gpio_inputs *inputs, const struct gpio_hold *hold,
		 unsigned index, bool level, int64_t time_ns, bool seen)
{
	unsigned wire = hold->wire[index];
	bool active = level != inputs->group.wire[wire].active_low;

	inputs->group.level[wire] = active;
	inputs->queue[inputs->end++] =
		(struct gpio_event){wire, active, time_ns, seen};
}

static void wake_reader(struct gpio_inputs *inputs)
{
	/* It can only fail when it is readable already. */
	if (inputs->end > inputs->first)
		(void)!eventfd_write(inputs->wake, 1);
}

/* Few events, almost in order. */
static void sort_queue(struct gpio_inputs *inputs)
{
	struct gpio_event *queue = inputs->queue;

	for (unsigned i = inputs->first + 1; i < inputs->end; i++) {
		struct gpio_event event = queue[i];
		unsigned j = i;

		for (;
		     j > inputs->first && queue[j - 1].time_ns > event.time_ns;
		     j--)
			queue[j] = queue[j - 1];
		queue[j] = event;
	}
}

/* ---- levels ---- */

/* Queues the levels of a hold's wires: all, or those that differ from what was
 * seen last. Nothing if there is no room: the next time, then. */
static int queue_levels(struct gpio_inputs *inputs, struct gpio_hold *hold,
			bool all)
{
	struct gpio_group *group = &inputs->group;
	bool levels[GPIO_REQUEST_MAX];
	int64_t now;
	int result;

	if (room(inputs) < hold->count)
		return 0;
	result = gpio_group_get(group, hold, levels);
	if (result < 0)
		return result;
	now = clock_now_ns();
	for (unsigned i = 0; i < hold->count; i++) {
		unsigned wire = hold->wire[i];
		bool active = levels[i] != group->wire[wire].active_low;

		if (all || active != group->level[wire])
			push(inputs, hold, i, levels[i], now, false);
	}
	return 0;
}

static void watch_sources(struct gpio_inputs *inputs, unsigned place)
{
	struct gpio_request *request = inputs->group.hold[place].request;

	/* Fails for want of memory only; the line is deaf then, but for its
	 * level now. */
	for (unsigned i = 0; i < gpio_request_sources(request); i++)
		watch(inputs, gpio_request_fd(request, i),
		      (uint64_t)place << 32 | i);
}

int gpio_inputs_connect(struct gpio_inputs *inputs)
{
	struct gpio_group *group = &inputs->group;
	int missing = gpio_group_connect(group);

	for (unsigned i = 0; i < group->count; i++) {
		struct gpio_hold *hold = &group->hold[i];
		int result;

		if (!hold->request || !hold->fresh)
			continue;
		if (!hold->polled)
			watch_sources(inputs, i);
		hold->fresh = false;
		result = queue_levels(inputs, hold, true);
		if (result < 0)
			gpio_group_drop(group, hold, result);
	}
	wake_reader(inputs);
	return missing;
}

unsigned gpio_inputs_polled(const struct gpio_inputs *inputs)
{
	unsigned polled = 0;

	for (unsigned i = 0; i < inputs->group.count; i++) {
		const struct gpio_hold *hold = &inputs->group.hold[i];

		if (hold->request && hold->polled)
			polled += hold->count;
	}
	return polled;
}

void gpio_inputs_poll(struct gpio_inputs *inputs)
{
	for (unsigned i = 0; i < inputs->group.count; i++) {
		struct gpio_hold *hold = &inputs->group.hold[i];
		int result;

		if (!hold->request || !hold->polled)
			continue;
		result = queue_levels(inputs, hold, false);
		if (result < 0)
			gpio_group_drop(&inputs->group, hold, result);
	}
	wake_reader(inputs);
}

/* ---- edges ---- */

static void await_rest(struct gpio_inputs *inputs, struct gpio_hold *hold)
{
	const struct itimerspec time = {.it_value = {.tv_nsec = REST_NS}};

	hold->stirred = true;
	timerfd_settime(inputs->rest, 0, &time, NULL);
}

static void note_rest(struct gpio_inputs *inputs)
{
	uint64_t count;

	if (read(inputs->rest, &count, sizeof(count)) < 0)
		return; /* edges came meanwhile */
	for (unsigned i = 0; i < inputs->group.count; i++) {
		struct gpio_hold *hold = &inputs->group.hold[i];

		hold->lost |= hold->stirred;
		hold->stirred = false;
	}
}

static void read_source(struct gpio_inputs *inputs, struct gpio_hold *hold,
			unsigned source, uint32_t events)
{
	struct gpio_edge edges[GPIO_BATCH];
	int count =
		gpio_request_read(hold->request, source, edges, &hold->lost);

	for (int i = 0; i < count; i++)
		push(inputs, hold, edges[i].index, edges[i].level,
		     edges[i].time_ns, true);
	if (count > 0)
		await_rest(inputs, hold);
	if (count == 0 && events & (EPOLLHUP | EPOLLERR))
		count = -ENODEV;
	if (count < 0)
		gpio_group_drop(&inputs->group, hold, count);
}

/* True if there may be more. */
static bool read_round(struct gpio_inputs *inputs)
{
	struct epoll_event events[ROUND];
	int count = epoll_wait(inputs->epoll, events, ROUND, 0);

	for (int i = 0; i < count; i++) {
		uint64_t place = events[i].data.u64;
		struct gpio_hold *hold;

		if (place == WAKE) {
			eventfd_t value;

			(void)!eventfd_read(inputs->wake, &value);
			continue;
		}
		if (place == REST) {
			note_rest(inputs);
			continue;
		}
		hold = &inputs->group.hold[place >> 32];
		if (!hold->request)
			continue;
		if (room(inputs) < GPIO_BATCH)
			return false;
		read_source(inputs, hold, (unsigned)place, events[i].events);
	}
	return count > 0;
}

/* The last word on lines whose events were lost, or can have been. */
static void reread_levels(struct gpio_inputs *inputs)
{
	for (unsigned i = 0; i < inputs->group.count; i++) {
		struct gpio_hold *hold = &inputs->group.hold[i];
		int result;

		if (!hold->request || !hold->lost || room(inputs) < hold->count)
			continue;
		hold->lost = false;
		result = queue_levels(inputs, hold, false);
		if (result < 0)
			gpio_group_drop(&inputs->group, hold, result);
	}
}

int gpio_inputs_read(struct gpio_inputs *inputs, struct gpio_event *event)
{
	if (inputs->first == inputs->end) {
		inputs->first = inputs->end = 0;
		while (read_round(inputs))
			;
		reread_levels(inputs);
		/* An edge that the levels were read behind is older. */
		while (read_round(inputs))
			;
		sort_queue(inputs);
	}
	if (inputs->first == inputs->end)
		return -EAGAIN;
	*event = inputs->queue[inputs->first++];
	return 0;
}
