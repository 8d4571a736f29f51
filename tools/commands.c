/*
 * commands: one request each, its answer in words.
 *
 * Every command reads as: options, request, ask, show. With --json the answer
 * is the recorder's own and has been printed by options_ask.
 */
#include "tools/commands.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/exit_codes.h"
#include "tools/client.h"
#include "tools/options.h"
#include "tools/show.h"
#include "tools/text.h"
#include "tools/track_list.h"

#define COMMON_HELP                                                            \
	"  --json         print the recorder's answer as one line of JSON\n"   \
	"  --socket PATH  the recorder's control socket\n"                     \
	"  --help, --version\n"

/* For requests whose reply says more than "ok" only with --json. */
static json_t *reply_part(const json_t *reply, const char *key)
{
	return json_object_get(reply, key);
}

static const char *reply_text(const json_t *object, const char *key,
			      char out[VIEW_TEXT])
{
	const char *text = json_string_value(json_object_get(object, key));

	return text_copy(out, VIEW_TEXT, text ? text : "");
}

static json_t *request_new(const char *command)
{
	return json_pack("{s:s}", "cmd", command);
}

/* Puts a user's text into a request. -EINVAL: it is not UTF-8. */
static int set_text(json_t *request, const char *key, const char *text)
{
	return json_object_set_new(request, key, json_string(text)) == 0
		       ? 0
		       : -EINVAL;
}

static int not_utf8(char **argv, json_t *request)
{
	json_decref(request);
	return options_wrong(argv, "the name is not valid UTF-8");
}

int command_status(int argc, char **argv)
{
	struct options options = {
		.help = "takebox status: what the recorder is doing\n\n"
			"usage: takebox status [--json]\n\n" COMMON_HELP};
	int code = options_read(&options, argc, argv);
	struct view_status status;
	json_t *reply;

	if (code >= 0)
		return code;
	if (optind < argc)
		return options_wrong(argv, "it takes no argument");
	code = options_ask(&options, argv, request_new("status"), &reply);
	if (code == EXIT_OK && !options.json) {
		view_status(reply_part(reply, "status"), &status);
		show_status(&status);
	}
	json_decref(reply);
	return code;
}

/* A new take's name and how far in the past it begins, by the option and the
 * request's key that such a number has. */
