/*
 * The table.
 */
#include "surface/board_keys.h"

#include <string.h>

#include "base/config.h"

#define BOARD(name)                                                            \
	offsetof(struct board, name), sizeof(((struct board *)0)->name)
#define INPUT(name)                                                            \
	offsetof(struct board_input_entry, name),                              \
		sizeof(((struct board_input_entry *)0)->name)
#define OUTPUT(name)                                                           \
	offsetof(struct board_output_entry, name),                             \
		sizeof(((struct board_output_entry *)0)->name)
#define CHAIN(name)                                                            \
	offsetof(struct board_chain_entry, name),                              \
		sizeof(((struct board_chain_entry *)0)->name)
#define EXPANDER(name)                                                         \
	offsetof(struct board_expander_entry, name),                           \
		sizeof(((struct board_expander_entry *)0)->name)
#define GESTURE(name)                                                          \
	offsetof(struct board_gesture_entry, name),                            \
		sizeof(((struct board_gesture_entry *)0)->name)

/* A board that is tried may have lines that are empty or oddly named; GPIO
 * knows best. */
#define LINE 1, GPIO_NAME_MAX - 1, NULL, NULL, NULL, NULL

static const char *const levels[] = {"low", "high", NULL};
static const char *const pulls[] = {"as-is", "none", "up", "down", NULL};
static const char *const drives[] = {"push-pull", "open-drain", "open-source",
				     NULL};

