/*
 * panel_bench: a panel whose clock, loop, lines and transport are the test's:
 * it presses and waits, and sees which commands come and which lamps are lit.
 * The functions here stand in for those of base, drivers and transport.
 */
#ifndef TESTS_PANEL_BENCH_H
#define TESTS_PANEL_BENCH_H

/* After cmocka.h and what it needs. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "drivers/gpio.h"
#include "surface/panel.h"

#define MS	     1000000LL
#define START	     (1000000 * MS)
#define COMMANDS_MAX 64
#define EVENTS_MAX   64
#define RATE	     48000

/* ---- the clock ---- */

static int64_t now_ns;

int clock_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	ts->tv_sec = now_ns / 1000000000;
	ts->tv_nsec = now_ns % 1000000000;
	return 0;
}

/* ---- the loop: timers only ---- */

struct loop_source {
	int64_t next_ns, interval_ns; /* 0: a descriptor */
	loop_timer_fn fn;
	void *context;
	bool used;
};

static struct loop_source sources[8];
static loop_fd_fn inputs_fn;
static void *inputs_context;

static struct loop_source *take_source(void)
{
	for (unsigned i = 0; i < 8; i++)
		if (!sources[i].used) {
			sources[i] = (struct loop_source){.used = true};
			return &sources[i];
		}
	fail_msg("too many sources");
	return NULL;
}

struct loop_source *loop_add_timer(struct loop *loop, int64_t first_ns,
				   int64_t interval_ns, loop_timer_fn fn,
				   void *context)
{
	struct loop_source *source = take_source();

	(void)loop;
	source->next_ns = now_ns + first_ns;
	source->interval_ns = interval_ns;
	source->fn = fn;
	source->context = context;
	return source;
}

struct loop_source *loop_add_fd(struct loop *loop, int fd, uint32_t events,
				loop_fd_fn fn, void *context)
{
	(void)loop;
	(void)fd;
	(void)events;
	inputs_fn = fn;
	inputs_context = context;
	return take_source();
}

void loop_remove(struct loop_source *source)
{
	if (source)
		source->used = false;
}

/* ---- the lines ---- */

struct gpio_inputs {
	gpio_trouble_fn trouble;
	void *context;
	unsigned count, polled, polls;
	struct gpio_event event[EVENTS_MAX];
	unsigned first, last;
	bool missing;
};

struct gpio_outputs {
	unsigned count;
	bool level[GPIO_WIRES_MAX];
};

static struct gpio_inputs inputs;
static struct gpio_outputs outputs;
static unsigned connects;

struct gpio_inputs *gpio_inputs_create(const struct gpio_wire *wires,
				       unsigned count, gpio_trouble_fn fn,
				       void *context)
{
	(void)wires;
	inputs.trouble = fn;
	inputs.context = context;
	inputs.count = count;
	return &inputs;
}

void gpio_inputs_destroy(struct gpio_inputs *group)
{
	(void)group;
}

int gpio_inputs_connect(struct gpio_inputs *group)
{
	connects++;
	return group->missing ? 1 : 0;
}

int gpio_inputs_fd(const struct gpio_inputs *group)
{
	(void)group;
	return 0;
}

int gpio_inputs_read(struct gpio_inputs *group, struct gpio_event *event)
{
	if (group->first == group->last)
		return -EAGAIN;
	*event = group->event[group->first++ % EVENTS_MAX];
	return 0;
}

unsigned gpio_inputs_polled(const struct gpio_inputs *group)
{
	return group->polled;
}

void gpio_inputs_poll(struct gpio_inputs *group)
{
	group->polls++;
}

struct gpio_outputs *gpio_outputs_create(const struct gpio_wire *wires,
					 unsigned count, gpio_trouble_fn fn,
					 void *context)
{
	(void)wires;
	(void)fn;
	(void)context;
	outputs.count = count;
	return &outputs;
}

void gpio_outputs_destroy(struct gpio_outputs *group)
{
	(void)group;
}

int gpio_outputs_connect(struct gpio_outputs *group)
{
	(void)group;
	return 0;
}

void gpio_outputs_set(struct gpio_outputs *group, const bool *active)
{
	memcpy(group->level, active, group->count * sizeof(*active));
}

int gpio_outputs_pulse(struct gpio_outputs *group, unsigned first,
		       unsigned count, const bool *active)
{
	(void)group;
	(void)first;
	(void)count;
	(void)active;
	return 0;
}

uint64_t gpio_outputs_calls(const struct gpio_outputs *group)
{
	(void)group;
	return 0;
}

/* ---- the transport: tracks are armed, a take runs or not ---- */

static struct command command[COMMANDS_MAX];
static unsigned commands;
static struct transport_status recorder;
static enum command_error refusal; /* of the next commands */
static char problem[256];
static unsigned notes;

/* Position 0 was at START. */
uint64_t transport_position_at(const struct transport *transport,
			       int64_t time_ns)
{
	(void)transport;
	return (uint64_t)((time_ns - START) / 1000 * RATE / 1000000);
}

