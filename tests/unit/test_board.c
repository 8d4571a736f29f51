/*
 * board: what the text of a board file comes to, and what is said when it is
 * wrong; where board files are found.
 */
#include "board_text.h"

#include <stdlib.h>
#include <unistd.h>

#define LEDS "chains = ({ name = \"leds\"; bits = 16; spi = \"/dev/s\"; });\n"

static void an_empty_file_is_an_empty_board_with_default_times(void **state)
{
	(void)state;
	accept_board("");
	assert_string_equal(board.name, "t");
	assert_string_equal(board.file, "/x/t.board");
	assert_int_equal(board.inputs + board.outputs + board.chains +
				 board.expanders + board.rules,
			 0);
	assert_true(board.debounce == 0.02);
	assert_true(board.settle == 0.03);
	assert_true(board.hold == 0.7);
	assert_true(board.long_press == 2.0);
	assert_true(board.double_press == 0.35);
	assert_true(board.preroll < 0);
	assert_int_equal(board.resistor, 330);
	assert_false(board.start_locked);
}

static void an_input_is_a_button_to_ground_with_a_pull_up(void **state)
{
	const struct board_input *input = board.input;

	(void)state;
	accept_board("inputs = ({ role = \"stop\"; line = \"GPIO5\"; });");
	assert_int_equal(board.inputs, 1);
	assert_int_equal(input->role, BOARD_STOP);
	assert_string_equal(input->wire.line, "GPIO5");
	assert_true(input->wire.active_low);
	assert_int_equal(input->wire.pull, GPIO_PULL_UP);
	assert_false(input->latched);
	assert_int_equal(input->track, 0);
	assert_int_equal(input->line, 1);
}

static void an_input_can_be_all_else(void **state)
{
	const struct board_input *input = board.input;

	(void)state;
	accept_board(
		"\ninputs = ({ role = \"trigger\"; line = \"x:1\";"
		" active = \"high\"; latched = true; },\n"
		"{ role = \"arm\"; track = 64; line = \"A\"; pull = \"none\";"
		" },\n"
		"{ role = \"rec\"; line = \"B\"; pull = \"as-is\"; },\n"
		"{ role = \"power-fail\"; line = \"C\"; pull = \"down\"; });");
	assert_int_equal(board.inputs, 4);
	assert_int_equal(input[0].role, BOARD_TRIGGER);
	assert_false(input[0].wire.active_low);
	assert_int_equal(input[0].wire.pull, GPIO_PULL_DOWN);
	assert_true(input[0].latched);
	assert_int_equal(input[0].line, 2);
	assert_int_equal(input[1].track, 64);
	assert_int_equal(input[1].wire.pull, GPIO_PULL_NONE);
	assert_int_equal(input[2].wire.pull, GPIO_PULL_AS_IS);
	assert_int_equal(input[3].role, BOARD_POWER_FAIL);
	assert_int_equal(input[3].wire.pull, GPIO_PULL_DOWN);
}

static void an_output_is_on_a_line_or_a_bit(void **state)
{
	const struct board_output *output = board.output;

	(void)state;
	accept_board(
		"outputs = ({ role = \"rec\"; line = \"GPIO6\"; },\n"
		"{ role = \"arm\"; track = 3; line = \"GPIO7\";"
		" active = \"low\"; drive = \"open-drain\"; },\n"
		"{ role = \"alert\"; chain = \"leds\"; bit = 15; });" LEDS);
	assert_int_equal(board.outputs, 3);
	assert_int_equal(output[0].role, BOARD_LAMP_REC);
	assert_int_equal(output[0].chain, -1);
	assert_false(output[0].wire.active_low);
	assert_int_equal(output[0].wire.drive, GPIO_PUSH_PULL);
	assert_int_equal(output[1].track, 3);
	assert_true(output[1].wire.active_low);
	assert_int_equal(output[1].wire.drive, GPIO_OPEN_DRAIN);
	assert_int_equal(output[2].chain, 0);
	assert_int_equal(output[2].bit, 15);
	assert_int_equal(output[2].line, 3);
}

