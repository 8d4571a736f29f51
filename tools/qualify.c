/* takebox qualify: what a medium can do, in a musician's words. */
#include "take/qualify.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/exit_codes.h"
#include "engine/tape_writer.h"
#include "take/media.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/tape_length.h"
#include "tools/text.h"

static const char help[] =
	"usage: takebox qualify [--channels N] [--rate HZ] [--seconds S] "
	"[--full] [--last]\n"
	"                       [--json] [FOLDER]\n\n"
	"Tries what a medium can do: how much it takes per second, how long it "
	"stalls at\n"
	"worst, and whether it is as large as it says. FOLDER is the medium; "
	"without it,\n"
	"the recorder's. Files are written to a folder of their own and "
	"removed "
	"again;\n"
	"nothing else is touched. Not while a take is recorded there.\n\n"
	"  --channels N  to be recorded; default: as configured, as the "
	"interface\n"
	"                has, or 32\n"
	"  --rate HZ     default: as configured\n"
	"  --seconds S   of writing; default 20\n"
	"  --full        find a fake card on exFAT, FAT32 and NTFS, too: "
	"writes all\n"
	"                that is free\n"
	"  --last        show what was found last, and what takes showed "
	"since\n"
	"Exits 0 if it is good for so many channels, 4 if a take is recorded "
	"there or it\nis being tried already, 6 if it is not good, 10 if "
	"--last "
	"is asked for and\nnothing is known.\n";

enum { OPTION_RATE = 0x200, OPTION_SECONDS, OPTION_FULL, OPTION_LAST };

#define STALL_SHARE 0.8 /* of the tape that a stall may take */

struct wish {
	const char *folder;
	double channels, rate, seconds, tape;
	bool full, last;
	struct options options;
};

/* Of the tape that there is, or of one that is made now. */
static double tape_seconds(const struct config *config, const struct wish *wish,
			   const struct tape_length *tape)
{
	if (tape->channels == wish->channels && tape->rate == wish->rate)
		return tape->seconds;
	return (double)tape_ring_frames(config->tape_seconds,
					(unsigned)wish->channels,
					(unsigned)wish->rate) /
	       wish->rate;
}

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

/* What is being written must not stay there: it is as much as was free. */
static void end_by_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal};

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
}

static bool progress(void *context, const char *what, double share)
{
	(void)context;
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%-20s %3.0f %%  ", what,
			100 * (share < 1 ? share : 1));
	return !interrupted;
}

static bool is_good(const struct qualify *result, const struct wish *wish)
{
	return result->capacity != QUALIFY_FAKE &&
	       qualify_channels(result, (unsigned)wish->rate) >=
		       wish->channels &&
	       qualify_worst(result) <= STALL_SHARE * wish->tape;
}

static void verdict(char *out, size_t size, const struct qualify *result,
		    const struct wish *wish)
{
	unsigned most = qualify_channels(result, (unsigned)wish->rate);
	double may = STALL_SHARE * wish->tape;
	char left[32], real[32];

	text_duration(left, sizeof(left),
		      qualify_seconds_left(result, (unsigned)wish->channels,
					   (unsigned)wish->rate));
	if (result->capacity == QUALIFY_FAKE)
		snprintf(out, size,
			 "a fake: about %s of what it says is free can be "
			 "read again; do not record on it",
			 text_bytes(real, sizeof(real),
				    (double)result->real_bytes));
	else if (qualify_worst(result) > may)
		snprintf(out, size,
			 "not good: it stalls for %.1f s, and the tape "
			 "carries a take over %.0f s",
			 qualify_worst(result), may);
	else if (most < wish->channels)
		snprintf(out, size,
			 "not good for %.0f channels at %g kHz: it is too "
			 "slow; good for %u",
			 wish->channels, wish->rate / 1000, most);
	else
		snprintf(out, size,
			 "good for %.0f channels at %g kHz, %s left; worst "
			 "stall %.1f s of the %.0f s it may take",
			 wish->channels, wish->rate / 1000, left,
			 qualify_worst(result), may);
}

