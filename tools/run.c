/*
 * takebox run: one take without a configuration and without a daemon, as people
 * use arecord. It starts a takebox-tape of its own, records all channels from
 * the first frame captured, and ends after exactly the frames asked for.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/exit_codes.h"
#include "base/log.h"
#include "tools/client.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/show.h"
#include "transport/recording.h"
#include "transport/summary.h"
#include "transport/tape_client.h"

#define POLL_MS		   100
#define TAPE_SPARE_SECONDS 2.0
#define TAPE_USUAL_SECONDS 60.0
#define ABSENT_NS	   (10 * NS_PER_S)

static const char help[] =
	"usage: takebox run -D DEVICE -d SECONDS -o FOLDER [OPTIONS]\n\n"
	"Records one take of all channels, without configuration or daemon.\n\n"
	"  -D, --device DEVICE    any ALSA name; default: the first interface\n"
	"  -c, --channels N       default: all there are\n"
	"  -r, --rate HZ          default 48000\n"
	"  -f, --format FORMAT    S16_LE, S24_LE, S24_3LE, S32_LE; default: "
	"the\n"
	"                         widest\n"
	"  -d, --duration SECONDS default: until interrupted (Ctrl-C)\n"
	"  -o, --output FOLDER    where Takebox/SESSION/TAKE is made; default "
	".\n"
	"      --tape SECONDS     length of the tape in memory\n"
	"      --level N          FLAC level, 0 to 8; default 5\n"
	"      --period FRAMES, --buffer FRAMES\n"
	"      --session NAME, --name NAME\n"
	"      --sync SECONDS     default 1\n"
	"      --encoders N       default: cores less one\n"
	"      --set KEY=VALUE    any key of takebox.conf(5)\n"
	"      --json             print the summary as JSON\n";

enum {
	OPTION_TAPE = OPTION_OWN,
	OPTION_LEVEL,
	OPTION_PERIOD,
	OPTION_BUFFER,
	OPTION_SESSION,
	OPTION_NAME,
	OPTION_SYNC,
	OPTION_ENCODERS,
	OPTION_SET,
};

struct run {
	struct options options;
	struct config config;
	double seconds; /* 0: until interrupted */
	char name[CONFIG_NAME_MAX];
	struct tape_client client;
	struct take *take;
	struct recording_job job;
	int signals;
	int64_t absent_since;
};

/* ---- the command line ---- */

static int set(struct run *run, char **argv, const char *key, const char *value)
{
	char error[256];

	if (config_set(&run->config, key, value, error, sizeof(error)) < 0)
		return options_wrong(argv, "%s", error);
	return -1;
}

static int set_pair(struct run *run, char **argv, char *pair)
{
	char *equals = strchr(pair, '=');

	if (!equals)
		return options_wrong(argv, "--set takes KEY=VALUE, not '%s'",
				     pair);
	*equals = '\0';
	return set(run, argv, pair, equals + 1);
}

static int set_duration(struct run *run, char **argv, const char *text)
{
	if (options_number(text, 0.001, 1e7, &run->seconds) < 0)
		return options_wrong(argv, "'%s' is no duration in seconds",
				     text);
	return -1;
}

static int set_folder(struct run *run, char **argv, const char *text)
{
	char path[PATH_MAX];

	/* The configuration wants an absolute path. */
	if (text[0] == '/')
		return set(run, argv, "record.folder", text);
	if (!getcwd(path, sizeof(path)) ||
	    strlen(path) + strlen(text) + 2 > sizeof(path))
		return options_wrong(argv, "'%s': the path is too long", text);
	strcat(path, "/");
	strcat(path, text);
	return set(run, argv, "record.folder", path);
}

static int set_name(struct run *run, char **argv, const char *text)
{
	if (snprintf(run->name, sizeof(run->name), "%s", text) >=
	    (int)sizeof(run->name))
		return options_wrong(argv, "the name is too long");
	return -1;
}