static void an_output_is_a_led_of_the_kernels(void **state)
{
	(void)state;
	accept_board("outputs = ({ role = \"rec\"; led = \"panel:rec\"; },\n"
		     "{ role = \"ready\"; led = \"ACT\"; brightness = 30; });");
	assert_int_equal(board.output[0].chain, BOARD_ON_LED);
	assert_string_equal(board.output[0].wire.line, "panel:rec");
	assert_int_equal(board.output[0].brightness, 100);
	assert_int_equal(board.output[1].brightness, 30);
	refuse_board("outputs = ({ role = \"rec\"; led = \"A\"; },\n"
		     "{ role = \"ready\"; led = \"A\"; });",
		     "t.board:2: the LED A is used twice: here and in line 1");
	refuse_board("outputs = ({ role = \"rec\"; led = \"A\"; line = \"B\"; "
		     "});",
		     "t.board:1: rec has led = \"A\": that has but a "
		     "brightness; drop the rest");
	refuse_board("outputs = ({ role = \"rec\"; line = \"A\"; brightness = "
		     "50; });",
		     "t.board:1: rec is on or off and has no brightness; only "
		     "an output with led = ... has");
	refuse_board("outputs = ({ role = \"bar\"; track = 1; led = \"A\"; });",
		     "t.board:1: the LEDs of a bar are on lines or a chain");
}

static void a_bar_is_a_lamp_for_each_step(void **state)
{
	(void)state;
	accept_board("steps = [-40.0, -6.0];\n"
		     "outputs = ({ role = \"bar\"; track = 1; chain = \"leds\";"
		     " bits = [3, 1]; },\n"
		     "{ role = \"bar\"; track = 2; lines = [\"A\", \"B\", "
		     "\"C\"]; steps = (-30, -20, -10); });" LEDS);
	assert_int_equal(board.outputs, 5);
	assert_int_equal(board.output[0].bit, 3);
	assert_true(board.output[0].db == -40.0);
	assert_int_equal(board.output[1].bit, 1);
	assert_true(board.output[1].db == -6.0);
	assert_int_equal(board.output[1].track, 1);
	assert_string_equal(board.output[4].wire.line, "C");
	assert_true(board.output[4].db == -10.0);
	assert_int_equal(board.output[4].chain, -1);
}

static void chains_are_clocked_by_spi_or_three_lines(void **state)
{
	(void)state;
	accept_board("chains = ({ name = \"a\"; bits = 256; spi = "
		     "\"/dev/spidev0.1\"; speed = 8000000; active = \"low\"; "
		     "resistor = 470; },\n{ name = \"b\"; bits = 8; data = "
		     "\"D\"; clock = \"C\"; latch = \"L\"; });");
	assert_int_equal(board.chains, 2);
	assert_int_equal(board.chain[0].bits, 256);
	assert_string_equal(board.chain[0].spi, "/dev/spidev0.1");
	assert_int_equal(board.chain[0].speed_hz, 8000000);
	assert_true(board.chain[0].active_low);
	assert_int_equal(board.chain[0].resistor, 470);
	assert_string_equal(board.chain[1].spi, "");
	assert_string_equal(board.chain[1].data.line, "D");
	assert_string_equal(board.chain[1].clock.line, "C");
	assert_string_equal(board.chain[1].latch.line, "L");
	assert_int_equal(board.chain[1].resistor, 1000);
}

static void what_else_is_said_is_kept(void **state)
{
	(void)state;
	accept_board("text = \"a box\"; locked = true; resistor = 470;"
		     "shares = [\"i2c\", \"i2s8\"];"
		     "times: { debounce = 0.01; settle = 0.05; hold = 1;"
		     " long = 3; double = 0.5; preroll = 0; };"
		     "expanders = ({ address = 0x21; interrupt = \"GPIO4\"; },"
		     " { label = \"other\"; });");
	assert_string_equal(board.text, "a box");
	assert_true(board.start_locked);
	assert_int_equal(board.resistor, 470);
	assert_int_equal(board.shares, BOARD_SHARES_I2C | BOARD_SHARES_I2S8);
	assert_true(board.debounce == 0.01 && board.settle == 0.05);
	assert_true(board.hold == 1 && board.long_press == 3);
	assert_true(board.double_press == 0.5 && board.preroll == 0);
	assert_int_equal(board.expanders, 2);
	assert_string_equal(board.expander[0].label, "mcp23017");
	assert_int_equal(board.expander[0].address, 0x21);
	assert_string_equal(board.expander[0].interrupt, "GPIO4");
	assert_string_equal(board.expander[1].label, "other");
	assert_int_equal(board.expander[1].address, 0x20);
}

static const struct board_rule *rule(enum board_input_role button,
				     enum board_gesture gesture)
{
	for (unsigned i = 0; i < board.rules; i++)
		if (board.rule[i].button == button &&
		    board.rule[i].gesture == gesture)
			return &board.rule[i];
	return NULL;
}

