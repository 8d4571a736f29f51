/*
 * The words of board files, where the files are, and the 40-pin header.
 */
#include "surface/board.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "surface/board_read.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

const char *const board_input_names[] = {
	[BOARD_REC] = "rec",
	[BOARD_STOP] = "stop",
	[BOARD_PLAY] = "play",
	[BOARD_MARK] = "mark",
	[BOARD_KEEP] = "keep",
	[BOARD_LOCK] = "lock",
	[BOARD_FOOTSWITCH] = "footswitch",
	[BOARD_TALK] = "talk",
	[BOARD_TRIGGER] = "trigger",
	[BOARD_ARM] = "arm",
	[BOARD_POWER_FAIL] = "power-fail",
	[BOARD_INPUT_ROLES] = NULL,
};

const char *const board_output_names[] = {
	[BOARD_LAMP_REC] = "rec",	 [BOARD_LAMP_PLAY] = "play",
	[BOARD_LAMP_READY] = "ready",	 [BOARD_LAMP_ALERT] = "alert",
	[BOARD_LAMP_LOCK] = "lock",	 [BOARD_BUZZER] = "buzzer",
	[BOARD_TRIGGER_OUT] = "trigger", [BOARD_LAMP_ARM] = "arm",
	[BOARD_LAMP_SIGNAL] = "signal",	 [BOARD_LAMP_BAR] = "bar",
	[BOARD_OUTPUT_ROLES] = NULL,
};

const char *const board_gesture_names[] = {
	[BOARD_PRESS] = "press", [BOARD_DOUBLE] = "double",
	[BOARD_HOLD] = "hold",	 [BOARD_LONG] = "long",
	[BOARD_GESTURES] = NULL,
};

const char *const board_action_names[] = {
	[BOARD_DO_NOTHING] = "nothing",
	[BOARD_DO_RECORD] = "record",
	[BOARD_DO_STOP] = "stop",
	[BOARD_DO_TOGGLE] = "toggle",
	[BOARD_DO_MARK] = "mark",
	[BOARD_DO_KEEP] = "keep",
	[BOARD_DO_LOCK] = "lock",
	[BOARD_DO_ARM_ALL] = "arm-all",
	[BOARD_DO_CLEAR] = "clear",
	[BOARD_DO_RECORD_OR_MARK] = "record-or-mark",
	[BOARD_ACTIONS] = NULL,
};

const char *const board_share_names[] = {
	"i2c", "spi0", "spi1", "uart", "i2s", "i2s8", NULL,
};

static const char *name_of(const char *const *names, unsigned count,
			   unsigned index)
{
	return index < count ? names[index] : "?";
}

const char *board_input_name(enum board_input_role role)
{
	return name_of(board_input_names, BOARD_INPUT_ROLES, role);
}

const char *board_output_name(enum board_output_role role)
{
	return name_of(board_output_names, BOARD_OUTPUT_ROLES, role);
}

const char *board_gesture_name(enum board_gesture gesture)
{
	return name_of(board_gesture_names, BOARD_GESTURES, gesture);
}

const char *board_action_name(enum board_action action)
{
	return name_of(board_action_names, BOARD_ACTIONS, action);
}

/* ---- the header ---- */

/* A whole number below 100, and nothing behind it; -1: no. */
static int small_number(const char *text)
{
	int number = 0;

	if (!isdigit((unsigned char)*text) || strlen(text) > 2)
		return -1;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return -1;
		number = number * 10 + *text - '0';
	}
	return number;
}

int board_header_line(const char *line)
{
	const char *colon = strrchr(line, ':');

	if (strncmp(line, "GPIO", 4) == 0)
		return small_number(line + 4);
	if (strncmp(line, "pinctrl-", 8) == 0 && colon)
		return small_number(colon + 1);
	return -1;
}

unsigned board_header_pin(int line)
{
	static const unsigned char pins[] = {
		27, 28, 3,  5,	7,  29, 31, 26, 24, 21, 19, 23, 32, 33,
		8,  10, 36, 11, 12, 35, 38, 40, 15, 16, 18, 22, 37, 13,
	};

	return line >= 0 && (size_t)line < COUNT(pins) ? pins[line] : 0;
}

/* ---- where the files are ---- */

const char *const *board_folders(void)
{
	static const char *folders[4];
	const char *own = getenv("TAKEBOX_BOARDS");
	unsigned count = 0;

	if (own && *own) {
		folders[count++] = own;
	} else {
		folders[count++] = "/etc/takebox/boards";
		folders[count++] = "/usr/local/share/takebox/boards";
		folders[count++] = "/usr/share/takebox/boards";
	}
	folders[count] = NULL;
	return folders;
}

/* "/etc/takebox/boards/rack8.board" -> "rack8". */
static void name_board(struct board *board)
{
	const char *slash = strrchr(board->file, '/');
	const char *base = slash ? slash + 1 : board->file;
	size_t length = strlen(base);

	if (length > 6 && strcmp(base + length - 6, ".board") == 0)
		length -= 6;
	if (length >= sizeof(board->name))
		length = sizeof(board->name) - 1;
	memcpy(board->name, base, length);
	board->name[length] = '\0';
}

static int start(struct board *board, const char *file, char *error,
		 size_t error_size)
{
	*error = '\0';
	board_defaults(board);
	if (strlen(file) >= sizeof(board->file)) {
		snprintf(error, error_size,
			 "the path of the board file is longer than %zu bytes",
			 sizeof(board->file) - 1);
		return -ENAMETOOLONG;
	}
	strcpy(board->file, file);
	name_board(board);
	return 0;
}

int board_parse(struct board *board, const char *text, const char *name,
		char *error, size_t error_size)
{
	int result = start(board, name, error, error_size);

	return result < 0 ? result
			  : board_read_text(board, text, error, error_size);
}

static int load_file(struct board *board, const char *path, char *error,
		     size_t error_size)
{
	int result = start(board, path, error, error_size);

	return result < 0 ? result : board_read_file(board, error, error_size);
}

static int load_named(struct board *board, const char *name, char *error,
		      size_t error_size)
{
	const char *const *folders = board_folders();
	char path[BOARD_FILE_MAX];
	int length, result;

	for (unsigned i = 0; folders[i]; i++) {
		length = snprintf(path, sizeof(path), "%s/%s.board", folders[i],
				  name);
		if (length < 0 || (size_t)length >= sizeof(path))
			continue;
		result = load_file(board, path, error, error_size);
		if (result != -ENOENT)
			return result;
	}
	snprintf(error, error_size,
		 "there is no board '%.64s' in %s; 'takebox board list' shows "
		 "the boards, and the path of a board file has a '/' in it",
		 name, folders[0]);
	return -ENOENT;
}

int board_load(struct board *board, const char *name, char *error,
	       size_t error_size)
{
	int result;

	if (strcmp(name, "none") == 0) {
		*error = '\0';
		board_defaults(board);
		strcpy(board->name, "none");
		strcpy(board->text, "no panel");
		return 0;
	}
	if (!strchr(name, '/'))
		return load_named(board, name, error, error_size);
	result = load_file(board, name, error, error_size);
	if (result == -ENOENT)
		snprintf(error, error_size, "%s: there is no such file", name);
	return result;
}
