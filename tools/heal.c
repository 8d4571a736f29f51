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

static const char help[] =
	"usage: takebox heal [--json] [FOLDER|TAKE...]\n\n"
	"Makes every interrupted take whole: each track a correct FLAC file "
	"with its\n"
	"length, MD5, tags and seek table, all of one length. FOLDER is a "
	"medium, a\n"
	"session or a take; without any, the recorder's own folder. Finished "
	"takes, takes\n"
	"that are being recorded, and all other files stay as they are. The "
	"recorder does\n"
	"the same by itself at every start.\n"
	"Exits 0 if nothing is left to heal, 6 if a medium refused, 8 if a "
	"take could\n"
	"not be healed, 10 if there is no such folder.\n";

struct report {
	json_t *takes;
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
	bool busy = heal->error == -EBUSY;

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
	int error = heal_folder(folder, &storage_posix, NULL, on_take, report);

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
static int heal_own(struct report *report)
{
	static struct config config;
	char error[512];

	if (config_load(&config, NULL, error, sizeof(error)) < 0) {
		fprintf(stderr, "takebox heal: %s\n", error);
		return EXIT_CONFIG;
	}
	if (strcmp(config.folder, MEDIA_AUTO) == 0)
		heal_media(report);
	else
		heal_one(report, config.folder);
	return EXIT_OK;
}

int command_heal(int argc, char **argv)
{
	struct options options = {.help = help};
	struct report report = {0};
	json_t *reply;
	int code = options_read(&options, argc, argv);

	if (code >= 0)
		return code;
	log_init("takebox", LOG_LEVEL_ERROR); /* what is told here is enough */
	report.json = options.json;
	report.takes = json_array();
	if (optind == argc)
		worsen(&report, heal_own(&report));
	for (int i = optind; i < argc; i++)
		heal_one(&report, argv[i]);
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
