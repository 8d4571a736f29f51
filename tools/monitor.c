/*
 * takebox monitor: the meters of every channel as text.
 *
 * On a terminal the lines are drawn over each other; elsewhere one line a
 * second goes out, or with --json every event as it came. Nothing is asked of
 * the recorder but one subscription.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "tools/bar.h"
#include "tools/client.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/show.h"
#include "tools/text.h"

#define SILENCE_MS   5000 /* a status comes once a second, so this is long */
#define CELL_COLUMNS 40	  /* the least a channel needs */

struct monitor {
	struct options options;
	double interval; /* s; 0: by what the output is */
	long count;	 /* meter events still to come; -1: without end */
	bool redraws;
	int lines_drawn;
	struct view_status status;
	struct view_meters meters;
};

static const char help[] =
	"takebox monitor: meters of every channel\n\n"
	"usage: takebox monitor [-n COUNT] [--interval SECONDS] [--json]\n\n"
	"  -n, --count COUNT       leave after COUNT meter readings\n"
	"  -i, --interval SECONDS  time between them (0.02 to 60)\n"
	"  --json                  print every event as one line of JSON\n"
	"  --socket PATH           the recorder's control socket\n"
	"  --help, --version\n";

/* SIGINT ends the monitor between two events, with the terminal in order. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

static int read_options(struct monitor *monitor, int argc, char **argv)
{
	static const struct option longs[] = {
		{"count", required_argument, NULL, 'n'},
		{"interval", required_argument, NULL, 'i'},
		OPTIONS_COMMON};
	double count;
	int letter, code;

	while ((letter = getopt_long(argc, argv, "n:i:", longs, NULL)) != -1) {
		switch (letter) {
		case 'n':
			if (options_number(optarg, 1, 1e9, &count) < 0 ||
			    count != floor(count))
				return options_wrong(
					argv, "-n needs a count, not \"%s\"",
					optarg);
			monitor->count = (long)count;
			break;
		case 'i':
			if (options_number(optarg, 0.02, 60,
					   &monitor->interval) < 0)
				return options_wrong(
					argv,
					"--interval needs seconds from 0.02 "
					"to 60, not \"%s\"",
					optarg);
			break;
		default:
			code = options_common(&monitor->options, letter, argv);
			if (code >= 0)
				return code;
		}
	}
	if (optind < argc)
		return options_wrong(argv, "it takes no argument");
	return -1;
}

static int channel_count(const struct monitor *monitor)
{
	return monitor->meters.channels;
}

static const char *channel_name(const struct monitor *monitor, int channel)
{
	const struct view_track *track =
		view_track_of(&monitor->status, channel + 1);

	return track ? track->name : "";
}

/* One channel: number, arm state, name, bar, peak, clips; width columns. */
static void draw_channel(const struct monitor *monitor, int channel, int width)
{
	const struct view_meters *meters = &monitor->meters;
	const struct view_track *track =
		view_track_of(&monitor->status, channel + 1);
	double peak = (double)meters->peak[channel];
	double hold = (double)meters->hold[channel];
	char name[80], bar[1024], db[32];

	printf("%2d%c %s ", channel + 1, track && track->armed ? '*' : ' ',
	       text_fit(name, sizeof(name), channel_name(monitor, channel), 12,
			true));
	fputs(bar_text(bar, sizeof(bar), bar_glyphs(), peak, hold, width - 30),
	      stdout);
	printf(" %6s", text_db(db, sizeof(db), hold));
	if (meters->clips[channel] > 0)
		printf(" CLIP ");
	else
		printf("      ");
}

static void draw_head(const struct monitor *monitor)
{
	const struct view_status *status = &monitor->status;
	char length[32];

	fputs(view_state_words(status->state), stdout);
	if (status->has_take)
		printf("  %s  %s", status->take_name,
		       text_clock(length, sizeof(length),
				  status->take_seconds));
	fputs("\033[K\n", stdout);
}

/* Draws all channels in as many columns as the terminal's height asks for,
 * over what was drawn before. */
static void draw(struct monitor *monitor)
{
	struct winsize size = {0};
	int channels = channel_count(monitor);
	int rows, columns, width;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 ||
	    size.ws_row == 0)
		size = (struct winsize){.ws_row = 24, .ws_col = 80};
	columns = size.ws_col > CELL_COLUMNS ? size.ws_col / CELL_COLUMNS : 1;
	rows = size.ws_row > 3 ? size.ws_row - 3 : 1;
	while (columns > 1 && (channels + columns - 2) / (columns - 1) <= rows)
		columns--;
	width = (size.ws_col > 40 ? size.ws_col : 40) / columns - 1;
	rows = (channels + columns - 1) / columns;
	if (rows > size.ws_row - 2)
		rows = size.ws_row > 3 ? size.ws_row - 2 : 1;

	if (monitor->lines_drawn > 0)
		printf("\033[%dA\r", monitor->lines_drawn);
	draw_head(monitor);
	for (int row = 0; row < rows; row++) {
		for (int i = row; i < channels; i += rows) {
			if (i / rows < columns)
				draw_channel(monitor, i, width);
		}
		fputs("\033[K\n", stdout);
	}
	fputs("\033[J", stdout);
	monitor->lines_drawn = rows + 1;
	fflush(stdout);
}

