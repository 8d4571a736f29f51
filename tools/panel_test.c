/*
 * takebox panel-test: walks a person through every lamp and every button of a
 * board and says at the end what works.
 *
 * Lamps are lit one after the other, and the person says whether the right one
 * is; buttons are pressed, and the program sees which one it was. Answers are
 * lines on standard input, so that a script can give them, too.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/exit_codes.h"
#include "surface/debounce.h"
#include "surface/lamps.h"
#include "tools/commands.h"
#include "tools/options.h"

#define TICK_MS	     10
#define STEP_NS	     (150 * NS_PER_MS) /* a bar runs up at this pace */
#define LABEL_MAX    96
#define RESULTS_MAX  (BOARD_INPUTS_MAX + BOARD_OUTPUTS_MAX)
#define OPTION_WAIT  OPTION_OWN
#define WAIT_SECONDS 30.0

enum result { WORKS, FAILS, SKIPPED };

struct walk {
	struct board board;
	double wait_seconds;
	struct gpio_inputs *inputs;
	struct lamps *lamps;
	struct debounce contact[BOARD_INPUTS_MAX];
	bool pressed[BOARD_INPUTS_MAX]; /* since it was asked for */
	bool open[BOARD_INPUTS_MAX];	/* let go since then */
	unsigned edges[BOARD_INPUTS_MAX];
	bool asked_to_leave, input_over;
	char answer[16];
	size_t answered;
	bool json, troubled;
	unsigned works, fails, skipped;
	json_t *results;
};

/* ---- what is said ---- */

static void input_label(const struct board_input *input, char *label)
{
	if (input->role == BOARD_ARM)
		snprintf(label, LABEL_MAX, "%s of track %u (%.40s)",
			 input->latched ? "arm switch" : "arm button",
			 input->track, input->wire.line);
	else
		snprintf(label, LABEL_MAX, "%s%s (%.40s)",
			 board_input_name(input->role),
			 input->latched ? " switch" : "", input->wire.line);
}

static void output_label(const struct board *board,
			 const struct board_output *output, char *label)
{
	char place[LABEL_MAX / 2], track[24] = "";

	if (output->chain < 0)
		snprintf(place, sizeof(place), "%.40s", output->wire.line);
	else
		snprintf(place, sizeof(place), "%.30s bit %u",
			 board->chain[output->chain].name, output->bit);
	if (output->track)
		snprintf(track, sizeof(track), " of track %u", output->track);
	snprintf(label, LABEL_MAX, "%.20s%s (%s)",
		 board_output_name(output->role), track, place);
}

static void note(struct walk *walk, const char *label, enum result result,
		 const char *why)
{
	static const char *const words[] = {"works", "fails", "skipped"};

	walk->works += result == WORKS;
	walk->fails += result == FAILS;
	walk->skipped += result == SKIPPED;
	json_array_append_new(walk->results,
			      json_pack("{ss ss ss}", "part", label, "result",
					words[result], "why", why));
	if (!walk->json)
		printf("  %s%s%s\n", words[result], why[0] ? ": " : "", why);
}

static void ask(const struct walk *walk, const char *text)
{
	if (walk->json)
		return;
	printf("%s\n", text);
	fflush(stdout);
}

static void trouble(void *context, unsigned place, const char *text)
{
	struct walk *walk = context;

	(void)place;
	if (!text)
		return;
	fprintf(stderr, "takebox panel-test: %s\n", text);
	walk->troubled = true;
}

/* ---- what is seen ---- */

static void read_hands(struct walk *walk)
{
	struct debounce_change change[2];
	struct gpio_event event;

	while (walk->inputs && gpio_inputs_read(walk->inputs, &event) == 0) {
		unsigned count =
			debounce_feed(&walk->contact[event.wire], event.active,
				      event.seen, event.time_ns, change);

		walk->edges[event.wire] += event.seen;
		for (unsigned i = 0; i < count; i++) {
			walk->pressed[event.wire] |= change[i].active;
			walk->open[event.wire] |= !change[i].active;
		}
	}
	for (unsigned i = 0; i < walk->board.inputs; i++)
		if (debounce_run(&walk->contact[i], clock_now_ns(), change)) {
			walk->pressed[i] |= change[0].active;
			walk->open[i] |= !change[0].active;
		}
}

