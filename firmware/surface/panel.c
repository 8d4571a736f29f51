/*
 * Life and time of the panel: inputs are read when they have something, lamps
 * are drawn 30 times a second, lines are seen to once a second, and
 * lines without interrupts are looked at 100 times a second.
 */
#include "surface/panel_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"

#define FRAME_NS (NS_PER_S / 30)
/* An edge can reach us that much later than it was. */
#define LATE_NS	   (10 * NS_PER_MS)
#define CONNECT_NS NS_PER_S
#define POLL_NS	   (10 * NS_PER_MS)

/* ---- troubles ---- */

static const char *first_trouble(const struct panel *panel)
{
	unsigned places = sizeof(panel->trouble) / sizeof(*panel->trouble);

	for (unsigned i = 0; i < places; i++)
		if (panel->trouble[i])
			return panel->trouble[i];
	return NULL;
}

static void note_troubles(struct panel *panel)
{
	const char *first = first_trouble(panel);
	char text[PANEL_TEXT_MAX];

	if (!first)
		text[0] = '\0';
	else if (panel->troubles == 1)
		snprintf(text, sizeof(text), "panel: %.200s", first);
	else
		snprintf(text, sizeof(text), "panel: %.160s (and %u more)",
			 first, panel->troubles - 1);
	transport_note_problem(panel->transport, PROBLEM_OF_PANEL,
			       PROBLEM_DEGRADED, first ? text : NULL);
}

static void note_trouble(struct panel *panel, unsigned place, const char *text)
{
	if (text)
		log_warning("panel: %s", text);
	else if (panel->trouble[place])
		log_info("panel: well again: %s", panel->trouble[place]);
	panel->troubles -= panel->trouble[place] != NULL;
	free(panel->trouble[place]);
	panel->trouble[place] = text ? strdup(text) : NULL;
	panel->troubles += panel->trouble[place] != NULL;
	note_troubles(panel);
}

static void input_trouble(void *context, unsigned wire, const char *text)
{
	note_trouble(context, wire, text);
}

static void lamp_trouble(void *context, unsigned place, const char *text)
{
	note_trouble(context, GPIO_WIRES_MAX + place, text);
}

/* A take is begun by the medium's own pace: that it could not be is told
 * later. */
static void hear(void *context, const struct transport_news *news)
{
	struct panel *panel = context;

	if (news && news->kind == NEWS_NOT_BEGUN)
		picture_refuse(&panel->picture, clock_now_ns());
}

/* ---- inputs ---- */

static void read_inputs(struct panel *panel)
{
	struct gpio_event event;

	while (panel->inputs && gpio_inputs_read(panel->inputs, &event) == 0)
		panel_hand_feed(panel, &event);
}

static void inputs_ready(void *context, uint32_t events)
{
	(void)events;
	read_inputs(context);
}

static void poll_inputs(void *context)
{
	struct panel *panel = context;

	gpio_inputs_poll(panel->inputs);
	read_inputs(panel);
}

/* ---- time ---- */

void panel_frame(struct panel *panel)
{
	const struct tape *tape = transport_tape(panel->transport);
	int64_t now_ns = clock_now_ns();

	read_inputs(panel);
	transport_get_status(panel->transport, &panel->status);
	panel_hands_run(panel, now_ns - LATE_NS);
	if (panel->board.outputs == 0)
		return;
	if (tape)
		meters_read(&panel->meters, tape, now_ns);
	panel_view(&panel->view, &panel->status, &panel->meters, panel->locked);
	picture_draw(&panel->picture, &panel->view, now_ns, panel->level);
	lamps_show(panel->lamps, panel->level);
}

static void frame(void *context)
{
	panel_frame(context);
}

/* Also finds out what has gone: older kernels do not tell. */
static void connect_lines(void *context)
{
	struct panel *panel = context;

	if (panel->inputs)
		gpio_inputs_connect(panel->inputs);
	lamps_connect(panel->lamps);
	if (panel->inputs && !panel->poll_source &&
	    gpio_inputs_polled(panel->inputs) > 0)
		panel->poll_source = loop_add_timer(
			panel->loop, POLL_NS, POLL_NS, poll_inputs, panel);
}

/* ---- life ---- */

static int create_inputs(struct panel *panel)
{
	struct gpio_wire wires[BOARD_INPUTS_MAX];

	panel_hands_init(panel);
	if (panel->board.inputs == 0)
		return 0;
	for (unsigned i = 0; i < panel->board.inputs; i++)
		wires[i] = panel->board.input[i].wire;
	panel->inputs = gpio_inputs_create(wires, panel->board.inputs,
					   input_trouble, panel);
	if (!panel->inputs)
		return -ENOMEM;
	panel->input_source =
		loop_add_fd(panel->loop, gpio_inputs_fd(panel->inputs), EPOLLIN,
			    inputs_ready, panel);
	return panel->input_source ? 0 : -ENOMEM;
}

static int start(struct panel *panel)
{
	int error = create_inputs(panel);

	panel->lamps = lamps_create(&panel->board, lamp_trouble, panel);
	if (error < 0 || !panel->lamps)
		return -ENOMEM;
	picture_init(&panel->picture, &panel->board, clock_now_ns());
	connect_lines(panel);
	panel->frame_source =
		loop_add_timer(panel->loop, 1, FRAME_NS, frame, panel);
	panel->connect_source = loop_add_timer(
		panel->loop, CONNECT_NS, CONNECT_NS, connect_lines, panel);
	return panel->frame_source && panel->connect_source ? 0 : -ENOMEM;
}

struct panel *panel_create(struct loop *loop, struct transport *transport,
			   const struct board *board)
{
	struct panel *panel = calloc(1, sizeof(*panel));

	if (!panel)
		return NULL;
	panel->loop = loop;
	panel->transport = transport;
	panel->board = *board;
	panel->meters.peaks_only = true;
	if (start(panel) < 0 || transport_listen(transport, hear, panel) < 0) {
		panel_destroy(panel);
		return NULL;
	}
	return panel;
}

void panel_destroy(struct panel *panel)
{
	unsigned places = sizeof(panel->trouble) / sizeof(*panel->trouble);

	if (!panel)
		return;
	loop_remove(panel->frame_source);
	loop_remove(panel->connect_source);
	loop_remove(panel->poll_source);
	loop_remove(panel->input_source);
	lamps_destroy(panel->lamps);
	gpio_inputs_destroy(panel->inputs);
	for (unsigned i = 0; i < places; i++)
		free(panel->trouble[i]);
	free(panel);
}

uint64_t panel_calls(const struct panel *panel)
{
	return lamps_calls(panel->lamps);
}