static void buttons_have_default_gestures(void **state)
{
	static const struct board_rule expected[] = {
		{BOARD_REC, BOARD_PRESS, BOARD_DO_RECORD, 0},
		{BOARD_STOP, BOARD_HOLD, BOARD_DO_STOP, 0},
		{BOARD_MARK, BOARD_PRESS, BOARD_DO_MARK, 0},
		{BOARD_KEEP, BOARD_PRESS, BOARD_DO_KEEP, 0},
		{BOARD_LOCK, BOARD_HOLD, BOARD_DO_LOCK, 0},
		{BOARD_FOOTSWITCH, BOARD_PRESS, BOARD_DO_RECORD_OR_MARK, 0},
		{BOARD_FOOTSWITCH, BOARD_HOLD, BOARD_DO_STOP, 0},
		{BOARD_TRIGGER, BOARD_PRESS, BOARD_DO_TOGGLE, 0},
	};

	(void)state;
	accept_board("inputs = ({ role = \"rec\"; line = \"A\"; },"
		     "{ role = \"stop\"; line = \"B\"; },"
		     "{ role = \"mark\"; line = \"C\"; },"
		     "{ role = \"keep\"; line = \"D\"; },"
		     "{ role = \"lock\"; line = \"E\"; },"
		     "{ role = \"footswitch\"; line = \"F\"; },"
		     "{ role = \"trigger\"; line = \"G\"; },"
		     "{ role = \"play\"; line = \"H\"; });");
	assert_int_equal(board.rules, sizeof(expected) / sizeof(*expected));
	for (unsigned i = 0; i < board.rules; i++)
		assert_int_equal(
			rule(expected[i].button, expected[i].gesture)->action,
			expected[i].action);
}

static void a_rule_of_the_file_replaces_its_buttons_defaults(void **state)
{
	(void)state;
	accept_board("inputs = ({ role = \"footswitch\"; line = \"A\"; },"
		     "{ role = \"rec\"; line = \"B\"; });\n"
		     "gestures = ({ button = \"footswitch\"; gesture = "
		     "\"long\"; action = \"toggle\"; });");
	assert_int_equal(board.rules, 2);
	assert_int_equal(rule(BOARD_FOOTSWITCH, BOARD_LONG)->action,
			 BOARD_DO_TOGGLE);
	assert_int_equal(rule(BOARD_FOOTSWITCH, BOARD_LONG)->line, 2);
	assert_int_equal(rule(BOARD_REC, BOARD_PRESS)->action, BOARD_DO_RECORD);
}

static void a_latched_switch_has_no_default_gesture(void **state)
{
	(void)state;
	accept_board("inputs = ({ role = \"lock\"; line = \"A\";"
		     " latched = true; });");
	assert_int_equal(board.rules, 0);
}

/* ---- refused ---- */

static void unknown_keys_have_a_near_name(void **state)
{
	(void)state;
	refuse_board("\nimputs = ();", "t.board:2: unknown key 'imputs' in "
				       "board; did you mean 'inputs'?");
	refuse_board("inputs = ({ rolle = \"rec\"; });",
		     "t.board:1: unknown key 'rolle' in inputs; did you mean "
		     "'role'?");
	refuse_board("times: { hould = 1; };",
		     "t.board:1: unknown key 'hould' in times; did you mean "
		     "'hold'?");
	refuse_board("hold = 1;", "t.board:1: unknown key 'hold' in board; "
				  "did you mean 'times.hold'?");
}

static void wrong_types_are_refused(void **state)
{
	(void)state;
	refuse_board("inputs = { };",
		     "t.board:1: inputs must be a list of groups; write "
		     "inputs = ( { ... }, { ... } );");
	refuse_board("inputs = (1);",
		     "t.board:1: each of inputs must be a group; write { role "
		     "= \"rec\"; line = \"GPIO5\"; }");
	refuse_board("inputs = ({ line = 5; });",
		     "t.board:1: inputs.line must be a text in double quotes, "
		     "not a whole number");
	refuse_board("inputs = ({ latched = 1; });",
		     "t.board:1: inputs.latched must be true or false, not a "
		     "whole number");
	refuse_board("times = 1;", "t.board:1: times must be a group; write "
				   "times: { hold = 1.0; }");
	refuse_board("shares = \"i2c\";", "t.board:1: shares must be a list; "
					  "write shares = [\"i2c\"]");
	refuse_board("steps = [\"a\"];", "t.board:1: board.steps must be a "
					 "number of dBFS, not a text");
	refuse_board("times: { hold = (); };",
		     "t.board:1: times.hold must be a number of seconds, not "
		     "a group or a list");
}