static void capacity_words(char *out, size_t size, const struct qualify *result)
{
	char tried[32];

	switch (result->capacity) {
	case QUALIFY_REAL:
		snprintf(out, size, "as large as it says");
		break;
	case QUALIFY_FAKE:
		snprintf(out, size, "a fake");
		break;
	case QUALIFY_PARTLY:
		snprintf(out, size,
			 "size tested in part: %s could be written and read "
			 "again",
			 text_bytes(tried, sizeof(tried),
				    (double)result->tried_bytes));
		break;
	case QUALIFY_UNTESTED:
		snprintf(out, size,
			 "size not tested: --full writes all that is free");
		break;
	}
}

static void show_text(const struct qualify *result, const struct wish *wish,
		      const char *words)
{
	char capacity[128], rate[32], space[32];

	capacity_words(capacity, sizeof(capacity), result);
	printf("%s: %s\n", wish->folder, words);
	printf("  writes %s/s, %s free (%s), %s\n",
	       text_bytes(rate, sizeof(rate), result->bytes_per_second),
	       text_bytes(space, sizeof(space), (double)result->free_bytes),
	       result->filesystem, capacity);
	if (result->takes)
		printf("  %u takes since: worst sync %.2f s\n", result->takes,
		       result->worst_in_takes);
}

static void show_json(const struct qualify *result, const struct wish *wish,
		      const char *words)
{
	json_t *reply = json_pack(
		"{sb ss ss sf sf si ss sI sI sI si sf}", "ok",
		(int)is_good(result, wish), "folder", wish->folder, "verdict",
		words, "bytes_per_second", result->bytes_per_second,
		"worst_seconds", result->worst_seconds, "channels",
		(int)qualify_channels(result, (unsigned)wish->rate), "capacity",
		qualify_capacity_word(result), "real_bytes",
		(json_int_t)result->real_bytes, "tried_bytes",
		(json_int_t)result->tried_bytes, "free_bytes",
		(json_int_t)result->free_bytes, "takes", (int)result->takes,
		"worst_in_takes", result->worst_in_takes);

	options_print_json(reply);
	json_decref(reply);
}

static void show(const struct qualify *result, const struct wish *wish)
{
	char words[256];

	verdict(words, sizeof(words), result, wish);
	if (wish->options.json)
		show_json(result, wish, words);
	else
		show_text(result, wish, words);
}

static int open_folder(int parent, const char *name)
{
	int dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? -errno : dir;
}

/* What is free is what is free now. -ENODATA: nothing is known of the medium.
 */
static int read_last(struct qualify *result, const char *folder)
{
	int medium = open_folder(AT_FDCWD, folder), takebox, error;

	if (medium < 0)
		return medium;
	takebox = open_folder(medium, "Takebox");
	close(medium);
	error = takebox < 0 ? takebox : qualify_read(result, takebox);
	if (error == 0)
		error = storage_posix.space(takebox, &result->free_bytes);
	if (takebox >= 0)
		close(takebox);
	return error == -ENOENT ? -ENODATA : error;
}

/* The last one: all others. */
static const struct failure {
	int error, code;
	const char *name, *words;
} failures[] = {
	{-EBUSY, EXIT_REFUSED, "refused",
	 "a take is being recorded there, or made whole: it needs the room; "
	 "try it afterwards"},
	{-EALREADY, EXIT_REFUSED, "refused",
	 "another trial of it is under way: wait for its end"},
	{-ECANCELED, EXIT_FAILED, "failed",
	 "interrupted; nothing was left behind"},
	{-ENODATA, EXIT_NOT_FOUND, "not-found",
	 "nothing is known of it yet: try it without --last"},
	{-ENOSPC, EXIT_MEDIUM, "medium",
	 "there is too little room left to try it: make some"},
	{-ENOENT, EXIT_MEDIUM, "medium", "there is no such folder"},
	{-EIO, EXIT_MEDIUM, "medium",
	 "the medium failed: do not record on it, and copy what is on it"},
	{0, EXIT_MEDIUM, "medium", NULL},
};

