/*
 * takeboxd: everything but the interface. It attaches to takebox-tape's tape,
 * records takes from it, and answers whoever asks. If it is killed and started
 * again it goes on with the take that ran.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/autogroup.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/config_kept.h"
#include "base/exit_codes.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/notify.h"
#include "surface/board.h"
#include "surface/control.h"
#include "surface/panel.h"
#include "transport/transport.h"

#define WATCH_NS (NS_PER_S / 2)

#define SETS_MAX 64

struct arguments {
	const char *config;
	char *set[SETS_MAX];
	int sets;
	bool check, print;
};

struct daemon {
	struct arguments arguments;
	struct config config;
	struct loop *loop;
	struct notify notify;
	struct transport *transport;
	struct control *control;
	struct panel *panel; /* NULL: none */
	struct board board;
	int autogroup;	 /* what came of asking for more of the processor */
	bool reloads;	 /* is to leave for a new configuration, and not yet */
	bool kept;	 /* runs with that of the process before */
	int mistake;	 /* in the new one then, negative errno, */
	char error[512]; /* and in words */
};

/* ---- the configuration ---- */

static int try_config(struct config *config, struct arguments *arguments,
		      char *error, size_t size)
{
	int code = config_load(config, arguments->config, error, size);

	for (int i = 0; code == 0 && i < arguments->sets; i++) {
		char *equals = strchr(arguments->set[i], '=');

		if (!equals) {
			snprintf(error, size, "--set takes KEY=VALUE, not '%s'",
				 arguments->set[i]);
			code = -EINVAL;
			break;
		}
		*equals = '\0';
		code = config_set(config, arguments->set[i], equals + 1, error,
				  size);
		*equals = '=';
	}
	return code == 0 ? config_check(config, error, size) : code;
}

/* Twice, if need be: what the library reads when memory is short is not always
 * what stands there, and a configuration that is wrong is not tried again by
 * whoever starts us. */
static int load_config(struct config *config, struct arguments *arguments,
		       char *error, size_t size)
{
	int code = try_config(config, arguments, error, size);

	if (code < 0) {
		error[0] = '\0';
		code = try_config(config, arguments, error, size);
	}
	if (code == -ENOENT && !error[0])
		snprintf(error, size, "there is no file %s", arguments->config);
	else if (code < 0 && !error[0])
		snprintf(error, size, "%s", strerror(-code));
	return code;
}

/* A newer version of the program may read what is a mistake to this one. */
static bool is_replaced(void)
{
	static const char gone[] = " (deleted)";
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path));
	size_t tail = sizeof(gone) - 1;

	return length > (ssize_t)tail &&
	       memcmp(path + length - tail, gone, tail) == 0;
}

/* What a crash would do, since that costs a take nothing: no part of it is
 * ended, and whoever is started next goes on with it. */
static void leave(struct daemon *daemon)
{
	transport_leave(daemon->transport);
	log_info("leaving at once; a take that runs is gone on with at the "
		 "next start");
	_exit(EXIT_OK);
}

static void refuse_config(struct daemon *daemon, const char *error)
{
	char text[256];

	log_error("the new configuration is not used: %s", error);
	snprintf(text, sizeof(text),
		 "the new configuration is not used: %.200s", error);
	transport_note_problem(daemon->transport, PROBLEM_OF_CONFIG,
			       PROBLEM_DEGRADED, text);
}

static void put_config_off(struct daemon *daemon)
{
	static const char text[] =
		"the new configuration is used when the take has ended: the "
		"tape that it is on would be another one";

	if (!daemon->reloads)
		log_warning("%s", text);
	daemon->reloads = true;
	transport_note_problem(daemon->transport, PROBLEM_OF_CONFIG,
			       PROBLEM_KEPT, text);
}

/* With a mistake in the configuration nobody would be started in our place, and
 * for another tape the one that a take is on would be thrown away. */
static void reload(struct daemon *daemon)
{
	static struct config next;
	char error[512] = "";
	int code = load_config(&next, &daemon->arguments, error, sizeof(error));

	if (code < 0 && !is_replaced()) {
		daemon->reloads = code == -ENOMEM;
		refuse_config(daemon, error);
	} else if (!transport_may_leave(daemon->transport,
					code < 0 ? NULL : &next)) {
		put_config_off(daemon);
	} else {
		leave(daemon);
	}
}