/* A letter of an answered line, '\n' for an empty one, 0: none yet. */
static char read_answer(struct walk *walk)
{
	char byte;
	ssize_t got = read(STDIN_FILENO, &byte, 1);

	if (got <= 0) {
		walk->input_over = true;
		return 0;
	}
	if (byte != '\n') {
		if (walk->answered == 0 && byte != ' ')
			walk->answer[walk->answered++] = byte;
		return 0;
	}
	byte = walk->answered ? walk->answer[0] : '\n';
	walk->answered = 0;
	if (byte == 'q')
		walk->asked_to_leave = true;
	return byte;
}

/* One tick; returns an answer if there is one. */
static char wait_a_tick(struct walk *walk)
{
	struct pollfd sources[2] = {
		{.fd = walk->input_over ? -1 : STDIN_FILENO, .events = POLLIN},
		{.fd = walk->inputs ? gpio_inputs_fd(walk->inputs) : -1,
		 .events = POLLIN},
	};

	poll(sources, 2, TICK_MS);
	if (walk->inputs && gpio_inputs_polled(walk->inputs) > 0)
		gpio_inputs_poll(walk->inputs);
	read_hands(walk);
	return sources[0].revents ? read_answer(walk) : 0;
}

/* ---- lamps ---- */

/* Lights the outputs from first on that are one lamp for the person: a bar is
 * one, and runs up again and again. Returns the answer; 0: none came. */
static char light(struct walk *walk, const unsigned *group, unsigned count)
{
	uint8_t level[BOARD_OUTPUTS_MAX] = {LAMP_OFF};
	int64_t begun_ns = clock_now_ns();
	char answer = 0;

	while (!answer && !walk->input_over) {
		int64_t step = (clock_now_ns() - begun_ns) / STEP_NS;

		for (unsigned i = 0; i < count; i++)
			level[group[i]] =
				count == 1 || i <= (unsigned)step % (count + 1)
					? LAMP_FULL
					: LAMP_OFF;
		lamps_show(walk->lamps, level);
		answer = wait_a_tick(walk);
	}
	memset(level, LAMP_OFF, sizeof(level));
	lamps_show(walk->lamps, level);
	return answer;
}

/* The LEDs of the bar that first belongs to, lowest level first. */
static unsigned find_group(const struct board *board, unsigned first,
			   unsigned *group)
{
	const struct board_output *lamp = &board->output[first];
	unsigned count = 0;

	if (lamp->role != BOARD_LAMP_BAR) {
		group[0] = first;
		return 1;
	}
	for (unsigned i = 0; i < board->outputs; i++) {
		const struct board_output *other = &board->output[i];
		unsigned at = count;

		if (other->role != BOARD_LAMP_BAR ||
		    other->track != lamp->track)
			continue;
		for (; at > 0 && board->output[group[at - 1]].db > other->db;
		     at--)
			group[at] = group[at - 1];
		group[at] = i;
		count++;
	}
	return count;
}

static bool is_first_of_bar(const struct board *board, unsigned index)
{
	for (unsigned i = 0; i < index; i++)
		if (board->output[i].role == BOARD_LAMP_BAR &&
		    board->output[i].track == board->output[index].track)
			return false;
	return true;
}

static void test_lamp(struct walk *walk, unsigned index)
{
	unsigned group[BOARD_OUTPUTS_MAX];
	unsigned count = find_group(&walk->board, index, group);
	char label[LABEL_MAX], text[LABEL_MAX + 80];
	char answer;

	output_label(&walk->board, &walk->board.output[index], label);
	snprintf(text, sizeof(text),
		 count == 1 ? "%s: is it on, and nothing else? [Y/n/s/q]"
			    : "%s: does the bar run up? [Y/n/s/q]",
		 label);
	ask(walk, text);
	answer = light(walk, group, count);
	if (walk->asked_to_leave)
		return;
	if (answer == '\n' || answer == 'y' || answer == 'Y')
		note(walk, label, WORKS, "");
	else if (answer == 'n' || answer == 'N')
		note(walk, label, FAILS, "not seen");
	else
		note(walk, label, SKIPPED, "");
}

