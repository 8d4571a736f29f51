/*
 * show: a label at the left, the words behind it; one line per matter, so
 * that a glance finds it and grep does too.
 */
#include "tools/show.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_codes.h"
#include "tools/text.h"

#define RED    "31;1"
#define YELLOW "33"
#define GREEN  "32"

bool show_colour_wanted(void)
{
	const char *no = getenv("NO_COLOR");

	return !no || !no[0];
}

bool show_has_colour(void)
{
	const char *terminal = getenv("TERM");

	return show_colour_wanted() && isatty(STDOUT_FILENO) && terminal &&
	       strcmp(terminal, "dumb") != 0;
}

/* A name as this output can show it: on a terminal without UTF-8 with '?'. */
static const char *shown(char *out, size_t size, const char *name)
{
	if (!isatty(STDOUT_FILENO))
		return name;
	return text_fit(out, size, name, (int)size, false);
}

static void put(const char *name)
{
	char safe[VIEW_TEXT];

	fputs(shown(safe, sizeof(safe), name), stdout);
}

static void put_coloured(const char *colour, const char *words)
{
	if (!show_has_colour()) {
		put(words);
		return;
	}
	printf("\033[%sm", colour);
	put(words);
	fputs("\033[0m", stdout);
}

static void put_label(const char *label)
{
	printf("%-10s ", label);
}

static void show_state(const struct view_status *status)
{
	const char *colour = status->state == VIEW_IDLE	       ? GREEN
			     : status->state == VIEW_RECORDING ? RED
							       : YELLOW;
	char length[32], durable[32];

	put_label("state");
	put_coloured(colour, view_state_words(status->state));
	if (status->has_take) {
		text_clock(length, sizeof(length), status->take_seconds);
		text_clock(durable, sizeof(durable), status->take_durable);
		putchar(' ');
		put(status->take_name);
		printf(", %s, safe on the medium up to %s", length, durable);
	}
	putchar('\n');
	if (!status->has_take)
		return;
	put_label("take");
	put(status->take_folder);
	printf(", %lld marker%s, %lld gap%s\n", (long long)status->take_markers,
	       status->take_markers == 1 ? "" : "s",
	       (long long)status->take_gaps, status->take_gaps == 1 ? "" : "s");
}

static void show_interface(const struct view_interface *interface)
{
	char rate[32], ppm[32];

	put_label("interface");
	put(interface->name[0]	   ? interface->name
	    : interface->device[0] ? interface->device
				   : "none");
	if (interface->name[0] && interface->device[0] &&
	    strcmp(interface->name, interface->device) != 0) {
		fputs(" (", stdout);
		put(interface->device);
		putchar(')');
	}
	if (interface->channels > 0)
		printf(", %d channel%s", interface->channels,
		       interface->channels == 1 ? "" : "s");
	if (interface->rate > 0)
		printf(", %s", text_rate(rate, sizeof(rate), interface->rate));
	if (interface->bits > 0)
		printf(", %d bit", interface->bits);
	if (isfinite(interface->ppm))
		printf(", %s", text_ppm(ppm, sizeof(ppm), interface->ppm));
	if (interface->state[0] && strcmp(interface->state, "running") != 0)
		printf(", %s", interface->state);
	putchar('\n');
	if (!interface->error[0])
		return;
	put_label("");
	put_coloured(YELLOW, interface->error);
	putchar('\n');
}

static void show_medium(const struct view_status *status)
{
	char left[32], bytes[32];

	put_label("medium");
	put(status->medium_folder[0] ? status->medium_folder : "none");
	if (status->medium_filesystem[0]) {
		fputs(" (", stdout);
		put(status->medium_filesystem);
		putchar(')');
	}
	if (isfinite(status->medium_seconds_left))
		printf(", %s left", text_duration(left, sizeof(left),
						  status->medium_seconds_left));
	printf(", %s free\n",
	       text_bytes(bytes, sizeof(bytes), status->medium_free_bytes));
}

static size_t armed_numbers(const struct view_status *status, int *numbers)
{
	size_t count = 0;

	for (int i = 0; i < status->track_count; i++) {
		if (status->tracks[i].armed)
			numbers[count++] = status->tracks[i].number;
	}
	return count;
}

void show_armed(const struct view_status *status)
{
	int numbers[VIEW_TRACKS];
	size_t count = armed_numbers(status, numbers);
	char ranges[256];

	printf("%s (%zu of %d)\n",
	       text_ranges(ranges, sizeof(ranges), numbers, count), count,
	       status->track_count);
}

static void show_problems(const struct view_status *status)
{
	for (int i = 0; i < status->problem_count; i++) {
		const struct view_problem *problem = &status->problems[i];
		const char *colour = problem->level == VIEW_LOST   ? RED
				     : problem->level == VIEW_KEPT ? GREEN
								   : YELLOW;

		put_label(i == 0 ? "problems" : "");
		put_coloured(colour, view_level_words(problem->level));
		fputs(": ", stdout);
		put(problem->text);
		putchar('\n');
	}
	if (status->problem_count == 0) {
		put_label("problems");
		puts("none");
	}
}