static void on_hangup(void *context, int number)
{
	struct daemon *daemon = context;

	(void)number;
	daemon->reloads = false;
	reload(daemon);
}

/* The process before died after the file had been changed: what it recorded
 * goes on as it was, and the new configuration waits, as at a reload. */
static void go_on_as_before(struct daemon *daemon)
{
	static struct config before;
	const struct config *next =
		daemon->mistake < 0 ? NULL : &daemon->config;

	if (config_kept(&before) < 0 || !transport_needs_tape_of(&before, next))
		return;
	daemon->config = before;
	daemon->kept = true;
}

static void explain_config(struct daemon *daemon)
{
	daemon->reloads = daemon->kept && daemon->mistake == -ENOMEM;
	if (daemon->kept && daemon->mistake < 0)
		refuse_config(daemon, daemon->error);
	else if (daemon->kept)
		put_config_off(daemon);
}

/* ---- what comes ---- */

static void on_signal(void *context, int number)
{
	struct daemon *daemon = context;

	(void)number;
	daemon->reloads = false;
	notify_tell(&daemon->notify, "STOPPING=1");
	transport_shut_down(daemon->transport);
}

static void on_watch(void *context)
{
	struct daemon *daemon = context;
	int64_t now = clock_now_ns();

	if (daemon->autogroup == -EAGAIN)
		daemon->autogroup = autogroup_follow();
	notify_feed(&daemon->notify, transport_goes_on(daemon->transport, now),
		    now);
	if (daemon->reloads && transport_may_leave(daemon->transport, NULL))
		reload(daemon);
}

static void note_finding(void *context, bool error, unsigned line,
			 const char *text)
{
	const struct board *board = context;

	if (error && line > 0)
		log_warning("%s:%u: %s", board->file, line, text);
	else if (error)
		log_warning("%s: %s", board->file, text);
}

/* A mistake in what is wired costs the panel, never the recorder. */
static void start_panel(struct daemon *daemon)
{
	char error[512], text[256];

	if (board_load(&daemon->board, daemon->config.board, error,
		       sizeof(error)) < 0) {
		log_error("%s; the recorder runs on without its panel", error);
		snprintf(text, sizeof(text), "no panel: %.240s", error);
		transport_note_problem(daemon->transport, PROBLEM_OF_PANEL,
				       PROBLEM_DEGRADED, text);
		return;
	}
	board_check(&daemon->board, note_finding, &daemon->board);
	if (daemon->board.inputs == 0 && daemon->board.outputs == 0)
		return;
	daemon->panel =
		panel_create(daemon->loop, daemon->transport, &daemon->board);
	if (!daemon->panel)
		log_error("out of memory for the panel");
}

static int serve(struct daemon *daemon)
{
	int error;

	daemon->loop = loop_create();
	if (!daemon->loop ||
	    !loop_add_signal(daemon->loop, SIGTERM, on_signal, daemon) ||
	    !loop_add_signal(daemon->loop, SIGINT, on_signal, daemon) ||
	    !loop_add_signal(daemon->loop, SIGHUP, on_hangup, daemon) ||
	    !loop_add_timer(daemon->loop, WATCH_NS, WATCH_NS, on_watch, daemon))
		return -ENOMEM;
	signal(SIGPIPE, SIG_IGN);
	daemon->transport = transport_create(daemon->loop, &daemon->config);
	if (!daemon->transport)
		return -ENOMEM;
	explain_config(daemon);
	error = control_create(&daemon->control, daemon->loop,
			       daemon->transport, daemon->config.socket);
	if (error < 0) {
		log_error("cannot listen on %s: %s", daemon->config.socket,
			  error == -EADDRINUSE
				  ? "another takeboxd runs there already"
				  : strerror(-error));
		return error;
	}
	start_panel(daemon);
	notify_tell(&daemon->notify, "READY=1");
	return loop_run(daemon->loop);
}

static void finish(struct daemon *daemon)
{
	panel_destroy(daemon->panel);
	control_destroy(daemon->control);
	transport_destroy(daemon->transport);
	loop_destroy(daemon->loop);
	notify_finish(&daemon->notify);
}

