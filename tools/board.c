/*
 * takebox board: the boards there are, what is wired on one, what is wrong with
 * a board file, and its tables and drawing.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit_codes.h"
#include "surface/board.h"
#include "tools/board_draw.h"
#include "tools/client.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/text.h"
#include "tools/wiring.h"

static const char help[] =
	"usage: takebox board list [--json]\n"
	"       takebox board show NAME [--json]\n"
	"       takebox board check FILE... [--json]\n"
	"       takebox board draw NAME > FILE.svg\n"
	"       takebox board table NAME > FILE.md\n\n"
	"Boards: what buttons, switches and LEDs are wired to this machine's\n"
	"GPIO lines. 'check' says what is wrong with board files, and ends "
	"with\n"
	"code 9 if they cannot work. NAME is a board's name, or the path of "
	"its\n"
	"file (with a '/' in it). More in takebox.board(5).\n";

static int exit_code(int result)
{
	return result == 0	   ? EXIT_OK
	       : result == -ENOENT ? EXIT_NOT_FOUND
				   : EXIT_CONFIG;
}

/* Prints {"ok":..., key: value}; value is consumed. */
static void print_json(int code, const char *key, json_t *value)
{
	json_t *reply = json_pack("{sb so}", "ok", code == EXIT_OK, key, value);

	options_print_json(reply);
	json_decref(reply);
}

static void print_failure(enum takebox_exit code, const char *message)
{
	json_t *reply = json_pack("{sb ss ss}", "ok", 0, "error",
				  client_cause(code), "message", message);

	options_print_json(reply);
	json_decref(reply);
}

/* ---- list ---- */

static int is_board_file(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 6 && strcmp(entry->d_name + length - 6, ".board") == 0;
}

static bool is_listed(const json_t *list, const char *name)
{
	size_t i;
	json_t *one;

	json_array_foreach(
		list, i,
		one) if (strcmp(json_string_value(json_object_get(one, "name")),
				name) == 0) return true;
	return false;
}

static void add_board(json_t *list, const char *name)
{
	static struct board board;
	char error[512], safe[512];
	int result = board_load(&board, name, error, sizeof(error));
	json_t *one = json_pack("{ss ss ss}", "name", name, "text", board.text,
				"file", board.file);

	if (result < 0)
		json_object_set_new(
			one, "error",
			json_string(text_copy(safe, sizeof(safe), error)));
	json_array_append_new(list, one);
}

static void add_folder(json_t *list, const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_board_file, alphasort);

	for (int i = 0; i < count; i++) {
		char name[256];

		snprintf(name, sizeof(name), "%.*s",
			 (int)strlen(entries[i]->d_name) - 6,
			 entries[i]->d_name);
		if (!is_listed(list, name))
			add_board(list, name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

static int run_list(const struct options *options)
{
	const char *const *folders = board_folders();
	json_t *list = json_array(), *one;
	size_t i;

	for (; *folders; folders++)
		add_folder(list, *folders);
	if (!is_listed(list, "none"))
		add_board(list, "none");
	if (options->json) {
		print_json(EXIT_OK, "boards", list);
		return EXIT_OK;
	}
	json_array_foreach(list, i, one)
	{
		const char *error =
			json_string_value(json_object_get(one, "error"));

		printf("%-12s %s\n",
		       json_string_value(json_object_get(one, "name")),
		       error ? error
			     : json_string_value(json_object_get(one, "text")));
	}
	json_decref(list);
	return EXIT_OK;
}

/* ---- check ---- */

struct checking {
	json_t *findings; /* NULL: print */
	const char *file;
};

static void note(struct checking *checking, const char *level, unsigned line,
		 const char *text)
{
	if (checking->findings) {
		json_array_append_new(checking->findings,
				      json_pack("{ss si ss}", "level", level,
						"line", (int)line, "text",
						text));
		return;
	}
	if (line)
		printf("%s:%u: %s: %s\n", checking->file, line, level, text);
	else
		printf("%s: %s: %s\n", checking->file, level, text);
}

static void note_finding(void *context, bool error, unsigned line,
			 const char *text)
{
	note(context, error ? "error" : "warning", line, text);
}

/* A file in this folder may be meant without "./". */
static int load_path(struct board *board, const char *path, char *error,
		     size_t error_size)
{
	char here[BOARD_FILE_MAX];

	if (strchr(path, '/') || !strstr(path, ".board"))
		return board_load(board, path, error, error_size);
	snprintf(here, sizeof(here), "./%s", path);
	return board_load(board, here, error, error_size);
}

static int check_file(const char *path, json_t *boards)
{
	static struct board board;
	struct checking checking = {boards ? json_array() : NULL, path};
	char error[512], safe[512];
	int result = load_path(&board, path, error, sizeof(error));
	unsigned errors = 1;

	if (result == 0) {
		if (board.file[0])
			checking.file = board.file;
		errors = board_check(&board, note_finding, &checking);
		if (!boards && errors == 0)
			printf("%s: %u inputs, %u outputs: can be wired\n",
			       path, board.inputs, board.outputs);
	} else if (boards) {
		note(&checking, "error", 0,
		     text_copy(safe, sizeof(safe), error));
	} else {
		printf("%s\n", text_copy(safe, sizeof(safe), error));
	}
	if (boards)
		json_array_append_new(boards,
				      json_pack("{ss si so}", "file", path,
						"errors", (int)errors,
						"findings", checking.findings));
	return result < 0 ? exit_code(result) : errors ? EXIT_CONFIG : EXIT_OK;
}

static int run_check(const struct options *options, int count, char **paths)
{
	json_t *boards = options->json ? json_array() : NULL;
	int code = EXIT_OK;

	for (int i = 0; i < count; i++) {
		int one = check_file(paths[i], boards);

		if (code == EXIT_OK || one == EXIT_CONFIG)
			code = one == EXIT_OK ? code : one;
	}
	if (boards)
		print_json(code, "boards", boards);
	return code;
}

/* ---- show ---- */

static json_t *inputs_of(const struct board *board)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < board->inputs; i++) {
		const struct board_input *input = &board->input[i];
		json_t *one = json_pack(
			"{ss ss sb sb}", "role", board_input_name(input->role),
			"line", input->wire.line, "active_low",
			input->wire.active_low, "latched", input->latched);

		if (input->track)
			json_object_set_new(one, "track",
					    json_integer(input->track));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *outputs_of(const struct board *board)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < board->outputs; i++) {
		const struct board_output *output = &board->output[i];
		json_t *one = json_pack("{ss}", "role",
					board_output_name(output->role));

		if (output->track)
			json_object_set_new(one, "track",
					    json_integer(output->track));
		if (output->role == BOARD_LAMP_BAR)
			json_object_set_new(one, "db", json_real(output->db));
		if (output->chain < 0)
			json_object_set_new(
				one,
				output->chain == BOARD_ON_LED ? "led" : "line",
				json_string(output->wire.line));
		else
			json_object_update_missing_new(
				one, json_pack("{ss si}", "chain",
					       board->chain[output->chain].name,
					       "bit", (int)output->bit));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *gestures_of(const struct board *board)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < board->rules; i++)
		json_array_append_new(
			list,
			json_pack("{ss ss ss}", "button",
				  board_input_name(board->rule[i].button),
				  "gesture",
				  board_gesture_name(board->rule[i].gesture),
				  "action",
				  board_action_name(board->rule[i].action)));
	return list;
}

