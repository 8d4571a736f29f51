/* takebox verify: takes on a medium held against their ledgers. */
#include "take/verify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/exit_codes.h"
#include "tools/commands.h"
#include "tools/options.h"

static const char help[] =
	"usage: takebox verify [--json] TAKE...\n\n"
	"Decodes every track of the takes (folders) and checks MD5, frame "
	"CRCs,\n"
	"equal lengths and the ledger. Says sample-complete, or what is "
	"missing.\n"
	"Exits 0 if all are sample-complete, 7 if one has gaps, 8 if one is\n"
	"damaged or not finished, 10 if one is no take.\n";

struct report {
	json_t *files, *problems;
	bool json;
};

static void on_file(void *context, const struct take_track *track,
		    const char *file, const struct flac_check *check,
		    const char *problem)
{
	struct report *report = context;

	if (!track) {
		json_array_append_new(report->problems, json_string(problem));
		if (!report->json)
			printf("  %s\n", problem);
		return;
	}
	json_array_append_new(
		report->files,
		json_pack("{ss si ss sI sb ss}", "file", file, "track",
			  (int)track->number, "name", track->name, "frames",
			  (json_int_t)check->samples, "ok",
			  (int)(problem[0] == '\0'), "problem", problem));
	if (!report->json)
		printf("  %-28s %12llu frames  %s\n", file,
		       (unsigned long long)check->samples,
		       problem[0]	  ? problem
		       : check->md5_known ? "MD5 right"
					  : "unfinished");
}

static void show_gaps(const struct take_info *info)
{
	size_t index;
	json_t *gap;

	json_array_foreach(info->gaps, index, gap)
	{
		json_int_t at = json_integer_value(json_object_get(gap, "at"));
		json_int_t frames =
			json_integer_value(json_object_get(gap, "frames"));

		printf("  gap at %.4f s (frame %lld): %lld frames, %.1f ms, "
		       "%s\n",
		       (double)at / info->rate, (long long)at,
		       (long long)frames, 1000.0 * (double)frames / info->rate,
		       json_string_value(json_object_get(gap, "cause")));
	}
}

static int code_of(enum verify_verdict verdict)
{
	switch (verdict) {
	case VERIFY_COMPLETE:
		return EXIT_OK;
	case VERIFY_GAPS:
		return EXIT_GAPS;
	default:
		return EXIT_DAMAGED;
	}
}

static json_t *to_json(const char *folder, const struct verify_result *result,
		       const struct report *report)
{
	return json_pack("{ss ss sI sI sI sO sO sO}", "folder", folder,
			 "verdict", verify_word(result->verdict), "frames",
			 (json_int_t)result->info.frames, "gaps",
			 (json_int_t)result->info.gap_count, "lost",
			 (json_int_t)result->info.gap_frames, "ledger_gaps",
			 result->info.gaps, "files", report->files, "problems",
			 report->problems);
}

static int verify_one(const char *folder, struct report *report, json_t *takes)
{
	struct verify_result result;
	int error;

	report->files = json_array();
	report->problems = json_array();
	if (!report->json)
		printf("%s\n", folder);
	error = verify_take(folder, on_file, report, &result);
	if (error < 0) {
		fprintf(stderr, "takebox verify: %s is no take: %s\n", folder,
			error == -ENOENT    ? "there is no take.ledger in it"
			: error == -ENODATA ? "it was never begun, and nothing "
					      "was recorded into it"
					    : strerror(-error));
		json_array_append_new(takes,
				      json_pack("{ss ss}", "folder", folder,
						"verdict", "no take"));
		json_decref(report->files);
		json_decref(report->problems);
		return EXIT_NOT_FOUND;
	}
	json_array_append_new(takes, to_json(folder, &result, report));
	if (!report->json) {
		show_gaps(&result.info);
		printf("  %.3f s, %u files: %s\n",
		       (double)result.info.frames /
			       (result.info.rate ? result.info.rate : 1),
		       result.files, verify_word(result.verdict));
	}
	take_info_finish(&result.info);
	json_decref(report->files);
	json_decref(report->problems);
	return code_of(result.verdict);
}

int command_verify(int argc, char **argv)
{
	struct options options = {.help = help};
	struct report report = {0};
	json_t *takes, *reply;
	int worst = EXIT_OK, code = options_read(&options, argc, argv);

	if (code >= 0)
		return code;
	if (optind == argc)
		return options_wrong(argv, "which take? name its folder");
	report.json = options.json;
	takes = json_array();
	for (int i = optind; i < argc; i++) {
		code = verify_one(argv[i], &report, takes);
		worst = code > worst ? code : worst;
	}
	reply = json_pack("{sb so}", "ok", (int)(worst == EXIT_OK), "takes",
			  takes);
	if (options.json)
		options_print_json(reply);
	json_decref(reply);
	return worst;
}