static const char help[] =
	"usage: takeboxd [OPTIONS]\n\n"
	"The recorder's daemon; takebox(1) talks to it.\n\n"
	"  -c, --config FILE   read this instead of the usual files\n"
	"  -s, --set KEY=VALUE set one key of takebox.conf(5)\n"
	"      --check-config  read the configuration and its board, say "
	"what is\n"
	"                      wrong, leave\n"
	"      --print-config  print it as it is in effect, leave\n"
	"      --version, --help\n";

enum { OPTION_CHECK = 0x100, OPTION_PRINT, OPTION_HELP, OPTION_VERSION };

static int read_arguments(struct arguments *arguments, int argc, char **argv)
{
	static const struct option table[] = {
		{"config", required_argument, NULL, 'c'},
		{"set", required_argument, NULL, 's'},
		{"check-config", no_argument, NULL, OPTION_CHECK},
		{"print-config", no_argument, NULL, OPTION_PRINT},
		{"help", no_argument, NULL, OPTION_HELP},
		{"version", no_argument, NULL, OPTION_VERSION},
		{0},
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "c:s:", table, NULL)) >= 0) {
		switch (letter) {
		case 'c':
			arguments->config = optarg;
			break;
		case 's':
			if (arguments->sets == SETS_MAX)
				return EXIT_USAGE;
			arguments->set[arguments->sets++] = optarg;
			break;
		case OPTION_CHECK:
			arguments->check = true;
			break;
		case OPTION_PRINT:
			arguments->print = true;
			break;
		case OPTION_HELP:
			fputs(help, stdout);
			return EXIT_OK;
		case OPTION_VERSION:
			printf("takeboxd %s\n", TAKEBOX_VERSION);
			return EXIT_OK;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "takeboxd: '%s' is too much\n", argv[optind]);
		return EXIT_USAGE;
	}
	return -1;
}

static void print_finding(void *context, bool error, unsigned line,
			  const char *text)
{
	const struct board *board = context;

	if (line > 0)
		fprintf(stderr, "%s:%u: ", board->file, line);
	else
		fprintf(stderr, "%s: ", board->file);
	fprintf(stderr, "%s%s\n", error ? "" : "warning: ", text);
}

/* What the configuration names is part of it. */
static int check_everything(const struct config *config)
{
	static struct board board;
	char error[512];

	if (board_load(&board, config->board, error, sizeof(error)) < 0) {
		fprintf(stderr, "takeboxd: panel.board: %s\n", error);
		return EXIT_CONFIG;
	}
	if (board_check(&board, print_finding, &board) > 0)
		return EXIT_CONFIG;
	printf("the configuration is in order\n");
	return EXIT_OK;
}

/* libconfig ends the process when it gets no memory, with a code of its own
 * that would keep the recorder from being started again. */
static bool leaves;

static void note_exit(void)
{
	if (!leaves)
		_exit(EXIT_FAILED);
}

static int run(int argc, char **argv)
{
	static struct daemon daemon;
	struct arguments *arguments = &daemon.arguments;
	bool looks = false; /* only */
	int code = read_arguments(arguments, argc, argv);

	if (code >= 0)
		return code;
	looks = arguments->print || arguments->check;
	daemon.autogroup = autogroup_follow();
	daemon.mistake = load_config(&daemon.config, arguments, daemon.error,
				     sizeof(daemon.error));
	if (!looks)
		go_on_as_before(&daemon);
	if (daemon.mistake < 0 && !daemon.kept) {
		fprintf(stderr, "takeboxd: %s\n", daemon.error);
		return daemon.mistake == -ENOMEM ? EXIT_FAILED : EXIT_CONFIG;
	}
	if (arguments->print)
		return config_print(&daemon.config, stdout) < 0 ? EXIT_FAILED
								: EXIT_OK;
	if (arguments->check)
		return check_everything(&daemon.config);
	log_init("takeboxd", LOG_LEVEL_INFO);
	config_keep(&daemon.config);
	notify_init(&daemon.notify);
	code = serve(&daemon) < 0 ? EXIT_FAILED : EXIT_OK;
	finish(&daemon);
	return code;
}

int main(int argc, char **argv)
{
	int code;

	atexit(note_exit);
	code = run(argc, argv);
	leaves = true;
	return code;
}