static int read_start(struct options *options, json_t *request,
		      const char *number, int argc, char **argv)
{
	const struct option longs[] = {
		{"name", required_argument, NULL, 'n'},
		{number, required_argument, NULL, number[0]},
		OPTIONS_COMMON};
	const char shorts[] = {'n', ':', number[0], ':', '\0'};
	double seconds;
	int letter, code;

	while ((letter = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		switch (letter) {
		case 'n':
			if (set_text(request, "name", optarg) < 0)
				return options_wrong(
					argv, "the name is not valid UTF-8");
			break;
		case 'p':
		case 's':
			if (options_number(optarg, 0, 86400, &seconds) < 0)
				return options_wrong(
					argv, "--%s needs seconds, not \"%s\"",
					number, optarg);
			json_object_set_new(request, number,
					    json_real(seconds));
			break;
		default:
			code = options_common(options, letter, argv);
			if (code >= 0)
				return code;
		}
	}
	if (optind < argc)
		return options_wrong(argv, "\"%s\": a name needs --name",
				     argv[optind]);
	return -1;
}

struct new_take {
	char name[VIEW_TEXT], folder[VIEW_TEXT]; /* "": nothing to be said */
};

/* A request with a length of time in it (key), answered with a take. */
static int begin(struct options *options, const char *command, const char *key,
		 int argc, char **argv, struct new_take *take)
{
	json_t *request = request_new(command), *reply, *told;
	int code = read_start(options, request, key, argc, argv);

	*take = (struct new_take){.name = ""};
	if (code >= 0) {
		json_decref(request);
		return code;
	}
	code = options_ask(options, argv, request, &reply);
	if (code == EXIT_OK && !options->json) {
		told = reply_part(reply, "take");
		reply_text(told, "name", take->name);
		reply_text(told, "folder", take->folder);
	}
	json_decref(reply);
	return code;
}

int command_record(int argc, char **argv)
{
	struct options options = {
		.help = "takebox record: start a take\n\n"
			"usage: takebox record [--name NAME] "
			"[--preroll SECONDS]\n\n"
			"  -n, --name NAME        the take's name\n"
			"  -p, --preroll SECONDS  how far in the past it "
			"starts\n" COMMON_HELP};
	struct new_take take;
	int code = begin(&options, "record", "preroll", argc, argv, &take);

	if (take.name[0])
		printf("recording %s in %s\n", take.name, take.folder);
	return code;
}

int command_keep(int argc, char **argv)
{
	struct options options = {
		.help = "takebox keep: make a take of what was played before "
			"now\n\n"
			"usage: takebox keep [--name NAME] "
			"[--seconds SECONDS]\n\n"
			"  -n, --name NAME        the take's name\n"
			"  -s, --seconds SECONDS  how far back; else all that "
			"the tape holds\n" COMMON_HELP};
	struct new_take take;
	int code = begin(&options, "keep", "seconds", argc, argv, &take);

	if (take.name[0])
		printf("keeping it in %s: %s\n", take.name, take.folder);
	return code;
}

int command_stop(int argc, char **argv)
{
	struct options options = {
		.help = "takebox stop: end the take and print its summary\n\n"
			"usage: takebox stop [--json]\n\n" COMMON_HELP
			"\nThe exit code is 7 if the take has gaps.\n"};
	int code = options_read(&options, argc, argv);
	struct view_take take;
	json_t *reply;

	if (code >= 0)
		return code;
	if (optind < argc)
		return options_wrong(argv, "it takes no argument");
	code = options_ask(&options, argv, request_new("stop"), &reply);
	if (code != EXIT_OK)
		return code;
	view_take(reply_part(reply, "take"), &take);
	if (!options.json && take.name[0])
		show_take(&take);
	else if (!options.json)
		puts("stopped: what waits for a medium ends here, and nothing "
		     "goes on by itself");
	json_decref(reply);
	return show_verdict_code(&take);
}

int command_mark(int argc, char **argv)
{
	struct options options = {
		.help = "takebox mark: set a marker in the running take\n\n"
			"usage: takebox mark [NAME]\n\n" COMMON_HELP};
	int code = options_read(&options, argc, argv);
	json_t *request, *reply;

	if (code >= 0)
		return code;
	if (argc - optind > 1)
		return options_wrong(argv, "a name of several words needs "
					   "quotes");
	request = request_new("mark");
	if (optind < argc && set_text(request, "name", argv[optind]) < 0)
		return not_utf8(argv, request);
	code = options_ask(&options, argv, request, &reply);
	if (code == EXIT_OK && !options.json)
		printf("marker at frame %lld\n",
		       (long long)json_integer_value(
			       reply_part(reply, "position")));
	json_decref(reply);
	return code;
}

static json_t *list_to_json(const struct track_list *list)
{
	json_t *numbers;

	if (list->all)
		return json_string("all");
	numbers = json_array();
	for (int i = 1; i <= TRACK_LIST_MAX; i++) {
		if (list->chosen[i])
			json_array_append_new(numbers, json_integer(i));
	}
	return numbers;
}

static int arm_or_disarm(const char *command, const char *help, int argc,
			 char **argv)
{
	struct options options = {.help = help};
	int code = options_read(&options, argc, argv);
	struct track_list list = {0};
	struct view_status tracks = {0};
	json_t *request, *reply;

	if (code >= 0)
		return code;
	if (optind == argc)
		return options_wrong(argv, "which tracks? such as 1 2 5-8, or "
					   "all");
	for (int i = optind; i < argc; i++) {
		if (track_list_add(&list, argv[i]) < 0)
			return options_wrong(argv,
					     "\"%s\" is no track from 1 to %d, "
					     "no range and not \"all\"",
					     argv[i], TRACK_LIST_MAX);
	}
	request = request_new(command);
	json_object_set_new(request, "tracks", list_to_json(&list));
	code = options_ask(&options, argv, request, &reply);
	if (code == EXIT_OK && !options.json) {
		view_tracks(reply_part(reply, "tracks"), &tracks);
		fputs("armed: ", stdout);
		show_armed(&tracks);
	}
	json_decref(reply);
	return code;
}

int command_arm(int argc, char **argv)
{
	return arm_or_disarm(
		"arm",
		"takebox arm: choose the tracks to record\n\n"
		"usage: takebox arm TRACK...|all\n"
		"       such as: takebox arm 1 2 5-8\n\n" COMMON_HELP,
		argc, argv);
}

int command_disarm(int argc, char **argv)
{
	return arm_or_disarm(
		"disarm",
		"takebox disarm: leave tracks out\n\n"
		"usage: takebox disarm TRACK...|all\n\n" COMMON_HELP,
		argc, argv);
}

int command_name(int argc, char **argv)
{
	struct options options = {
		.help = "takebox name: name a track\n\n"
			"usage: takebox name TRACK NAME\n\n" COMMON_HELP};
	int code = options_read(&options, argc, argv);
	double number;
	json_t *request, *reply;

	if (code >= 0)
		return code;
	if (argc - optind != 2)
		return options_wrong(argv, "it takes a track's number and its "
					   "name");
	if (options_number(argv[optind], 1, TRACK_LIST_MAX, &number) < 0 ||
	    number != floor(number))
		return options_wrong(argv, "\"%s\" is no track from 1 to %d",
				     argv[optind], TRACK_LIST_MAX);
	request = request_new("name");
	json_object_set_new(request, "track", json_integer((int)number));
	if (set_text(request, "name", argv[optind + 1]) < 0)
		return not_utf8(argv, request);
	code = options_ask(&options, argv, request, &reply);
	if (code == EXIT_OK && !options.json) {
		struct view_status tracks = {0};

		view_tracks(reply_part(reply, "tracks"), &tracks);
		for (int i = 0; i < tracks.track_count; i++) {
			if (tracks.tracks[i].number == (int)number)
				printf("track %d is %s\n", (int)number,
				       tracks.tracks[i].name);
		}
	}
	json_decref(reply);
	return code;
}

int command_session(int argc, char **argv)
{
	struct options options = {
		.help = "takebox session: print the session's name, or set "
			"it\n\n"
			"usage: takebox session [NAME]\n\n" COMMON_HELP};
	int code = options_read(&options, argc, argv);
	bool set = optind < argc;
	char name[VIEW_TEXT];
	json_t *request, *reply;

	if (code >= 0)
		return code;
	if (argc - optind > 1)
		return options_wrong(argv, "a name of several words needs "
					   "quotes");
	request = request_new(set ? "session" : "status");
	if (set && set_text(request, "name", argv[optind]) < 0)
		return not_utf8(argv, request);
	code = options_ask(&options, argv, request, &reply);
	if (code == EXIT_OK && !options.json)
		puts(reply_text(set ? reply : reply_part(reply, "status"),
				"session", name));
	json_decref(reply);
	return code;
}

int command_takes(int argc, char **argv)
{
	static const struct option longs[] = {
		{"session", required_argument, NULL, 's'}, OPTIONS_COMMON};
	struct options options = {
		.help = "takebox takes: list the takes on the medium\n\n"
			"usage: takebox takes [--session NAME]\n\n"
			"  -s, --session NAME  only those of one "
			"session\n" COMMON_HELP};
	json_t *request = request_new("takes"), *reply;
	int letter, code = -1;

	while (code < 0 &&
	       (letter = getopt_long(argc, argv, "s:", longs, NULL)) != -1) {
		if (letter != 's')
			code = options_common(&options, letter, argv);
		else if (set_text(request, "session", optarg) < 0)
			code = options_wrong(argv,
					     "the name is not valid UTF-8");
	}
	if (code < 0 && optind < argc)
		code = options_wrong(argv, "\"%s\": a session needs --session",
				     argv[optind]);
	if (code >= 0) {
		json_decref(request);
		return code;
	}
	code = options_ask(&options, argv, request, &reply);
	if (code == EXIT_OK && !options.json)
		show_takes(reply_part(reply, "takes"));
	json_decref(reply);
	return code;
}
