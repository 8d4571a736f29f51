/* takebox mirror: a second medium brought up to date. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/exit_codes.h"
#include "take/fill.h"
#include "tools/commands.h"
#include "tools/options.h"

static const char help[] =
	"usage: takebox mirror [--json] FROM TO\n\n"
	"Copies every finished take of the medium FROM that the medium TO has "
	"not, or has\n"
	"less of, under the same name, and reads it again to compare. Nothing "
	"else on TO\n"
	"is touched. The recorder does the same by itself with record.mirror "
	"when no take\n"
	"runs.\n"
	"Exits 0 if TO has all of them, 6 if a medium refused.\n";

struct report {
	json_t *takes;
	bool json;
};

static void on_take(void *context, const struct fill_take *take)
{
	static const char *const word[] = {
		[FILL_THERE] = "there",
		[FILL_COPIED] = "copied and compared",
		[FILL_OTHER] = "another take, or other parts of it, is there; "
			       "left alone",
		[FILL_DELETED] = "was deleted there; left alone",
		[FILL_LEFT] = "left out",
		[FILL_BUSY] = "is being recorded or copied; left alone",
		[FILL_LARGE] =
			"not copied: it has files of 4 GiB or more, which no "
			"FAT32 medium can hold; one with exFAT or ext4 can",
		[FILL_FAILED] = "failed",
	};
	struct report *report = context;
	const char *error = take->error == -EBADMSG
				    ? "it reads other than it was written"
			    : take->error == -ENODATA
				    ? "files of it are missing: see takebox "
				      "verify"
			    : take->error < 0 ? strerror(-take->error)
					      : "";

	json_array_append_new(report->takes,
			      json_pack("{ss ss ss ss}", "session",
					take->session, "take", take->take,
					"result", word[take->result], "error",
					error));
	if (!report->json)
		printf("%s/%s: %s%s%s\n", take->session, take->take,
		       word[take->result], error[0] ? ": " : "", error);
}

int command_mirror(int argc, char **argv)
{
	struct options options = {.help = help};
	struct report report = {0};
	json_t *reply;
	int result, code = options_read(&options, argc, argv);

	if (code >= 0)
		return code;
	if (optind != argc - 2)
		return options_wrong(argv, "from which medium to which?");
	report.json = options.json;
	report.takes = json_array();
	result = fill_mirror(argv[optind], argv[optind + 1], 0, NULL, on_take,
			     &report);
	if (result < 0)
		fprintf(stderr, "takebox mirror: %s\n", strerror(-result));
	reply = json_pack("{sb so}", "ok", (int)(result == 0), "takes",
			  report.takes);
	if (options.json)
		options_print_json(reply);
	json_decref(reply);
	return result == 0 ? EXIT_OK : EXIT_MEDIUM;
}
