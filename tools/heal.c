/* takebox heal: interrupted takes made whole, without recorder or tape. */
#include "take/heal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/exit_codes.h"
#include "base/log.h"
#include "take/media.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "transport/tape_client.h"

static const char help[] =
	"usage: takebox heal [--json] [--tape SOCKET] [FOLDER|TAKE...]\n\n"
	"Makes every interrupted take whole: each track a correct FLAC file "
	"with its\n"
	"length, MD5, tags and seek table, all of one length. FOLDER is a "
	"medium, a\n"
	"session or a take; without any, the recorder's own folder. Finished "
	"takes, takes\n"
	"that are being recorded or can be gone on with from the tape, and all "
	"other\n"
	"files stay as they are. Which tape runs is asked of takebox-tape, at "
	"SOCKET or\n"
	"where the configuration says. The recorder does the same by itself at "
	"every\n"
	"start.\n"
	"Exits 0 if nothing is left to heal, 6 if a medium refused, 8 if a "
	"take could\n"
	"not be healed, 10 if there is no such folder.\n";

struct report {
	json_t *takes;
	const char *tape; /* that runs; NULL: none does */
	bool json;
	unsigned healed, running;
	int code;
};

static void worsen(struct report *report, int code)
{
	if (code > report->code)
		report->code = code;
}

static int code_of(int error)
{
	switch (error) {
	case -EROFS:
	case -ENOSPC:
	case -EIO:
	case -EACCES:
		return EXIT_MEDIUM;
	default:
		return EXIT_DAMAGED;
	}
}

static void on_take(void *context, const struct heal_report *heal)
{
	struct report *report = context;
	bool held = heal->error == -EAGAIN;
	bool busy = heal->error == -EBUSY || held;

	json_array_append_new(
		report->takes,
		json_pack("{ss sb sI sf ss ss}", "folder", heal->folder,
			  "healed", (int)(heal->error == 0), "frames",
			  (json_int_t)heal->frames, "seconds", heal->seconds,
			  "verdict", heal->verdict, "error",
			  heal->error < 0 ? strerror(-heal->error) : ""));
	report->healed += heal->error == 0;
	report->running += busy;
	if (heal->error < 0 && !busy)
		worsen(report, code_of(heal->error));
	if (report->json)
		return;
	if (heal->error == 0)
		printf("%s: healed; it ends at %.3f s: %s\n", heal->folder,
		       heal->seconds, heal->verdict);
	else if (held)
		printf("%s: the tape that runs has the rest of it: takeboxd "
		       "goes on with it; left alone\n",
		       heal->folder);
	else if (busy)
		printf("%s: is being recorded; left alone\n", heal->folder);
	else
		fprintf(stderr,
			"takebox heal: %s cannot be healed: %s; what is on "
			"the medium was left as it is\n",
			heal->folder, strerror(-heal->error));
}

static void heal_one(struct report *report, const char *folder)
{
	int error = heal_folder(folder, &storage_posix, report->tape, on_take,
				report);

	if (error >= 0)
		return;
	fprintf(stderr, "takebox heal: %s: %s\n", folder, strerror(-error));
	worsen(report, EXIT_NOT_FOUND);
}

static void heal_media(struct report *report)
{
	char path[CONFIG_PATH_MAX];
	struct media media;

	media_list(&media);
	for (unsigned i = 0; i < media.count; i++) {
		media_path(path, sizeof(path), &media.medium[i]);
		heal_one(report, path);
	}
	heal_one(report, MEDIA_HOME);
}

/* The folder of the configuration that the recorder reads. */
static void heal_own(struct report *report, const struct config *config)
{
	if (strcmp(config->folder, MEDIA_AUTO) == 0)
		heal_media(report);
	else
		heal_one(report, config->folder);
}

/* A take that was torn from its writer is not lost while its tape runs. What
 * cannot be asked may have one: then nothing is touched. */
static int ask_tape(struct report *report, const char *socket)
{
	static char name[TAPE_NAME_SIZE];
	int error = tape_client_ask(socket, name);

	if (error == 0)
		report->tape = name;
	if (error == 0 || error == -ENOENT)
		return EXIT_OK;
	fprintf(stderr,
		"takebox heal: takebox-tape at %s does not say which tape it "
		"has (%s): a take that it could still complete might be cut "
		"off, so nothing was healed; %s\n",
		socket, strerror(-error),
		error == -EACCES ? "try it as root, or as a user of the group "
				   "audio"
				 : "try again, or stop takebox-tape first");
	return EXIT_FAILED;
}

static int read_arguments(struct options *options, const char **socket,
			  int argc, char **argv)
{
	static const struct option longs[] = {
		{"tape", required_argument, NULL, OPTION_OWN}, OPTIONS_COMMON};
	int letter;

	while ((letter = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		int code = -1;

		if (letter == OPTION_OWN)
			*socket = optarg;
		else
			code = options_common(options, letter, argv);
		if (code >= 0)
			return code;
	}
	return -1;
}

static int heal_all(struct report *report, const char *socket, int argc,
		    char **argv)
{
	static struct config config;
	char error[512];
	int code;

	if ((optind == argc || !socket) &&
	    config_load(&config, NULL, error, sizeof(error)) < 0) {
		fprintf(stderr, "takebox heal: %s\n", error);
		return EXIT_CONFIG;
	}
	code = ask_tape(report, socket ? socket : config.tape_socket);
	if (code != EXIT_OK)
		return code;
	if (optind == argc)
		heal_own(report, &config);
	for (int i = optind; i < argc; i++)
		heal_one(report, argv[i]);
	return EXIT_OK;
}

int command_heal(int argc, char **argv)
{
	struct options options = {.help = help};
	struct report report = {0};
	const char *socket = NULL;
	json_t *reply;
	int code = read_arguments(&options, &socket, argc, argv);

	if (code >= 0)
		return code;
	log_init("takebox", LOG_LEVEL_ERROR); /* what is told here is enough */
	report.json = options.json;
	report.takes = json_array();
	worsen(&report, heal_all(&report, socket, argc, argv));
	if (!report.json && json_array_size(report.takes) == 0 &&
	    report.code == EXIT_OK)
		puts("nothing to heal");
	reply = json_pack("{sb so}", "ok", (int)(report.code == EXIT_OK),
			  "takes", report.takes);
	if (options.json)
		options_print_json(reply);
	json_decref(reply);
	return report.code;
}
