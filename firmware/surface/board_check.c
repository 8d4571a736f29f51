/*
 * What a board file says but nobody could play: gestures that never happen or
 * cannot be told apart, switches that contradict each other, bars out of
 * order. Lines are checked in board_check_lines.
 */
#include "surface/board_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void board_finding(struct board_checker *c, bool error, unsigned line,
		   const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	c->errors += error;
	if (c->fn)
		c->fn(c->context, error, line, text);
}

/* ---- inputs ---- */

/* Those whose state says whether it records. */
static bool says_record(const struct board_input *input)
{
	return input->latched &&
	       (input->role == BOARD_REC || input->role == BOARD_FOOTSWITCH ||
		input->role == BOARD_TRIGGER);
}

static void check_latched(struct board_checker *c,
			  const struct board_input *input)
{
	const char *role = board_input_name(input->role);

	if (!input->latched)
		return;
	if (input->role == BOARD_STOP || input->role == BOARD_MARK ||
	    input->role == BOARD_KEEP || input->role == BOARD_PLAY)
		board_finding(c, true, input->line,
			      "%s is pressed, it has no state: it cannot be a "
			      "latched switch",
			      role);
}

static void check_arms(struct board_checker *c, unsigned index)
{
	const struct board_input *input = &c->board->input[index];

	if (input->role != BOARD_ARM)
		return;
	for (unsigned i = 0; i < index; i++) {
		const struct board_input *other = &c->board->input[i];

		if (other->role == BOARD_ARM && other->track == input->track &&
		    (other->latched || input->latched))
			board_finding(c, true, input->line,
				      "track %u is armed by two switches (line "
				      "%u and here), which can contradict each "
				      "other",
				      input->track, other->line);
	}
}

static void check_inputs(struct board_checker *c)
{
	const struct board_input *record = NULL;

	for (unsigned i = 0; i < c->board->inputs; i++) {
		const struct board_input *input = &c->board->input[i];

		check_latched(c, input);
		check_arms(c, i);
		if (record && says_record(input))
			board_finding(c, true, input->line,
				      "%s (line %u) and %s are switches that "
				      "both say whether it records, and can "
				      "contradict each other",
				      board_input_name(record->role),
				      record->line,
				      board_input_name(input->role));
		if (says_record(input))
			record = input;
	}
}

/* ---- gestures ---- */

static const struct board_rule *rule_of(const struct board *board,
					enum board_input_role button,
					enum board_gesture gesture)
{
	for (unsigned i = 0; i < board->rules; i++)
		if (board->rule[i].button == button &&
		    board->rule[i].gesture == gesture)
			return &board->rule[i];
	return NULL;
}

static void check_happens(struct board_checker *c,
			  const struct board_rule *rule)
{
	const char *button = board_input_name(rule->button);
	bool latched = false, momentary = false;

	for (unsigned i = 0; i < c->board->inputs; i++) {
		if (c->board->input[i].role != rule->button)
			continue;
		latched |= c->board->input[i].latched;
		momentary |= !c->board->input[i].latched;
	}
	if (!latched && !momentary)
		board_finding(c, false, rule->line,
			      "a gesture on %s, which this board does not have",
			      button);
	else if (!momentary)
		board_finding(c, true, rule->line,
			      "%s on %s can never happen: it is a latched "
			      "switch, and its state alone counts",
			      board_gesture_name(rule->gesture), button);
}

/* The times of this rule and of others on its button. */
static void check_times(struct board_checker *c, const struct board_rule *rule)
{
	const struct board *board = c->board;
	const char *button = board_input_name(rule->button);

	if (rule->gesture == BOARD_HOLD &&
	    rule_of(board, rule->button, BOARD_LONG) &&
	    board->hold >= board->long_press)
		board_finding(c, true, rule->line,
			      "hold on %s can never happen: %g s is as long as "
			      "long (%g s); make times.hold shorter",
			      button, board->hold, board->long_press);
	if (rule->gesture == BOARD_DOUBLE &&
	    board->double_press <= board->debounce)
		board_finding(c, true, rule->line,
			      "double on %s can never happen: the second press "
			      "within %g s falls into the debounce time of "
			      "%g s; make times.debounce shorter",
			      button, board->double_press, board->debounce);
	if ((rule->gesture == BOARD_HOLD && board->hold <= board->debounce) ||
	    (rule->gesture == BOARD_LONG &&
	     board->long_press <= board->debounce))
		board_finding(c, true, rule->line,
			      "%s on %s cannot be told from a press: it is "
			      "shorter than the debounce time of %g s",
			      board_gesture_name(rule->gesture), button,
			      board->debounce);
}