static int report(const struct wish *wish, int error)
{
	const struct failure *failure = failures;
	const char *words;
	json_t *reply;

	while (failure->error && failure->error != error)
		failure++;
	words = failure->words ? failure->words : strerror(-error);
	fprintf(stderr, "takebox qualify: %s: %s\n", wish->folder, words);
	if (wish->options.json) {
		reply = json_pack("{sb ss ss ss}", "ok", 0, "folder",
				  wish->folder, "error", failure->name,
				  "message", words);
		options_print_json(reply);
		json_decref(reply);
	}
	return failure->code;
}

static int qualify(const struct wish *wish)
{
	struct qualify_plan plan = {
		.storage = &storage_posix,
		.files = (unsigned)wish->channels,
		.seconds = wish->seconds,
		.all = wish->full,
		.progress = progress,
	};
	struct qualify result;
	int error;

	end_by_signals();
	error = wish->last ? read_last(&result, wish->folder)
			   : qualify_medium(&result, wish->folder, &plan);
	if (isatty(STDERR_FILENO))
		fputs("\r                              \r", stderr);
	if (error < 0)
		return report(wish, error);
	show(&result, wish);
	return is_good(&result, wish) ? EXIT_OK : EXIT_MEDIUM;
}

/* That takes go to now. */
static void find_folder(char path[CONFIG_PATH_MAX], const struct config *config)
{
	const struct medium *newest;
	struct media media;

	snprintf(path, CONFIG_PATH_MAX, "%s", config->folder);
	if (strcmp(path, MEDIA_AUTO) != 0)
		return;
	media_list(&media);
	newest = media_newest(&media, 0, config->mirror);
	snprintf(path, CONFIG_PATH_MAX, "%s", MEDIA_HOME);
	if (newest)
		media_path(path, CONFIG_PATH_MAX, newest);
}

/* The recorder's own medium, channels, rate and tape. */
static int fill_in(struct wish *wish, struct config *config)
{
	static char path[CONFIG_PATH_MAX];
	char error[512];
	struct tape_length tape;

	if (config_load(config, NULL, error, sizeof(error)) < 0) {
		fprintf(stderr, "takebox qualify: %s\n", error);
		return EXIT_CONFIG;
	}
	find_folder(path, config);
	tape_length_ask(&tape, wish->options.socket);
	if (!wish->folder)
		wish->folder = path;
	if (wish->channels == 0)
		wish->channels = config->channels;
	if (wish->channels == 0)
		wish->channels = tape.channels > 0 ? tape.channels : 32;
	if (wish->rate == 0)
		wish->rate = config->rate;
	wish->tape = tape_seconds(config, wish, &tape);
	return -1;
}

static int read_option(struct wish *wish, int letter, char **argv)
{
	int error = 0;

	switch (letter) {
	case 'c':
		error = options_number(optarg, 1, CONFIG_CHANNELS_MAX,
				       &wish->channels);
		break;
	case OPTION_RATE:
		error = options_number(optarg, 44100, 192000, &wish->rate);
		break;
	case OPTION_SECONDS:
		error = options_number(optarg, 0.1, 86400, &wish->seconds);
		break;
	case OPTION_FULL:
		wish->full = true;
		break;
	case OPTION_LAST:
		wish->last = true;
		break;
	default:
		return options_common(&wish->options, letter, argv);
	}
	return error < 0 ? options_wrong(argv, "%s is no number that can be",
					 optarg)
			 : -1;
}

int command_qualify(int argc, char **argv)
{
	static const struct option longs[] = {
		{"channels", required_argument, NULL, 'c'},
		{"rate", required_argument, NULL, OPTION_RATE},
		{"seconds", required_argument, NULL, OPTION_SECONDS},
		{"full", no_argument, NULL, OPTION_FULL},
		{"last", no_argument, NULL, OPTION_LAST},
		OPTIONS_COMMON,
	};
	static struct config config;
	struct wish wish = {.seconds = 20, .options.help = help};
	int letter, code = -1;

	while ((letter = getopt_long(argc, argv, "c:", longs, NULL)) != -1) {
		code = read_option(&wish, letter, argv);
		if (code >= 0)
			return code;
	}
	if (optind < argc - 1)
		return options_wrong(argv, "one medium at a time");
	if (optind < argc)
		wish.folder = argv[optind];
	code = fill_in(&wish, &config);
	return code >= 0 ? code : qualify(&wish);
}
