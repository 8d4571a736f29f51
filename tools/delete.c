/* takebox delete: takes taken off their medium, by name and on purpose. */
#include "take/delete.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/text.h"

static const char help[] =
	"usage: takebox delete [--yes] [--json] TAKE...\n\n"
	"Deletes takes: the folders that are named, and nothing else. Asks for "
	"each one\n"
	"first; without a terminal --yes is needed. Files in them that are not "
	"Takebox's\n"
	"stay. The number of a deleted take is not given again. A take that is "
	"being\n"
	"recorded cannot be deleted.\n"
	"Exits 0 if all are gone, 4 if one was not to be deleted, 6 if a "
	"medium "
	"refused,\n"
	"10 if there is no such take.\n";

enum { OPTION_YES = 0x200 };

struct deletion {
	bool yes;
	json_t *takes;
	int code;
};

static void worsen(struct deletion *deletion, int code)
{
	if (code > deletion->code)
		deletion->code = code;
}

/* Only the word counts: an Enter too many deletes nothing. */
static bool confirmed(const char *folder)
{
	char line[16] = "";

	printf("delete %s for good? yes/no: ", folder);
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) && strcmp(line, "yes\n") == 0;
}

static const char *words_for(int error)
{
	switch (error) {
	case -EBUSY:
		return "it is being recorded, made whole, or copied to a "
		       "mirror: stop that first";
	case -EINVAL:
		return "it is no take; nothing was touched";
	case -ENOENT:
		return "there is no such take";
	default:
		return strerror(-error);
	}
}

static int code_of(int error)
{
	switch (error) {
	case -EBUSY:
		return EXIT_REFUSED;
	case -EINVAL:
	case -ENOENT:
		return EXIT_NOT_FOUND;
	default:
		return EXIT_MEDIUM;
	}
}

static void delete_one(struct deletion *deletion, const char *folder, bool json)
{
	struct delete_report report = {0};
	char size[32];
	int error;

	if (!deletion->yes && !confirmed(folder)) {
		fprintf(stderr, "takebox delete: %s: kept\n", folder);
		worsen(deletion, EXIT_REFUSED);
		return;
	}
	error = delete_take(folder, &report);
	json_array_append_new(deletion->takes,
			      json_pack("{ss sb si si sI ss}", "folder", folder,
					"deleted", (int)(error == 0), "files",
					(int)report.files, "foreign",
					(int)report.foreign, "bytes",
					(json_int_t)report.bytes, "error",
					error < 0 ? words_for(error) : ""));
	if (error < 0) {
		fprintf(stderr, "takebox delete: %s: %s\n", folder,
			words_for(error));
		worsen(deletion, code_of(error));
		return;
	}
	if (json)
		return;
	printf("%s: deleted, %u files, %s", folder, report.files,
	       text_bytes(size, sizeof(size), (double)report.bytes));
	if (report.foreign)
		printf("; %u files that are not Takebox's stay there",
		       report.foreign);
	putchar('\n');
}

int command_delete(int argc, char **argv)
{
	static const struct option longs[] = {
		{"yes", no_argument, NULL, OPTION_YES},
		OPTIONS_COMMON,
	};
	struct options options = {.help = help};
	struct deletion deletion = {0};
	json_t *reply;
	int letter;

	while ((letter = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		int code = -1;

		if (letter == OPTION_YES)
			deletion.yes = true;
		else
			code = options_common(&options, letter, argv);
		if (code >= 0)
			return code;
	}
	if (optind == argc)
		return options_wrong(argv, "which take? name its folder");
	if (!deletion.yes && !isatty(STDIN_FILENO)) {
		fputs("takebox delete: nobody can be asked here; --yes says "
		      "that it is meant\n",
		      stderr);
		return EXIT_REFUSED;
	}
	deletion.takes = json_array();
	for (int i = optind; i < argc; i++)
		delete_one(&deletion, argv[i], options.json);
	reply = json_pack("{sb so}", "ok", (int)(deletion.code == EXIT_OK),
			  "takes", deletion.takes);
	if (options.json)
		options_print_json(reply);
	json_decref(reply);
	return deletion.code;
}