static json_t *board_json(const struct board *board)
{
	return json_pack("{ss ss ss so so so s{sf sf sf sf sf} sb}", "name",
			 board->name, "text", board->text, "file", board->file,
			 "inputs", inputs_of(board), "outputs",
			 outputs_of(board), "gestures", gestures_of(board),
			 "times", "debounce", board->debounce, "settle",
			 board->settle, "hold", board->hold, "long",
			 board->long_press, "double", board->double_press,
			 "locked", board->start_locked);
}

static void show_pins(const struct wiring_pin *pins, unsigned count,
		      const char *chip)
{
	for (unsigned i = 0; i < count; i++)
		if (pins[i].kind >= WIRING_BUTTON && pins[i].kind < WIRING_TO)
			printf("  %-14s %-8s %s pin %-4u %s\n", pins[i].what,
			       pins[i].name, chip, pins[i].pin, pins[i].how);
}

static void show_chain(const struct board *board, unsigned chain)
{
	for (unsigned bit = 0; bit < board->chain[chain].bits; bit++) {
		struct wiring_pin pin = wiring_bit(board, chain, bit);

		if (pin.kind != WIRING_FREE)
			printf("  %-14s %-8s register %-4u %s\n", pin.what,
			       pin.name, bit / 8, pin.how);
	}
}

static void show(const struct board *board)
{
	struct wiring_pin pins[WIRING_HEADER_PINS], other;
	unsigned place = 0;

	printf("%s: %s\n", board->name, board->text);
	if (board->file[0])
		printf("  file           %s\n", board->file);
	wiring_header(board, pins);
	show_pins(pins, WIRING_HEADER_PINS, "header");
	for (unsigned i = 0; i < board->expanders; i++) {
		wiring_expander(board, i, pins);
		show_pins(pins, WIRING_EXPANDER_PINS, board->expander[i].label);
	}
	for (unsigned i = 0; i < board->chains; i++)
		show_chain(board, i);
	while (wiring_other(board, &place, &other))
		printf("  %-14s %s, %s\n", other.what, other.name, other.how);
	for (unsigned i = 0; i < board->rules; i++)
		printf("  %-14s %-8s %s\n",
		       board_input_name(board->rule[i].button),
		       board_gesture_name(board->rule[i].gesture),
		       board_action_words(board->rule[i].action));
}

static int with_board(const struct options *options, char **argv,
		      const char *verb, const char *name)
{
	static struct board board;
	char error[512], safe[512];
	int result = load_path(&board, name, error, sizeof(error));

	if (result < 0) {
		text_copy(safe, sizeof(safe), error);
		fprintf(stderr, "%s: %s\n", argv[0], safe);
		if (options->json)
			print_failure(exit_code(result), safe);
		return exit_code(result);
	}
	if (strcmp(verb, "draw") == 0)
		board_draw(&board, stdout);
	else if (strcmp(verb, "table") == 0)
		board_table(&board, stdout);
	else if (options->json)
		print_json(EXIT_OK, "board", board_json(&board));
	else
		show(&board);
	return EXIT_OK;
}

int command_board(int argc, char **argv)
{
	struct options options = {.help = help};
	int code = options_read(&options, argc, argv), count;
	const char *verb;

	if (code >= 0)
		return code;
	if (optind >= argc)
		return options_wrong(argv, "list, show, check, draw or table?");
	verb = argv[optind++];
	count = argc - optind;
	if (strcmp(verb, "list") == 0)
		return count ? options_wrong(argv, "'%s' is too much",
					     argv[optind])
			     : run_list(&options);
	if (strcmp(verb, "check") == 0)
		return count ? run_check(&options, count, argv + optind)
			     : options_wrong(argv, "check which file?");
	if (strcmp(verb, "show") != 0 && strcmp(verb, "draw") != 0 &&
	    strcmp(verb, "table") != 0)
		return options_wrong(argv, "there is no 'board %s'", verb);
	if (count != 1)
		return options_wrong(argv, "%s one board", verb);
	return with_board(&options, argv, verb, argv[optind]);
}
