/*
 * Reading board files. Every node of libconfig's tree must be a key of the
 * table; the lists become parts of the board once the whole file is known,
 * because outputs name chains that may stand behind them.
 */
#include "surface/board_read.h"

#include <errno.h>
#include <libconfig.h>
#include <string.h>

#include "surface/board_keys.h"

/* What buttons do if the file does not say. STOP wants to be held: the take
 * that somebody ends by mistake is the one that was wanted. */
static const struct board_rule default_rules[] = {
	{BOARD_REC, BOARD_PRESS, BOARD_DO_RECORD, 0},
	{BOARD_STOP, BOARD_HOLD, BOARD_DO_STOP, 0},
	{BOARD_MARK, BOARD_PRESS, BOARD_DO_MARK, 0},
	{BOARD_KEEP, BOARD_PRESS, BOARD_DO_KEEP, 0},
	{BOARD_LOCK, BOARD_HOLD, BOARD_DO_LOCK, 0},
	{BOARD_FOOTSWITCH, BOARD_PRESS, BOARD_DO_RECORD_OR_MARK, 0},
	{BOARD_FOOTSWITCH, BOARD_HOLD, BOARD_DO_STOP, 0},
	{BOARD_TRIGGER, BOARD_PRESS, BOARD_DO_TOGGLE, 0},
};

#define DEFAULT_RULES (sizeof(default_rules) / sizeof(*default_rules))

void board_defaults(struct board *board)
{
	char reason[CONFIG_REASON_MAX];

	memset(board, 0, sizeof(*board));
	for (const struct config_key *key = board_keys; key->name; key++) {
		struct config_value value;

		if (!key->standard)
			continue;
		value = config_parse_value(key, key->standard);
		config_store(board, key, &value, reason);
	}
	board->preroll = -1;
}

static bool has_momentary(const struct board *board, enum board_input_role role)
{
	for (unsigned i = 0; i < board->inputs; i++)
		if (board->input[i].role == role && !board->input[i].latched)
			return true;
	return false;
}

void board_add_rules(struct board *board)
{
	unsigned own = board->rules;

	for (unsigned i = 0; i < DEFAULT_RULES; i++) {
		bool ruled = false;

		for (unsigned j = 0; j < own; j++)
			ruled |= board->rule[j].button ==
				 default_rules[i].button;
		if (!ruled && board->rules < BOARD_GESTURES_MAX &&
		    has_momentary(board, default_rules[i].button))
			board->rule[board->rules++] = default_rules[i];
	}
}

static struct board *board_of(const struct config_reader *r)
{
	return ((struct board_root *)r->target)->board;
}

int board_read_entry(const struct config_reader *r,
		     const config_setting_t *setting, const char *group,
		     const char *example, config_reader_list_fn list,
		     void *entry)
{
	if (!config_setting_is_group(setting))
		return config_reader_complain(
			r, config_reader_line(setting),
			"each of %s must be a group; write %s", group, example);
	return config_reader_group(r, setting, board_keys, group, list, entry);
}

/* ---- inputs ---- */

static int read_input(const struct config_reader *r,
		      const config_setting_t *setting)
{
	struct board *board = board_of(r);
	unsigned line = config_reader_line(setting);
	struct board_input_entry entry = {.active = "low", .pull = ""};
	struct board_input *input = &board->input[board->inputs];
	int result = board_read_entry(r, setting, "inputs",
				      "{ role = \"rec\"; line = \"GPIO5\"; }",
				      NULL, &entry);

	if (result < 0)
		return result;
	if (!entry.role[0])
		return config_reader_complain(
			r, line, "this input has no role; add role = \"rec\"");
	if (!entry.line[0])
		return config_reader_complain(
			r, line,
			"this input (%s) has no line; add line = \"GPIO5\"",
			entry.role);
	input->role = board_word(board_input_names, entry.role);
	if ((input->role == BOARD_ARM) != (entry.track > 0))
		return config_reader_complain(
			r, line,
			entry.track ? "%s belongs to no track; drop track"
				    : "%s belongs to a track; add track = 1",
			entry.role);
	input->track = entry.track;
	input->latched = entry.latched;
	input->line = line;
	input->wire.active_low = strcmp(entry.active, "low") == 0;
	memcpy(input->wire.line, entry.line, sizeof(entry.line));
	input->wire.pull =
		input->wire.active_low ? GPIO_PULL_UP : GPIO_PULL_DOWN;
	if (entry.pull[0])
		input->wire.pull = board_word(
			(const char *const[]){"as-is", "none", "up", NULL},
			entry.pull);
	board->inputs++;
	return 0;
}

/* ---- gestures ---- */

static int read_gesture(const struct config_reader *r,
			const config_setting_t *setting)
{
	static const char example[] = "{ button = \"rec\"; gesture = "
				      "\"press\"; action = \"record\"; }";
	struct board *board = board_of(r);
	struct board_gesture_entry entry = {.button = ""};
	struct board_rule *rule = &board->rule[board->rules];
	int result =
		board_read_entry(r, setting, "gestures", example, NULL, &entry);

	if (result < 0)
		return result;
	if (!entry.button[0] || !entry.gesture[0] || !entry.action[0])
		return config_reader_complain(
			r, config_reader_line(setting),
			"a gesture has a button, a gesture and an action; "
			"write %s",
			example);
	rule->button = board_word(board_input_names, entry.button);
	rule->gesture = board_word(board_gesture_names, entry.gesture);
	rule->action = board_word(board_action_names, entry.action);
	rule->line = config_reader_line(setting);
	if (rule->button == BOARD_ARM || rule->button == BOARD_POWER_FAIL)
		return config_reader_complain(
			r, rule->line,
			"what %s does cannot be changed; drop this gesture",
			entry.button);
	board->rules++;
	return 0;
}