static void impossible_values_are_refused(void **state)
{
	(void)state;
	refuse_board("inputs = ({ role = \"rek\"; });",
		     "t.board:1: inputs.role is not possible; give one of "
		     "\"rec\", \"stop\", \"play\", \"mark\", \"keep\", "
		     "\"lock\", \"footswitch\", \"talk\", \"trigger\", "
		     "\"arm\", \"power-fail\"");
	refuse_board("inputs = ({ role = \"arm\"; track = 65; });",
		     "t.board:1: inputs.track = 65 is not possible; give 1 to "
		     "64");
	refuse_board("times: { debounce = 3; };",
		     "t.board:1: times.debounce = 3 is not possible; give "
		     "0.001 to 0.5");
	refuse_board("steps = [-40.0, 3.0];",
		     "t.board:1: board.steps = 3 is not possible; give -144 "
		     "to 0");
	refuse_board("inputs = ({ line = \"\"; });",
		     "t.board:1: inputs.line must not be empty");
	refuse_board("shares = [\"usb\"];",
		     "t.board:1: board.shares is not possible; give one of "
		     "\"i2c\", \"spi0\", \"spi1\", \"uart\", \"i2s\", "
		     "\"i2s8\"");
}

static void incomplete_inputs_are_refused(void **state)
{
	(void)state;
	refuse_board("inputs = ({ line = \"A\"; });",
		     "t.board:1: this input has no role; add role = \"rec\"");
	refuse_board("inputs = ({ role = \"rec\"; });",
		     "t.board:1: this input (rec) has no line; add line = "
		     "\"GPIO5\"");
	refuse_board("inputs = ({ role = \"arm\"; line = \"A\"; });",
		     "t.board:1: arm belongs to a track; add track = 1");
	refuse_board("inputs = ({ role = \"rec\"; line = \"A\"; track = 1; });",
		     "t.board:1: rec belongs to no track; drop track");
}

static void outputs_without_one_place_are_refused(void **state)
{
	(void)state;
	refuse_board("outputs = ({ line = \"A\"; });",
		     "t.board:1: this output has no role; add role = \"rec\"");
	refuse_board("outputs = ({ role = \"rec\"; });",
		     "t.board:1: rec has either line = \"GPIO5\", or a chain "
		     "and a bit");
	refuse_board(LEDS "outputs = ({ role = \"rec\"; chain = \"leds\"; });",
		     "t.board:2: rec has either line = \"GPIO5\", or a chain "
		     "and a bit");
	refuse_board(LEDS "outputs = ({ role = \"rec\"; chain = \"leds\"; bit "
			  "= 1; line = \"A\"; });",
		     "t.board:2: rec has either line = \"GPIO5\", or a chain "
		     "and a bit");
	refuse_board("outputs = ({ role = \"rec\"; line = \"A\"; bits = [1]; "
		     "});",
		     "t.board:1: only a bar has lines, bits and steps; rec "
		     "has a line, or a chain and a bit");
	refuse_board("outputs = ({ role = \"signal\"; line = \"A\"; });",
		     "t.board:1: signal belongs to a track; add track = 1");
	refuse_board(LEDS "outputs = ({ role = \"rec\"; chain = \"leds\"; bit "
			  "= 1; active = \"low\"; });",
		     "t.board:2: active and drive of rec are those of its "
		     "chain; drop them here");
}

static void bars_without_steps_are_refused(void **state)
{
	(void)state;
	refuse_board("outputs = ({ role = \"bar\"; track = 1; lines = "
		     "[\"A\", \"B\"]; });",
		     "t.board:1: this bar has no steps; add steps = [...], "
		     "the dBFS from which each of its 2 LEDs is lit, here or "
		     "at the top for all bars");
	refuse_board("steps = [-1.0]; outputs = ({ role = \"bar\"; track = 1; "
		     "lines = [\"A\", \"B\"]; });",
		     "t.board:1: this bar has 2 LEDs but 1 steps");
	refuse_board("outputs = ({ role = \"bar\"; track = 1; line = \"A\"; "
		     "});",
		     "t.board:1: a bar has either lines = [...], or a chain "
		     "and bits = [...]");
	refuse_board("outputs = ({ role = \"bar\"; track = 1; bits = 3; });",
		     "t.board:1: outputs.bits must be a list of 1 to 32, the "
		     "LEDs of a bar from the lowest up");
}