static void obey(const struct command *order, struct command_reply *reply)
{
	bool runs = recorder.state == TRANSPORT_RECORDING;

	if (order->kind == COMMAND_TO_ARM) {
		for (unsigned i = 0; i < recorder.track_count; i++)
			if (order->tracks >> i & 1)
				recorder.tracks[i].armed = order->on;
	} else if (order->kind == COMMAND_TO_RECORD && !runs) {
		recorder.state = TRANSPORT_RECORDING;
	} else if (order->kind == COMMAND_TO_STOP && runs) {
		recorder.state = TRANSPORT_IDLE;
	} else if (order->kind == COMMAND_TO_RECORD ||
		   order->kind == COMMAND_TO_STOP ||
		   (order->kind == COMMAND_TO_MARK && !runs)) {
		reply->error = COMMAND_REFUSED;
	}
}

void transport_command(struct transport *transport, const struct command *order,
		       struct command_reply *reply)
{
	(void)transport;
	assert_true(commands < COMMANDS_MAX);
	*reply = (struct command_reply){.error = refusal};
	if (!refusal)
		obey(order, reply);
	if (!reply->error)
		command[commands++] = *order;
}

void transport_get_status(struct transport *transport,
			  struct transport_status *status)
{
	(void)transport;
	*status = recorder;
}

static transport_change_fn news_fn;
static void *news_context;

int transport_listen(struct transport *transport, transport_change_fn fn,
		     void *context)
{
	(void)transport;
	news_fn = fn;
	news_context = context;
	return 0;
}

const struct tape *transport_tape(const struct transport *transport)
{
	(void)transport;
	return NULL;
}

void transport_note_problem(struct transport *transport,
			    enum problem_source source,
			    enum problem_level level, const char *text)
{
	(void)transport;
	assert_int_equal(source, PROBLEM_OF_PANEL);
	assert_int_equal(level, PROBLEM_DEGRADED);
	snprintf(problem, sizeof(problem), "%s", text ? text : "");
	notes++;
}

/* ---- what tests say ---- */

static struct board board;
static struct panel *panel;

static inline unsigned button(enum board_input_role role)
{
	board.input[board.inputs].role = role;
	return board.inputs++;
}

static inline unsigned arm_switch(unsigned track, bool latched)
{
	struct board_input *input = &board.input[board.inputs];

	input->role = BOARD_ARM;
	input->track = track;
	input->latched = latched;
	return board.inputs++;
}

static inline void rule(enum board_input_role role, enum board_gesture gesture,
			enum board_action action)
{
	board.rule[board.rules++] = (struct board_rule){
		.button = role, .gesture = gesture, .action = action};
}

static inline unsigned lamp(enum board_output_role role, unsigned track)
{
	board.output[board.outputs] = (struct board_output){
		.role = role, .track = track, .chain = -1};
	return board.outputs++;
}

static inline void edge(unsigned input, bool active)
{
	inputs.event[inputs.last++ % EVENTS_MAX] =
		(struct gpio_event){input, active, now_ns, true};
	inputs_fn(inputs_context, 0);
}

static inline void wait_ms(int64_t ms)
{
	for (int64_t end = now_ns + ms * MS; now_ns < end;) {
		now_ns += MS;
		for (unsigned i = 0; i < 8; i++) {
			struct loop_source *source = &sources[i];

			if (!source->used || source->interval_ns == 0 ||
			    now_ns < source->next_ns)
				continue;
			source->next_ns += source->interval_ns;
			source->fn(source->context);
		}
	}
}

static inline void tap(unsigned input)
{
	edge(input, true);
	wait_ms(80);
	edge(input, false);
	wait_ms(60);
}

static inline void switch_on(void)
{
	panel = panel_create(NULL, NULL, &board);
	assert_non_null(panel);
	for (unsigned i = 0; i < board.inputs; i++)
		inputs.event[inputs.last++ % EVENTS_MAX] =
			(struct gpio_event){i, false, now_ns, false};
	wait_ms(1500);
}

static inline int set_up(void **state)
{
	static const struct board empty = {
		.debounce = 0.02,
		.settle = 0.03,
		.hold = 0.7,
		.long_press = 2,
		.double_press = 0.35,
		.preroll = -1,
	};

	(void)state;
	board = empty;
	memset(&inputs, 0, sizeof(inputs));
	memset(&outputs, 0, sizeof(outputs));
	memset(&recorder, 0, sizeof(recorder));
	memset(sources, 0, sizeof(sources));
	recorder.state = TRANSPORT_IDLE;
	recorder.track_count = 4;
	commands = connects = notes = 0;
	refusal = COMMAND_OK;
	problem[0] = '\0';
	now_ns = START;
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	panel_destroy(panel);
	panel = NULL;
	return 0;
}

static inline void assert_command(unsigned index, enum command_kind kind,
				  int64_t time_ns)
{
	assert_true(index < commands);
	assert_int_equal(command[index].kind, kind);
	assert_int_equal(command[index].position,
			 transport_position_at(NULL, time_ns));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