static int read_option(struct run *run, int letter, char **argv)
{
	static const struct {
		int letter;
		const char *key;
	} keys[] = {
		{'D', "interface.device"},
		{'c', "interface.channels"},
		{'r', "interface.rate"},
		{'f', "interface.format"},
		{OPTION_TAPE, "tape.seconds"},
		{OPTION_LEVEL, "record.level"},
		{OPTION_PERIOD, "interface.period"},
		{OPTION_BUFFER, "interface.buffer"},
		{OPTION_SESSION, "session.name"},
		{OPTION_SYNC, "record.sync"},
		{OPTION_ENCODERS, "record.encoders"},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (keys[i].letter == letter)
			return set(run, argv, keys[i].key, optarg);
	switch (letter) {
	case 'd':
		return set_duration(run, argv, optarg);
	case 'o':
		return set_folder(run, argv, optarg);
	case OPTION_NAME:
		return set_name(run, argv, optarg);
	case OPTION_SET:
		return set_pair(run, argv, optarg);
	default:
		return options_common(&run->options, letter, argv);
	}
}

static int read_options(struct run *run, int argc, char **argv)
{
	static const struct option table[] = {
		{"device", required_argument, NULL, 'D'},
		{"channels", required_argument, NULL, 'c'},
		{"rate", required_argument, NULL, 'r'},
		{"format", required_argument, NULL, 'f'},
		{"duration", required_argument, NULL, 'd'},
		{"output", required_argument, NULL, 'o'},
		{"tape", required_argument, NULL, OPTION_TAPE},
		{"level", required_argument, NULL, OPTION_LEVEL},
		{"period", required_argument, NULL, OPTION_PERIOD},
		{"buffer", required_argument, NULL, OPTION_BUFFER},
		{"session", required_argument, NULL, OPTION_SESSION},
		{"name", required_argument, NULL, OPTION_NAME},
		{"sync", required_argument, NULL, OPTION_SYNC},
		{"encoders", required_argument, NULL, OPTION_ENCODERS},
		{"set", required_argument, NULL, OPTION_SET},
		OPTIONS_COMMON,
	};
	int letter, code;

	while ((letter = getopt_long(argc, argv, "D:c:r:f:d:o:", table,
				     NULL)) >= 0) {
		code = read_option(run, letter, argv);
		if (code >= 0)
			return code;
	}
	if (optind < argc)
		return options_wrong(argv, "'%s' is too much", argv[optind]);
	return -1;
}

/* ---- recording ---- */

static int fail(const struct run *run, enum takebox_exit code,
		const char *message)
{
	json_t *object = json_pack("{sb ss ss}", "ok", 0, "error",
				   client_cause(code), "message", message);

	if (run->options.json)
		options_print_json(object);
	json_decref(object);
	fprintf(stderr, "takebox run: %s\n", message);
	return code;
}

static uint64_t frames_wanted(const struct run *run)
{
	return (uint64_t)(run->seconds * run->config.rate + 0.5);
}

/* No longer than the take can need, whatever was asked for: the tape ends with
 * the take, and memory costs time. */
static double tape_seconds(const struct run *run)
{
	double asked = run->config.tape_seconds > 0 ? run->config.tape_seconds
						    : TAPE_USUAL_SECONDS;
	double needed = run->seconds + TAPE_SPARE_SECONDS;

	return run->seconds > 0 && needed < asked ? needed : asked;
}

static int open_tape(struct run *run)
{
	struct tape_request request;
	char program[PATH_MAX];
	int error;

	tape_client_describe(&request, &run->config);
	request.tape_seconds = tape_seconds(run);
	request.limit = frames_wanted(run);
	error = tape_client_beside(program, sizeof(program), "takebox-tape");
	if (error == 0)
		error = tape_client_start(&run->client, program);
	if (error == 0)
		error = tape_client_request(&run->client, &request);
	if (error < 0)
		return fail(run, EXIT_FAILED,
			    "the program takebox-tape is not beside takebox "
			    "or cannot be started");
	if (tape_client_receive(&run->client) < 0)
		return fail(run, EXIT_NO_INTERFACE,
			    run->client.message[0]
				    ? run->client.message
				    : "takebox-tape died while it opened the "
				      "interface");
	return -1;
}

static int start_take(struct run *run)
{
	struct config_track tracks[CONFIG_CHANNELS_MAX];
	const struct tape *tape = &run->client.tape;
	struct recording recording = {
		.folder = run->config.folder,
		.session = run->config.session,
		.name = run->name,
		.artist = run->config.artist,
		.tracks = tracks,
		.stop = run->seconds > 0 ? frames_wanted(run) : TAKE_FOREVER,
		.level = run->config.level,
		.workers = run->config.encoders,
		.sync_seconds = run->config.sync_seconds,
		.max_file_bytes = run->config.max_file_bytes,
	};

	recording.track_count =
		recording_tracks(tracks, &run->config, tape->facts->channels);
	if (recording_begin(&run->take, tape, &recording, &run->job) < 0)
		return fail(run, EXIT_MEDIUM, run->job.error);
	return -1;
}

/* An interface that went away for good must not keep a script waiting. */
static bool gave_up(struct run *run)
{
	int64_t now = clock_now_ns();

	if (tape_state(&run->client.tape) != TAPE_ABSENT) {
		run->absent_since = 0;
		return false;
	}
	if (run->absent_since == 0)
		run->absent_since = now;
	return now - run->absent_since > ABSENT_NS;
}

static bool interrupted(struct run *run)
{
	struct signalfd_siginfo info;

	return read(run->signals, &info, sizeof(info)) > 0;
}

static void wait_for_end(struct run *run, struct take_status *status)
{
	bool died = false;

	for (;;) {
		struct pollfd fds[] = {
			{take_fd(run->take), POLLIN, 0},
			{run->signals, POLLIN, 0},
			/* POLLHUP: it died; to be told once is enough */
			{died ? -1 : run->client.socket, 0, 0},
		};
		uint64_t count;
		const char *reason = NULL;

		poll(fds, 3, POLL_MS);
		if (read(take_fd(run->take), &count, sizeof(count)) < 0 &&
		    errno != EAGAIN)
			return;
		take_get_status(run->take, status);
		if (status->state == TAKE_DONE || status->state == TAKE_FAILED)
			return;
		if (interrupted(run)) {
			reason = "interrupted";
		} else if (fds[2].revents & POLLHUP) {
			died = true;
			reason = "the tape's process died";
		} else if (gave_up(run)) {
			reason = "interface gone";
		}
		if (reason)
			take_stop(run->take, tape_published(&run->client.tape),
				  reason);
	}
}

static int report(struct run *run, const struct take_status *status)
{
	const struct take_info *info = take_result(run->take);
	json_t *take =
		summary_of_take(info, run->job.place.folder, status->bytes);
	struct view_take view;
	int code;

	if (!take)
		return EXIT_FAILED;
	view_take(take, &view);
	if (run->options.json)
		options_print_json(take);
	else
		show_take(&view);
	code = show_verdict_code(&view);
	json_decref(take);
	if (status->state == TAKE_FAILED)
		return EXIT_MEDIUM;
	return run->seconds > 0 && info->frames < frames_wanted(run) &&
			       strcmp(info->reason, "interrupted") != 0
		       ? EXIT_NO_INTERFACE
		       : code;
}

static int watch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int record(struct run *run)
{
	struct take_status status;
	int code;

	code = open_tape(run);
	if (code < 0)
		code = start_take(run);
	if (code >= 0)
		return code;
	wait_for_end(run, &status);
	if (!status.prepared)
		return fail(run, EXIT_MEDIUM, run->job.error);
	return report(run, &status);
}

int command_run(int argc, char **argv)
{
	struct run *run = calloc(1, sizeof(*run));
	int code;

	if (!run)
		return EXIT_FAILED;
	run->options.help = help;
	config_defaults(&run->config);
	tape_client_init(&run->client);
	log_init("takebox", LOG_LEVEL_WARNING);
	code = set_folder(run, argv, ".");
	if (code < 0)
		code = read_options(run, argc, argv);
	if (code < 0) {
		run->signals = watch_signals();
		code = record(run);
		take_destroy(run->take);
		tape_client_close(&run->client);
		close(run->signals);
	}
	free(run);
	return code;
}
