/*
 * panel_cost BOARD [lines]: what the panel's lamps cost.
 *
 * Draws 10 s of frames from a tape of 16 channels with a signal on all of them,
 * and counts the kernel calls that reach the lamps; these are done by nobody
 * here. With "lines" chains are clocked bit by bit on three lines instead of
 * over SPI. For instructions, run it under
 *
 *     valgrind --tool=callgrind --toggle-collect=panel_frame
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#define assert_int_equal(a, b)                                                 \
	do {                                                                   \
		if ((a) != (b))                                                \
			abort();                                               \
	} while (0)

#define assert_true(a) assert_int_equal(!(a), 0)

#include "../unit/fake_tape.h"
#include "surface/panel_private.h"
#include "transport/transport_private.h"

#define FRAMES	 300
#define CHANNELS 16
#define RATE	 48000

struct gpio_outputs {
	bool level[GPIO_WIRES_MAX];
	unsigned count;
};

static uint64_t line_calls;
static int64_t now_ns = 1000000000000;

/* Time goes on by a frame at a time. */
int clock_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	ts->tv_sec = now_ns / 1000000000;
	ts->tv_nsec = now_ns % 1000000000;
	return 0;
}

struct gpio_outputs *gpio_outputs_create(const struct gpio_wire *wires,
					 unsigned count, gpio_trouble_fn fn,
					 void *context)
{
	struct gpio_outputs *outputs = calloc(1, sizeof(*outputs));

	(void)wires;
	(void)fn;
	(void)context;
	outputs->count = count;
	return outputs;
}

void gpio_outputs_destroy(struct gpio_outputs *outputs)
{
	free(outputs);
}

int gpio_outputs_connect(struct gpio_outputs *outputs)
{
	(void)outputs;
	return 0;
}

void gpio_outputs_set(struct gpio_outputs *outputs, const bool *active)
{
	size_t bytes = outputs->count * sizeof(*active);

	line_calls += memcmp(outputs->level, active, bytes) != 0;
	memcpy(outputs->level, active, bytes);
}

int gpio_outputs_pulse(struct gpio_outputs *outputs, unsigned first,
		       unsigned count, const bool *active)
{
	line_calls++;
	memcpy(outputs->level + first, active, count * sizeof(*active));
	return 0;
}

uint64_t gpio_outputs_calls(const struct gpio_outputs *outputs)
{
	(void)outputs;
	return 0; /* of all groups together: line_calls */
}

/* /dev/null is the SPI port. */
int ioctl(int fd, unsigned long request, ...)
{
	(void)fd;
	(void)request;
	return 0;
}

static void read_board(struct board *board, const char *path, bool lines)
{
	char error[512];

	if (board_load(board, path, error, sizeof(error)) < 0) {
		fprintf(stderr, "panel_cost: %s\n", error);
		exit(1);
	}
	board->inputs = 0; /* nobody presses */
	for (unsigned i = 0; i < board->chains; i++)
		strcpy(board->chain[i].spi, lines ? "" : "/dev/null");
}

int main(int argc, char **argv)
{
	static struct board board;
	static struct config config;
	struct loop *loop = loop_create();
	struct transport *transport;
	struct fake_tape tape;
	struct panel *panel;
	uint64_t calls;

	if (argc < 2)
		return 2;
	read_board(&board, argv[1], argc > 2);
	config_defaults(&config);
	transport = transport_create(loop, &config);
	fake_tape_open(&tape, CHANNELS, 24, RATE, 10 * RATE);
	transport->client.tape = tape.reader;
	transport->track_count =
		recording_tracks(transport->tracks, &config, CHANNELS);
	panel = panel_create(loop, transport, &board);
	calls = panel_calls(panel) + line_calls;
	for (unsigned i = 0; i < FRAMES; i++) {
		/* Loud and soft in turn, so that the bars move. */
		if (i % 8 == 0)
			fake_tape_play(&tape, RATE / 30);
		else
			tape_writer_silence(&tape.writer, RATE / 30);
		tape_writer_publish(&tape.writer, tape.writer.captured);
		now_ns += 1000000000 / 30;
		panel->locked = i % 2; /* no picture is like the last one */
		panel_frame(panel);
	}
	printf("%u frames, %u outputs: %.1f kernel calls per frame\n", FRAMES,
	       board.outputs,
	       (double)(panel_calls(panel) + line_calls - calls) / FRAMES);
	panel_destroy(panel);
	transport->client.tape = (struct tape){0};
	transport_destroy(transport);
	fake_tape_close(&tape);
	loop_destroy(loop);
	return 0;
}