static void bits_beyond_their_chain_are_refused(void **state)
{
	(void)state;
	refuse_board(LEDS "outputs = ({ role = \"rec\"; chain = \"leds\"; bit "
			  "= 16; });",
		     "t.board:2: bit 16 is beyond chain leds, which has bits "
		     "0 to 15");
	refuse_board(LEDS "outputs = ({ role = \"rec\"; chain = \"led\"; bit = "
			  "1; });",
		     "t.board:2: there is no chain 'led'; there is 'leds'");
	refuse_board("outputs = ({ role = \"rec\"; chain = \"led\"; bit = 1; "
		     "});",
		     "t.board:1: there is no chain 'led'; add it to chains");
	refuse_board(LEDS "outputs = ({ role = \"rec\"; chain = \"leds\"; bit "
			  "= 256; });",
		     "t.board:2: outputs.bit = 256 is not possible; give 0 to "
		     "255");
}

static void chains_that_cannot_be_are_refused(void **state)
{
	(void)state;
	refuse_board("chains = ({ bits = 8; spi = \"x\"; });",
		     "t.board:1: this chain has no name; add name = \"leds\"");
	refuse_board("chains = ({ name = \"a\"; bits = 12; spi = \"x\"; });",
		     "t.board:1: chain a needs bits, 8 for each register: 8, "
		     "16, ... 256");
	refuse_board("chains = ({ name = \"a\"; bits = 8; data = \"x\"; });",
		     "t.board:1: chain a has either spi = \"/dev/spidev0.0\", "
		     "or all of data, clock and latch");
	refuse_board("chains = ({ name = \"a\"; bits = 8; data = \"x\"; clock "
		     "= \"y\"; latch = \"z\"; speed = 10000; });",
		     "t.board:1: chain a has no spi; drop speed");
	refuse_board(LEDS "expanders = (); times: { }; outputs = ();"
			  "gestures = (); chains = ();",
		     "t.board:2: duplicate setting name");
	refuse_board("chains = ({ name = \"a\"; bits = 8; spi = \"x\"; }, "
		     "{ name = \"a\"; bits = 8; spi = \"y\"; });",
		     "t.board:1: there are two chains 'a'; rename one");
}

static void gestures_must_be_whole(void **state)
{
	(void)state;
	refuse_board("gestures = ({ button = \"rec\"; });",
		     "t.board:1: a gesture has a button, a gesture and an "
		     "action; write { button = \"rec\"; gesture = \"press\"; "
		     "action = \"record\"; }");
	refuse_board("gestures = ({ button = \"arm\"; gesture = \"press\"; "
		     "action = \"mark\"; });",
		     "t.board:1: what arm does cannot be changed; drop this "
		     "gesture");
}

static void too_many_are_refused(void **state)
{
	static char text[8000];
	size_t length = 0;

	(void)state;
	strcpy(text, "inputs = (\n");
	length = strlen(text);
	for (int i = 0; i < BOARD_INPUTS_MAX + 1; i++)
		length += (size_t)sprintf(
			text + length, "%s{ role = \"rec\"; line = \"L%d\"; }",
			i ? ",\n" : "", i);
	strcpy(text + length, ");");
	refuse_board(text, "t.board:130: more than 128 inputs");
}

static void syntax_errors_have_a_line(void **state)
{
	(void)state;
	refuse_board("text = \"a\"\ninputs = (;",
		     "t.board:2: syntax error; look here and in the line "
		     "before for a missing quote, bracket or semicolon");
	refuse_board("@include \"/etc/passwd\"\n",
		     "t.board:1: @include is not allowed; put everything "
		     "into this file, or into a later one");
}

/* ---- files ---- */

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/takebox-boards-XXXXXX");
	return mkdtemp(folder) ? setenv("TAKEBOX_BOARDS", folder, 1) : -1;
}

static int remove_folder(void **state)
{
	char path[96];

	(void)state;
	snprintf(path, sizeof(path), "%s/mine.board", folder);
	unlink(path);
	return rmdir(folder);
}

