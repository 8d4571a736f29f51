/*
 * takebox gpio: the machine's GPIO chips and lines, for whoever wires a panel:
 * what they are called, who holds them, and which of them a button moves.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/exit_codes.h"
#include "drivers/gpio.h"
#include "tools/commands.h"
#include "tools/options.h"

static const char help[] =
	"usage: takebox gpio [--json] [--levels] [LINE...]\n\n"
	"Lists the GPIO lines of this machine, or the LINEs: name, direction,\n"
	"level, who holds it. A LINE is a name (GPIO17) or a chip's label and\n"
	"an offset (pinctrl-rp1:17), as in a board file.\n\n"
	"  --levels  levels also of free lines whose pins may be in use for\n"
	"            something else, such as I2S, and are taken from it by\n"
	"            looking; LINEs that are named are always looked at\n";

struct gpio_options {
	struct options common;
	bool levels;
};

static const char *const pulls[] = {
	[GPIO_PULL_AS_IS] = "",
	[GPIO_PULL_NONE] = "none",
	[GPIO_PULL_UP] = "up",
	[GPIO_PULL_DOWN] = "down",
};

static json_t *level_of(const struct gpio_line *line, bool look)
{
	int level = -EBUSY;

	if (line->used || look || !line->muxed)
		level = gpio_peek(line);
	return level < 0 ? json_null() : json_integer(level);
}

static json_t *describe(const struct gpio_line *line, bool look)
{
	char holder[256] = "";
	json_t *one;

	if (line->used)
		gpio_who(line, holder, sizeof(holder));
	one = json_pack("{ss ss si ss ss so sb ss ss sb}", "chip", line->chip,
			"label", line->label, "offset", (int)line->offset,
			"name", line->name, "direction",
			line->output ? "output" : "input", "level",
			level_of(line, look), "used", (int)line->used,
			"consumer", line->consumer, "holder", holder,
			"active_low", (int)line->active_low);
	json_object_set_new(one, "pull", json_string(pulls[line->pull]));
	json_object_set_new(one, "other_functions", json_boolean(line->muxed));
	return one;
}

struct collection {
	json_t *lines;
	bool look;
};

static void collect(void *context, const struct gpio_line *line)
{
	struct collection *all = context;

	json_array_append_new(all->lines, describe(line, all->look));
}

/* Returns an exit code. */
static int collect_named(json_t *lines, char **argv, char *const *names)
{
	char error[512];

	for (; *names; names++) {
		struct gpio_line line;
		int result = gpio_find(*names, &line, error, sizeof(error));

		if (result < 0) {
			fprintf(stderr, "%s: %s\n", argv[0], error);
			return result == -ENOENT ? EXIT_NOT_FOUND : EXIT_FAILED;
		}
		json_array_append_new(lines, describe(&line, true));
	}
	return EXIT_OK;
}

/* Returns an exit code. What could be listed is. */
static int collect_all(json_t *lines, char **argv, bool look)
{
	struct collection all = {lines, look};
	int result = gpio_list(collect, &all);

	if (result >= 0)
		return EXIT_OK;
	if (result == -EACCES)
		fprintf(stderr,
			"%s: not every GPIO chip may be opened: you must be in "
			"the group gpio (sudo usermod -aG gpio $USER, then log "
			"in again)\n",
			argv[0]);
	else
		fprintf(stderr, "%s: GPIO chips cannot be listed: %s\n",
			argv[0], strerror(-result));
	return EXIT_FAILED;
}

/* ---- printing ---- */

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static const char *level_word(const json_t *line)
{
	const json_t *level = json_object_get(line, "level");

	if (!json_is_integer(level))
		return "-";
	return json_integer_value(level) ? "high" : "low";
}

static void show(const json_t *line)
{
	int offset = (int)json_integer_value(json_object_get(line, "offset"));
	char more[400];

	snprintf(more, sizeof(more), "%s%s%s%s%s",
		 text(line, "pull")[0] ? "  pull " : "", text(line, "pull"),
		 json_is_true(json_object_get(line, "active_low"))
			 ? "  active low"
			 : "",
		 text(line, "holder")[0] ? "  held by " : "",
		 text(line, "holder"));
	printf("  %3d  %-20s %-6s  %-*s%s\n", offset, text(line, "name"),
	       text(line, "direction"), more[0] ? 4 : 0, level_word(line),
	       more);
}

static void show_all(const json_t *lines)
{
	const char *chip = "";
	bool unseen = false;
	size_t i;
	json_t *line;

	json_array_foreach(lines, i, line)
	{
		if (strcmp(chip, text(line, "chip")) != 0) {
			chip = text(line, "chip");
			printf("%s (%s)\n", text(line, "label"), chip);
		}
		show(line);
		unseen |= !json_is_true(json_object_get(line, "used")) &&
			  !json_is_integer(json_object_get(line, "level"));
	}
	if (unseen)
		puts("Levels of free lines are not shown where looking might "
		     "disturb: name the line, or --levels.");
}

static void print_json(json_t *lines)
{
	json_t *reply = json_pack("{sb sO}", "ok", 1, "lines", lines);

	options_print_json(reply);
	json_decref(reply);
}

static int read_options(struct gpio_options *options, int argc, char **argv)
{
	enum { OPTION_LEVELS = OPTION_OWN };
	static const struct option longs[] = {
		{"levels", no_argument, NULL, OPTION_LEVELS},
		OPTIONS_COMMON,
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		int code;

		if (letter == OPTION_LEVELS) {
			options->levels = true;
			continue;
		}
		code = options_common(&options->common, letter, argv);
		if (code >= 0)
			return code;
	}
	return -1;
}

int command_gpio(int argc, char **argv)
{
	struct gpio_options options = {.common.help = help};
	int code = read_options(&options, argc, argv);
	json_t *lines;

	if (code >= 0)
		return code;
	lines = json_array();
	code = optind < argc ? collect_named(lines, argv, argv + optind)
			     : collect_all(lines, argv, options.levels);
	if (options.common.json) {
		if (code == EXIT_OK)
			print_json(lines);
	} else if (json_array_size(lines) > 0) {
		show_all(lines);
	} else if (code == EXIT_OK) {
		puts("this machine has no GPIO chip");
	}
	json_decref(lines);
	return code;
}