/* ---- the top ---- */

int board_read_steps(const struct config_reader *r,
		     const config_setting_t *setting,
		     const struct config_key *key, double *steps,
		     unsigned *count)
{
	struct config_key step = *key;

	if (!config_setting_is_aggregate(setting) ||
	    config_setting_is_group(setting))
		return config_reader_complain(
			r, config_reader_line(setting),
			"%s.steps must be a list of dBFS; write "
			"steps = [-40.0, -20.0, -6.0]",
			key->group);
	if (config_setting_length(setting) > BOARD_STEPS_MAX)
		return config_reader_complain(r, config_reader_line(setting),
					      "a bar has at most %d LEDs",
					      BOARD_STEPS_MAX);
	step.type = CONFIG_KEY_LEVEL;
	step.offset = 0;
	step.min = -144;
	step.max = 0;
	*count = 0;
	for (int i = 0; i < config_setting_length(setting); i++) {
		int result = config_reader_store(
			r, config_setting_get_elem(setting, (unsigned)i), &step,
			&steps[i]);

		if (result < 0)
			return result;
		++*count;
	}
	return 0;
}

static int read_shares(const struct config_reader *r,
		       const config_setting_t *setting,
		       const struct config_key *key)
{
	struct config_key share = *key;
	char word[BOARD_WORD_MAX];

	if (!config_setting_is_aggregate(setting) ||
	    config_setting_is_group(setting))
		return config_reader_complain(
			r, config_reader_line(setting),
			"shares must be a list; write shares = [\"i2c\"]");
	share.type = CONFIG_KEY_CHOICE;
	share.offset = 0;
	share.size = sizeof(word);
	share.choices = board_share_names;
	for (int i = 0; i < config_setting_length(setting); i++) {
		int result = config_reader_store(
			r, config_setting_get_elem(setting, (unsigned)i),
			&share, word);

		if (result < 0)
			return result;
		board_of(r)->shares |= 1u
				       << board_word(board_share_names, word);
	}
	return 0;
}

static int read_times(const struct config_reader *r,
		      const config_setting_t *setting)
{
	if (!config_setting_is_group(setting))
		return config_reader_complain(
			r, config_reader_line(setting),
			"times must be a group; write times: { hold = 1.0; }");
	return config_reader_group(r, setting, board_keys, "times", NULL,
				   board_of(r));
}

static int remember_list(const struct config_reader *r,
			 const config_setting_t *setting,
			 const config_setting_t **list)
{
	const char *name = config_setting_name(setting);

	if (!config_setting_is_list(setting))
		return config_reader_complain(
			r, config_reader_line(setting),
			"%s must be a list of groups; write %s = "
			"( { ... }, { ... } );",
			name, name);
	*list = setting;
	return 0;
}

static int read_top(const struct config_reader *r,
		    const config_setting_t *setting,
		    const struct config_key *key, void *base)
{
	struct board_root *root = r->target;

	(void)base;
	if (strcmp(key->name, "shares") == 0)
		return read_shares(r, setting, key);
	if (strcmp(key->name, "steps") == 0)
		return board_read_steps(r, setting, key, root->steps_of_bars,
					&root->steps);
	if (strcmp(key->name, "times") == 0)
		return read_times(r, setting);
	if (strcmp(key->name, "inputs") == 0)
		return remember_list(r, setting, &root->inputs);
	if (strcmp(key->name, "outputs") == 0)
		return remember_list(r, setting, &root->outputs);
	if (strcmp(key->name, "chains") == 0)
		return remember_list(r, setting, &root->chains);
	if (strcmp(key->name, "expanders") == 0)
		return remember_list(r, setting, &root->expanders);
	return remember_list(r, setting, &root->gestures);
}

static int read_list(const struct config_reader *r,
		     const config_setting_t *list, int most,
		     int (*read)(const struct config_reader *,
				 const config_setting_t *))
{
	for (int i = 0; list && i < config_setting_length(list); i++) {
		const config_setting_t *setting =
			config_setting_get_elem(list, (unsigned)i);
		int result;

		if (i >= most)
			return config_reader_complain(
				r, config_reader_line(setting),
				"more than %d %s", most,
				config_setting_name(list));
		result = read(r, setting);
		if (result < 0)
			return result;
	}
	return 0;
}

static int read_root(const struct config_reader *r,
		     const config_setting_t *tree)
{
	struct board_root *root = r->target;
	int result = config_reader_group(r, tree, board_keys, "board", read_top,
					 root->board);

	if (result == 0)
		result = read_list(r, root->inputs, BOARD_INPUTS_MAX,
				   read_input);
	if (result == 0)
		result = read_list(r, root->chains, BOARD_CHAINS_MAX,
				   board_read_chain);
	if (result == 0)
		result = read_list(r, root->expanders, BOARD_EXPANDERS_MAX,
				   board_read_expander);
	if (result == 0)
		result = read_list(r, root->outputs, BOARD_OUTPUTS_MAX,
				   board_read_output);
	if (result == 0)
		result = read_list(r, root->gestures, BOARD_GESTURES_MAX,
				   read_gesture);
	if (result == 0)
		board_add_rules(root->board);
	return result;
}

int board_read_text(struct board *board, const char *text, char *error,
		    size_t error_size)
{
	struct board_root root = {.board = board};
	const struct config_reader r = {board->file, error, error_size,
					read_root, &root};

	return config_reader_text(&r, text, strlen(text));
}

int board_read_file(struct board *board, char *error, size_t error_size)
{
	struct board_root root = {.board = board};
	const struct config_reader r = {board->file, error, error_size,
					read_root, &root};

	return config_reader_file(&r);
}