/* clang-format off */
const struct config_key board_keys[] = {
	{"board", "text", CONFIG_KEY_TEXT, BOARD(text),
	 0, BOARD_TEXT_MAX - 1, NULL, NULL, NULL, NULL},
	{"board", "locked", CONFIG_KEY_TRUTH, BOARD(start_locked),
	 0, 0, NULL, NULL, NULL, NULL},
	{"board", "resistor", CONFIG_KEY_WHOLE, BOARD(resistor),
	 100, 10000, NULL, NULL, "330", NULL},
	{.group = "board", .name = "shares", .type = CONFIG_KEY_LIST},
	{.group = "board", .name = "steps", .type = CONFIG_KEY_LIST},
	{.group = "board", .name = "times", .type = CONFIG_KEY_LIST},
	{.group = "board", .name = "inputs", .type = CONFIG_KEY_LIST},
	{.group = "board", .name = "outputs", .type = CONFIG_KEY_LIST},
	{.group = "board", .name = "chains", .type = CONFIG_KEY_LIST},
	{.group = "board", .name = "expanders", .type = CONFIG_KEY_LIST},
	{.group = "board", .name = "gestures", .type = CONFIG_KEY_LIST},

	{"times", "debounce", CONFIG_KEY_SECONDS, BOARD(debounce),
	 0.001, 0.5, NULL, NULL, "0.02", NULL},
	{"times", "settle", CONFIG_KEY_SECONDS, BOARD(settle),
	 0.001, 1, NULL, NULL, "0.03", NULL},
	{"times", "hold", CONFIG_KEY_SECONDS, BOARD(hold),
	 0.1, 30, NULL, NULL, "0.7", NULL},
	{"times", "long", CONFIG_KEY_SECONDS, BOARD(long_press),
	 0.1, 60, NULL, NULL, "2.0", NULL},
	{"times", "double", CONFIG_KEY_SECONDS, BOARD(double_press),
	 0.05, 2, NULL, NULL, "0.35", NULL},
	{"times", "preroll", CONFIG_KEY_SECONDS, BOARD(preroll),
	 0, 600, NULL, NULL, NULL, NULL},

	{"inputs", "role", CONFIG_KEY_CHOICE, INPUT(role),
	 0, 0, NULL, board_input_names, NULL, NULL},
	{"inputs", "track", CONFIG_KEY_WHOLE, INPUT(track),
	 1, CONFIG_CHANNELS_MAX, NULL, NULL, NULL, NULL},
	{"inputs", "line", CONFIG_KEY_TEXT, INPUT(line), LINE},
	{"inputs", "active", CONFIG_KEY_CHOICE, INPUT(active),
	 0, 0, NULL, levels, NULL, NULL},
	{"inputs", "pull", CONFIG_KEY_CHOICE, INPUT(pull),
	 0, 0, NULL, pulls, NULL, NULL},
	{"inputs", "latched", CONFIG_KEY_TRUTH, INPUT(latched),
	 0, 0, NULL, NULL, NULL, NULL},

	{"outputs", "role", CONFIG_KEY_CHOICE, OUTPUT(role),
	 0, 0, NULL, board_output_names, NULL, NULL},
	{"outputs", "track", CONFIG_KEY_WHOLE, OUTPUT(track),
	 1, CONFIG_CHANNELS_MAX, NULL, NULL, NULL, NULL},
	{"outputs", "line", CONFIG_KEY_TEXT, OUTPUT(line), LINE},
	{"outputs", "active", CONFIG_KEY_CHOICE, OUTPUT(active),
	 0, 0, NULL, levels, NULL, NULL},
	{"outputs", "drive", CONFIG_KEY_CHOICE, OUTPUT(drive),
	 0, 0, NULL, drives, NULL, NULL},
	{"outputs", "chain", CONFIG_KEY_TEXT, OUTPUT(chain),
	 1, BOARD_NAME_MAX - 1, NULL, NULL, NULL, NULL},
	{"outputs", "bit", CONFIG_KEY_WHOLE, OUTPUT(bit),
	 0, BOARD_CHAIN_BITS - 1, NULL, NULL, NULL, NULL},
	{"outputs", "led", CONFIG_KEY_TEXT, OUTPUT(led), LINE},
	{"outputs", "brightness", CONFIG_KEY_WHOLE, OUTPUT(brightness),
	 1, 100, NULL, NULL, NULL, NULL},
	{.group = "outputs", .name = "lines", .type = CONFIG_KEY_LIST},
	{.group = "outputs", .name = "bits", .type = CONFIG_KEY_LIST},
	{.group = "outputs", .name = "steps", .type = CONFIG_KEY_LIST},

	{"chains", "name", CONFIG_KEY_TEXT, CHAIN(name),
	 1, BOARD_NAME_MAX - 1, NULL, NULL, NULL, NULL},
	{"chains", "bits", CONFIG_KEY_WHOLE, CHAIN(bits),
	 8, BOARD_CHAIN_BITS, NULL, NULL, NULL, NULL},
	{"chains", "active", CONFIG_KEY_CHOICE, CHAIN(active),
	 0, 0, NULL, levels, NULL, NULL},
	{"chains", "spi", CONFIG_KEY_TEXT, CHAIN(spi),
	 1, BOARD_PATH_MAX - 1, NULL, NULL, NULL, NULL},
	{"chains", "speed", CONFIG_KEY_WHOLE, CHAIN(speed),
	 10000, 25000000, NULL, NULL, NULL, NULL},
	{"chains", "resistor", CONFIG_KEY_WHOLE, CHAIN(resistor),
	 100, 10000, NULL, NULL, NULL, NULL},
	{"chains", "data", CONFIG_KEY_TEXT, CHAIN(data), LINE},
	{"chains", "clock", CONFIG_KEY_TEXT, CHAIN(clock), LINE},
	{"chains", "latch", CONFIG_KEY_TEXT, CHAIN(latch), LINE},

	{"expanders", "label", CONFIG_KEY_TEXT, EXPANDER(label),
	 1, BOARD_NAME_MAX - 1, NULL, NULL, NULL, NULL},
	{"expanders", "address", CONFIG_KEY_WHOLE, EXPANDER(address),
	 0x20, 0x27, NULL, NULL, NULL, NULL},
	{"expanders", "interrupt", CONFIG_KEY_TEXT, EXPANDER(interrupt), LINE},

	{"gestures", "button", CONFIG_KEY_CHOICE, GESTURE(button),
	 0, 0, NULL, board_input_names, NULL, NULL},
	{"gestures", "gesture", CONFIG_KEY_CHOICE, GESTURE(gesture),
	 0, 0, NULL, board_gesture_names, NULL, NULL},
	{"gestures", "action", CONFIG_KEY_CHOICE, GESTURE(action),
	 0, 0, NULL, board_action_names, NULL, NULL},
	{.name = NULL},
};
/* clang-format on */

unsigned board_word(const char *const *names, const char *word)
{
	unsigned i = 0;

	while (names[i] && strcmp(names[i], word) != 0)
		i++;
	return i;
}