static void test_lamps(struct walk *walk)
{
	const struct board *board = &walk->board;

	for (unsigned i = 0; i < board->outputs && !walk->asked_to_leave; i++)
		if (board->output[i].role != BOARD_LAMP_BAR ||
		    is_first_of_bar(board, i))
			test_lamp(walk, i);
}

/* ---- buttons ---- */

static void forget_presses(struct walk *walk)
{
	memset(walk->pressed, 0, sizeof(walk->pressed));
	memset(walk->open, 0, sizeof(walk->open));
	memset(walk->edges, 0, sizeof(walk->edges));
}

/* Another one was pressed than the one asked for: its number, or -1. */
static int other_pressed(const struct walk *walk, unsigned index)
{
	for (unsigned i = 0; i < walk->board.inputs; i++)
		if (i != index && walk->pressed[i])
			return (int)i;
	return -1;
}

static void test_button(struct walk *walk, unsigned index)
{
	const struct board_input *input = &walk->board.input[index];
	int64_t end_ns = clock_now_ns() + (int64_t)(walk->wait_seconds * 1e9);
	char label[LABEL_MAX], text[LABEL_MAX + 80], why[LABEL_MAX + 40] = "";

	input_label(input, label);
	snprintf(text, sizeof(text), "%s: %s [Enter: skip, q: leave]", label,
		 input->latched ? "throw it on and off"
				: "press it and let go");
	ask(walk, text);
	forget_presses(walk);
	while (clock_now_ns() < end_ns && !walk->asked_to_leave) {
		int other;

		if (wait_a_tick(walk) && !walk->asked_to_leave) {
			note(walk, label, SKIPPED, why);
			return;
		}
		if (walk->pressed[index] && walk->open[index]) {
			snprintf(why, sizeof(why), "%u edges",
				 walk->edges[index]);
			note(walk, label, WORKS, why);
			return;
		}
		other = other_pressed(walk, index);
		if (other >= 0) {
			char name[LABEL_MAX];

			input_label(&walk->board.input[other], name);
			snprintf(why, sizeof(why), "that was %s", name);
			ask(walk, why);
			walk->pressed[other] = false;
		}
	}
	if (!walk->asked_to_leave)
		note(walk, label, FAILS,
		     why[0]		    ? why
		     : walk->pressed[index] ? "it stays on"
					    : "nothing came");
}

/* ---- the walk ---- */

/* Whether the lines can be had; says who has them. */
static int check_lines(const struct board *board)
{
	for (unsigned i = 0; i < board->inputs + board->outputs; i++) {
		const char *line =
			i < board->inputs
				? board->input[i].wire.line
				: board->output[i - board->inputs].wire.line;
		struct gpio_line found;
		char error[512], holder[256];

		if (i >= board->inputs &&
		    board->output[i - board->inputs].chain != BOARD_ON_LINE)
			continue;
		if (gpio_find(line, &found, error, sizeof(error)) < 0 ||
		    !found.used || strncmp(found.consumer, "takebox", 7) != 0)
			continue;
		gpio_who(&found, holder, sizeof(holder));
		fprintf(stderr,
			"takebox panel-test: %s is held by %s: end the "
			"recorder first (systemctl stop takeboxd)\n",
			line, holder);
		return EXIT_REFUSED;
	}
	return EXIT_OK;
}

static int open_lines(struct walk *walk)
{
	struct gpio_wire wires[BOARD_INPUTS_MAX];
	const struct board *board = &walk->board;

	for (unsigned i = 0; i < board->inputs; i++) {
		wires[i] = board->input[i].wire;
		debounce_init(&walk->contact[i], board->input[i].latched,
			      board->input[i].latched ? board->settle
						      : board->debounce);
	}
	if (board->inputs > 0) {
		walk->inputs =
			gpio_inputs_create(wires, board->inputs, trouble, walk);
		if (!walk->inputs)
			return EXIT_FAILED;
		gpio_inputs_connect(walk->inputs);
	}
	walk->lamps = lamps_create(board, trouble, walk);
	if (!walk->lamps)
		return EXIT_FAILED;
	lamps_connect(walk->lamps);
	return EXIT_OK;
}