static void print_line(const struct monitor *monitor)
{
	const struct view_status *status = &monitor->status;
	time_t now = time(NULL);
	struct tm local;
	char stamp[32] = "", words[32];

	if (localtime_r(&now, &local))
		strftime(stamp, sizeof(stamp), "%H:%M:%S", &local);
	printf("%s %s", stamp, view_state_words(status->state));
	if (status->has_take)
		printf(" %s %s", status->take_name,
		       text_clock(words, sizeof(words), status->take_seconds));
	if (channel_count(monitor) > 0)
		printf(" peak");
	for (int i = 0; i < channel_count(monitor); i++)
		printf(" %s", text_db(words, sizeof(words),
				      (double)monitor->meters.peak[i]));
	for (int i = 0; i < channel_count(monitor); i++) {
		if (monitor->meters.clips[i] > 0)
			printf(" clip:%d", i + 1);
	}
	putchar('\n');
	fflush(stdout);
}

static void show_reading(struct monitor *monitor)
{
	if (monitor->redraws)
		draw(monitor);
	else
		print_line(monitor);
}

/* Takes one message in. Returns true if it was a meter reading. */
static bool take_in(struct monitor *monitor, json_t *message)
{
	const json_t *status = json_object_get(message, "status");
	const char *event =
		json_string_value(json_object_get(message, "event"));
	bool metered = event && strcmp(event, "meters") == 0;

	if (status)
		view_status(status, &monitor->status);
	if (metered)
		view_meters(message, &monitor->meters);
	else if (monitor->status.state == VIEW_NO_INTERFACE)
		view_meters(NULL, &monitor->meters);
	if (monitor->options.json && event)
		options_print_json(message);
	else if (metered ||
		 (status && monitor->status.state == VIEW_NO_INTERFACE))
		show_reading(monitor);
	return metered;
}

static int subscribe(struct monitor *monitor, struct client *client,
		     char **argv)
{
	json_t *request = json_pack("{s:s,s:f,s:b}", "cmd", "subscribe",
				    "interval", monitor->interval, "meters", 1);
	json_t *reply = NULL;
	const char *message = "";
	int code, r = client_request(client, request, SILENCE_MS, &reply);

	if (r < 0)
		return r;
	code = (int)client_exit_code(reply, &message);
	if (code != EXIT_OK)
		fprintf(stderr, "%s: %s\n", argv[0], message);
	json_decref(reply);
	return code;
}

/* Until count readings have come, the user interrupts, or standard output
 * fails: EXIT_OK; the recorder does not answer: negative errno; or count
 * readings are wanted of an interface that is not there. */
static int follow(struct monitor *monitor, struct client *client)
{
	while (monitor->count != 0 && !interrupted && !ferror(stdout)) {
		json_t *message = NULL;
		int r = client_wait(client, SILENCE_MS, &message);

		if (r == -EPROTO || (r < 0 && interrupted))
			continue;
		if (r < 0)
			return r;
		if (take_in(monitor, message) && monitor->count > 0)
			monitor->count--;
		json_decref(message);
		if (monitor->count > 0 &&
		    monitor->status.state == VIEW_NO_INTERFACE)
			return EXIT_NO_INTERFACE;
	}
	return 0;
}

int command_monitor(int argc, char **argv)
{
	struct monitor monitor = {.options.help = help, .count = -1};
	const char *terminal = getenv("TERM");
	struct sigaction action = {.sa_handler = on_interrupt};
	char where[CLIENT_PATH_MAX];
	struct client *client = NULL;
	int r, code = read_options(&monitor, argc, argv);

	if (code >= 0)
		return code;
	monitor.redraws = isatty(STDOUT_FILENO) && terminal &&
			  strcmp(terminal, "dumb") != 0;
	if (monitor.interval <= 0)
		monitor.interval =
			monitor.redraws || monitor.options.json ? 0.1 : 1.0;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	r = client_open(&client, monitor.options.socket, where);
	if (r == 0)
		r = subscribe(&monitor, client, argv);
	if (r == 0)
		r = follow(&monitor, client);
	client_close(client);
	if (r == EXIT_NO_INTERFACE)
		fprintf(stderr, "%s: there is no interface to meter\n",
			argv[0]);
	return r < 0 ? options_no_daemon(&monitor.options, argv, where, r) : r;
}