static void check_rules(struct board_checker *c)
{
	const struct board *board = c->board;

	for (unsigned i = 0; i < board->rules; i++) {
		const struct board_rule *rule = &board->rule[i];
		const struct board_rule *first =
			rule_of(board, rule->button, rule->gesture);

		if (first != rule)
			board_finding(c, true, rule->line,
				      "%s on %s has two actions (line %u and "
				      "here), which cannot be told apart",
				      board_gesture_name(rule->gesture),
				      board_input_name(rule->button),
				      first->line);
		check_happens(c, rule);
		check_times(c, rule);
	}
}

static bool has_rule(const struct board *board, enum board_input_role button)
{
	for (unsigned i = 0; i < board->rules; i++)
		if (board->rule[i].button == button)
			return true;
	return false;
}

static void check_idle_buttons(struct board_checker *c)
{
	for (unsigned i = 0; i < c->board->inputs; i++) {
		const struct board_input *input = &c->board->input[i];

		if (input->latched || input->role == BOARD_ARM ||
		    input->role == BOARD_POWER_FAIL ||
		    has_rule(c->board, input->role))
			continue;
		board_finding(c, false, input->line,
			      "%s does nothing: it has no gesture%s",
			      board_input_name(input->role),
			      input->role == BOARD_PLAY ||
					      input->role == BOARD_TALK
				      ? " of its own yet"
				      : "");
	}
}

/* ---- the whole ---- */

static bool does(const struct board *board, enum board_action action)
{
	for (unsigned i = 0; i < board->rules; i++)
		if (board->rule[i].action == action)
			return true;
	return false;
}

static const struct board_input *find_input(const struct board *board,
					    enum board_input_role role)
{
	for (unsigned i = 0; i < board->inputs; i++)
		if (board->input[i].role == role)
			return &board->input[i];
	return NULL;
}

static bool has_output(const struct board *board, enum board_output_role role)
{
	for (unsigned i = 0; i < board->outputs; i++)
		if (board->output[i].role == role)
			return true;
	return false;
}

static void check_takes(struct board_checker *c)
{
	const struct board *board = c->board;
	const struct board_input *rec = find_input(board, BOARD_REC);
	bool records = does(board, BOARD_DO_RECORD) ||
		       does(board, BOARD_DO_RECORD_OR_MARK);
	bool toggles = does(board, BOARD_DO_TOGGLE);
	bool stops = toggles || does(board, BOARD_DO_STOP);

	for (unsigned i = 0; i < board->inputs; i++)
		stops |= says_record(&board->input[i]);
	if (records && !stops)
		board_finding(c, false, 0,
			      "this board starts takes but cannot end them");
	if (!rec)
		rec = find_input(board, BOARD_FOOTSWITCH);
	if (rec && !has_output(board, BOARD_LAMP_REC))
		board_finding(c, false, rec->line,
			      "there is no rec LED: nobody sees whether it "
			      "records");
	if (board->start_locked && !does(board, BOARD_DO_LOCK) &&
	    !find_input(board, BOARD_LOCK))
		board_finding(c, false, 0,
			      "it starts locked, and nothing on this board "
			      "unlocks it");
}

static void check_bars(struct board_checker *c)
{
	for (unsigned i = 1; i < c->board->outputs; i++) {
		const struct board_output *output = &c->board->output[i];
		const struct board_output *below = output - 1;

		if (output->role == BOARD_LAMP_BAR &&
		    below->role == BOARD_LAMP_BAR &&
		    output->line == below->line &&
		    output->track == below->track && output->db <= below->db)
			board_finding(c, true, output->line,
				      "the steps of track %u's bar must rise "
				      "from LED to LED: %g does not follow %g",
				      output->track, output->db, below->db);
	}
}

unsigned board_check(const struct board *board, board_finding_fn fn,
		     void *context)
{
	struct board_checker c = {board, fn, context, 0};

	board_check_lines(&c);
	check_inputs(&c);
	check_rules(&c);
	check_idle_buttons(&c);
	check_takes(&c);
	check_bars(&c);
	return c.errors;
}