/* What the inputs are before anybody touches them. */
static void learn_levels(struct walk *walk)
{
	double seconds = walk->board.settle + 0.05;
	int64_t end_ns = clock_now_ns() + (int64_t)(seconds * 1e9);

	while (clock_now_ns() < end_ns) {
		poll(NULL, 0, TICK_MS);
		if (walk->inputs && gpio_inputs_polled(walk->inputs) > 0)
			gpio_inputs_poll(walk->inputs);
		read_hands(walk);
	}
}

static int report(struct walk *walk)
{
	bool good =
		walk->fails == 0 && !walk->troubled && !walk->asked_to_leave;

	if (walk->json) {
		json_t *all =
			json_pack("{sb ss sO}", "ok", good, "board",
				  walk->board.name, "parts", walk->results);

		options_print_json(all);
		json_decref(all);
	} else {
		printf("%s: %u work, %u fail, %u skipped\n", walk->board.name,
		       walk->works, walk->fails, walk->skipped);
	}
	return good ? EXIT_OK : EXIT_FAILED;
}

static int test_board(struct walk *walk)
{
	int code = check_lines(&walk->board);

	if (code == EXIT_OK)
		code = open_lines(walk);
	if (code != EXIT_OK)
		return code;
	ask(walk, walk->board.text[0] ? walk->board.text : walk->board.name);
	learn_levels(walk);
	test_lamps(walk);
	for (unsigned i = 0; i < walk->board.inputs && !walk->asked_to_leave;
	     i++)
		test_button(walk, i);
	return report(walk);
}

static void print_finding(void *context, bool error, unsigned line,
			  const char *text)
{
	const struct board *board = context;

	fprintf(stderr, "%s:%u: %s: %s\n", board->file, line,
		error ? "error" : "warning", text);
}

static int load_board(struct board *board, const char *name)
{
	static struct config config;
	char error[512] = "";

	if (!name && config_load(&config, NULL, error, sizeof(error)) < 0) {
		fprintf(stderr, "takebox panel-test: %s\n", error);
		return EXIT_CONFIG;
	}
	if (board_load(board, name ? name : config.board, error,
		       sizeof(error)) < 0) {
		fprintf(stderr, "takebox panel-test: %s\n", error);
		return EXIT_CONFIG;
	}
	board_check(board, print_finding, board);
	if (board->inputs == 0 && board->outputs == 0) {
		fprintf(stderr,
			"takebox panel-test: the board \"%s\" has "
			"nothing wired to it\n",
			board->name);
		return EXIT_NOT_FOUND;
	}
	return EXIT_OK;
}

int command_panel_test(int argc, char **argv)
{
	static const struct option longs[] = {
		{"wait", required_argument, NULL, OPTION_WAIT}, OPTIONS_COMMON};
	struct options options = {
		.help = "takebox panel-test: try every lamp and button of a "
			"board\n\n"
			"usage: takebox panel-test [--wait SECONDS] [BOARD]\n\n"
			"BOARD is a name or a file; else the one of "
			"takebox.conf. The recorder must not\nrun: it holds "
			"the lines.\n\n"
			"      --wait SECONDS  for each button (30)\n"
			"      --json          print the result as JSON\n"
			"  -h, --help, --version\n"};
	static struct walk walk;
	int letter, code = -1;

	walk.wait_seconds = WAIT_SECONDS;
	while (code < 0 &&
	       (letter = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (letter != OPTION_WAIT)
			code = options_common(&options, letter, argv);
		else if (options_number(optarg, 0.1, 3600, &walk.wait_seconds) <
			 0)
			code = options_wrong(argv, "--wait needs seconds");
	}
	if (code < 0 && argc - optind > 1)
		code = options_wrong(argv, "one board at a time");
	if (code >= 0)
		return code;
	code = load_board(&walk.board, argv[optind]);
	if (code != EXIT_OK)
		return code;
	walk.json = options.json;
	walk.results = json_array();
	code = test_board(&walk);
	lamps_destroy(walk.lamps);
	gpio_inputs_destroy(walk.inputs);
	json_decref(walk.results);
	return code;
}