static void write_board(const char *text)
{
	char path[96];
	FILE *file;

	snprintf(path, sizeof(path), "%s/mine.board", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void a_board_is_found_by_name_or_path(void **state)
{
	char path[96];

	(void)state;
	write_board("text = \"mine\";");
	assert_int_equal(board_load(&board, "mine", error, sizeof(error)), 0);
	assert_string_equal(board.name, "mine");
	assert_string_equal(board.text, "mine");
	snprintf(path, sizeof(path), "%s/mine.board", folder);
	assert_string_equal(board.file, path);
	assert_int_equal(board_load(&board, path, error, sizeof(error)), 0);
	assert_string_equal(board.name, "mine");
}

static void errors_of_a_named_board_name_its_file(void **state)
{
	char expected[160];

	(void)state;
	write_board("\nlocked = 1;");
	assert_int_equal(board_load(&board, "mine", error, sizeof(error)),
			 -EINVAL);
	snprintf(expected, sizeof(expected),
		 "%s/mine.board:2: board.locked must be true or false, not a "
		 "whole number",
		 folder);
	assert_string_equal(error, expected);
}

static void a_board_that_is_not_there_is_said(void **state)
{
	(void)state;
	assert_int_equal(board_load(&board, "yours", error, sizeof(error)),
			 -ENOENT);
	assert_memory_equal(error, "there is no board 'yours' in /tmp/", 34);
	assert_int_equal(
		board_load(&board, "/nix/x.board", error, sizeof(error)),
		-ENOENT);
	assert_string_equal(error, "/nix/x.board: there is no such file");
	assert_int_equal(board_load(&board, "/tmp/", error, sizeof(error)),
			 -EINVAL);
	assert_string_equal(error, "/tmp/: is not a file");
}

static void none_needs_no_file(void **state)
{
	(void)state;
	assert_int_equal(board_load(&board, "none", error, sizeof(error)), 0);
	assert_string_equal(board.name, "none");
	assert_int_equal(board.inputs + board.outputs, 0);
	assert_true(board.hold == 0.7);
}

static void header_lines_are_known_by_name_and_by_chip(void **state)
{
	(void)state;
	assert_int_equal(board_header_line("GPIO17"), 17);
	assert_int_equal(board_header_line("pinctrl-rp1:4"), 4);
	assert_int_equal(board_header_line("mcp23017:4"), -1);
	assert_int_equal(board_header_line("GPIO"), -1);
	assert_int_equal(board_header_line("GPIO1x"), -1);
	assert_int_equal(board_header_line("GPIO_GCLK"), -1);
	assert_int_equal(board_header_pin(17), 11);
	assert_int_equal(board_header_pin(21), 40);
	assert_int_equal(board_header_pin(27), 13);
	assert_int_equal(board_header_pin(28), 0);
	assert_int_equal(board_header_pin(-1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_empty_file_is_an_empty_board_with_default_times),
		cmocka_unit_test(an_input_is_a_button_to_ground_with_a_pull_up),
		cmocka_unit_test(an_input_can_be_all_else),
		cmocka_unit_test(an_output_is_on_a_line_or_a_bit),
		cmocka_unit_test(an_output_is_a_led_of_the_kernels),
		cmocka_unit_test(a_bar_is_a_lamp_for_each_step),
		cmocka_unit_test(chains_are_clocked_by_spi_or_three_lines),
		cmocka_unit_test(what_else_is_said_is_kept),
		cmocka_unit_test(buttons_have_default_gestures),
		cmocka_unit_test(
			a_rule_of_the_file_replaces_its_buttons_defaults),
		cmocka_unit_test(a_latched_switch_has_no_default_gesture),
		cmocka_unit_test(unknown_keys_have_a_near_name),
		cmocka_unit_test(wrong_types_are_refused),
		cmocka_unit_test(impossible_values_are_refused),
		cmocka_unit_test(incomplete_inputs_are_refused),
		cmocka_unit_test(outputs_without_one_place_are_refused),
		cmocka_unit_test(bars_without_steps_are_refused),
		cmocka_unit_test(bits_beyond_their_chain_are_refused),
		cmocka_unit_test(chains_that_cannot_be_are_refused),
		cmocka_unit_test(gestures_must_be_whole),
		cmocka_unit_test(too_many_are_refused),
		cmocka_unit_test(syntax_errors_have_a_line),
		cmocka_unit_test(a_board_is_found_by_name_or_path),
		cmocka_unit_test(errors_of_a_named_board_name_its_file),
		cmocka_unit_test(a_board_that_is_not_there_is_said),
		cmocka_unit_test(none_needs_no_file),
		cmocka_unit_test(header_lines_are_known_by_name_and_by_chip),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