static void show_tape(const struct view_status *status)
{
	char held[32], whole[32], preroll[32];

	put_label("tape");
	if (isfinite(status->tape_seconds))
		printf("%s of %s held, ",
		       text_clock(held, sizeof(held), status->tape_held),
		       text_clock(whole, sizeof(whole), status->tape_seconds));
	else
		printf("none, ");
	printf("pre-roll %s%s\n",
	       text_seconds(preroll, sizeof(preroll), status->preroll),
	       status->realtime || status->state == VIEW_NO_INTERFACE
		       ? ""
		       : ", without real-time priority");
}

void show_status(const struct view_status *status)
{
	show_state(status);
	put_label("session");
	put(status->session[0] ? status->session : "not named yet");
	putchar('\n');
	show_interface(&status->interface);
	show_tape(status);
	show_medium(status);
	put_label("gaps");
	if (status->gap_count > 0)
		printf("%lld, %lld frames\n", (long long)status->gap_count,
		       (long long)status->gap_frames);
	else
		puts("none");
	put_label("armed");
	show_armed(status);
	show_problems(status);
}

static const char *verdict_colour(const char *verdict)
{
	return strcmp(verdict, "sample-complete") == 0 ? GREEN
	       : strcmp(verdict, "gaps") == 0 || strcmp(verdict, "open") == 0
		       ? YELLOW
		       : RED;
}

static void show_peak(const struct view_take *take, int i)
{
	char db[32], name[64];

	text_fit(name, sizeof(name), take->names[i], 20, true);
	printf("  %2d %s %6s dB", i + 1, name,
	       text_db(db, sizeof(db), take->peaks[i]));
	if (take->clips[i] > 0)
		printf("  %lld clip%s", (long long)take->clips[i],
		       take->clips[i] == 1 ? "" : "s");
	putchar('\n');
}

static void show_count(const char *label, int64_t count)
{
	if (count < 0)
		return;
	put_label(label);
	printf("%lld\n", (long long)count);
}

void show_take(const struct view_take *take)
{
	char words[32];

	put_label("take");
	put(take->name);
	putchar('\n');
	put_label("length");
	fputs(text_clock(words, sizeof(words), take->seconds), stdout);
	if (take->frames >= 0)
		printf(", %lld frames", (long long)take->frames);
	putchar('\n');
	show_count("tracks", take->tracks);
	if (isfinite(take->bytes)) {
		put_label("size");
		puts(text_bytes(words, sizeof(words), take->bytes));
	}
	if (take->level_count > 0)
		puts("peaks");
	for (int i = 0; i < take->level_count; i++)
		show_peak(take, i);
	show_count("markers", take->markers);
	show_count("gaps", take->gaps);
	if (take->lost > 0)
		show_count("lost", take->lost);
	if (take->stopped_by[0] && strcmp(take->stopped_by, "stop") != 0 &&
	    strcmp(take->stopped_by, "end") != 0) {
		put_label("ended by");
		put_coloured(YELLOW, take->stopped_by);
		putchar('\n');
	}
	if (take->verdict[0]) {
		put_label("verdict");
		put_coloured(verdict_colour(take->verdict), take->verdict);
		putchar('\n');
	}
	put_label("folder");
	put(take->folder);
	putchar('\n');
}

int show_verdict_code(const struct view_take *take)
{
	if (strcmp(take->verdict, "gaps") == 0)
		return EXIT_GAPS;
	return strcmp(take->verdict, "damaged") == 0 ? EXIT_DAMAGED : EXIT_OK;
}

static void put_column(const char *text, int width)
{
	char cell[VIEW_NAME + 64];

	if (text_width(text) >= width)
		put(text);
	else
		put(text_fit(cell, sizeof(cell), text, width, true));
	fputs("  ", stdout);
}

static void show_takes_row(const struct view_take *take, const int widths[2])
{
	char words[32];

	put_column(take->session, widths[0]);
	put_column(take->name, widths[1]);
	printf("%8s  ", text_clock(words, sizeof(words), take->seconds));
	if (take->tracks >= 0)
		printf("%2lld tracks  ", (long long)take->tracks);
	if (take->verdict[0])
		put_coloured(verdict_colour(take->verdict), take->verdict);
	if (take->gaps > 0)
		printf(" (%lld)", (long long)take->gaps);
	putchar('\n');
}

void show_takes(const json_t *takes)
{
	int widths[2] = {0, 0};
	struct view_take take;
	size_t index;
	json_t *object;

	json_array_foreach(takes, index, object)
	{
		int session, name;

		view_take(object, &take);
		session = text_width(take.session);
		name = text_width(take.name);
		widths[0] = session > widths[0] ? session : widths[0];
		widths[1] = name > widths[1] ? name : widths[1];
	}
	json_array_foreach(takes, index, object)
	{
		view_take(object, &take);
		show_takes_row(&take, widths);
	}
	if (json_array_size(takes) == 0)
		puts("no takes yet");
}
