/*
 * board_check: each thing that a board file can say but nobody can wire or
 * play; and that the boards that are shipped have nothing of it.
 */
#include "board_text.h"

#include <dirent.h>
#include <stdlib.h>

static char findings[8192];

static void note(void *context, bool is_error, unsigned line, const char *text)
{
	size_t length = strlen(findings);

	(void)context;
	snprintf(findings + length, sizeof(findings) - length, "%s %u: %s\n",
		 is_error ? "error" : "warning", line, text);
}

/* That text is a board of which all is said that is in expected. */
static void finds(const char *text, unsigned errors, const char *expected)
{
	accept_board(text);
	findings[0] = '\0';
	assert_int_equal(board_check(&board, note, NULL), errors);
	assert_string_equal(findings, expected);
}

static void a_good_board_has_no_findings(void **state)
{
	(void)state;
	finds("inputs = ({ role = \"rec\"; line = \"GPIO5\"; },"
	      "{ role = \"stop\"; line = \"GPIO6\"; });"
	      "outputs = ({ role = \"rec\"; line = \"GPIO13\"; });",
	      0, "");
	finds("", 0, "");
}

static void double_use_is_found(void **state)
{
	(void)state;
	finds("inputs = ({ role = \"stop\"; line = \"GPIO5\"; },\n"
	      "{ role = \"arm\"; track = 2; line = \"GPIO5\"; });",
	      1,
	      "error 2: GPIO5 is used twice: by stop (line 1) and by arm of "
	      "track 2\n");
	finds("inputs = ({ role = \"stop\"; line = \"GPIO5\"; });\n"
	      "outputs = ({ role = \"ready\"; line = \"pinctrl-rp1:5\"; });",
	      1,
	      "error 2: pinctrl-rp1:5 is used twice: by stop (line 1) and by "
	      "ready\n");
	finds("chains = ({ name = \"a\"; bits = 8; data = \"GPIO5\"; clock = "
	      "\"GPIO6\"; latch = \"GPIO5\"; });"
	      "outputs = ({ role = \"play\"; chain = \"a\"; bit = 0; });",
	      1,
	      "error 1: GPIO5 is used twice: by data of chain a (line 1) and "
	      "by latch of chain a\n");
	finds("expanders = ({ interrupt = \"GPIO4\"; });\n"
	      "outputs = ({ role = \"play\"; line = \"GPIO4\"; });",
	      1,
	      "error 1: GPIO4 is used twice: by play (line 2) and by an "
	      "expander's interrupt\n");
}

static void pins_of_the_id_eeprom_are_found(void **state)
{
	(void)state;
	finds("outputs = ({ role = \"play\"; line = \"GPIO0\"; },"
	      "{ role = \"ready\"; line = \"GPIO1\"; });",
	      2,
	      "error 1: GPIO0 (play) belongs to the ID EEPROM, which the "
	      "firmware reads at every start; take another line\n"
	      "error 1: GPIO1 (ready) belongs to the ID EEPROM, which the "
	      "firmware reads at every start; take another line\n");
}

static void pins_of_i2s_are_found(void **state)
{
	(void)state;
	finds("outputs = ({ role = \"play\"; line = \"GPIO18\"; },"
	      "{ role = \"ready\"; line = \"GPIO22\"; });",
	      0,
	      "warning 1: GPIO18 (play) belongs to I2S: it works with a USB "
	      "interface, not with an I2S one\n");
	finds("shares = [\"i2s\"];"
	      "outputs = ({ role = \"play\"; line = \"GPIO21\"; },"
	      "{ role = \"ready\"; line = \"GPIO22\"; });",
	      1, "error 1: GPIO21 (play) belongs to I2S; take another line\n");
	finds("shares = [\"i2s8\"];"
	      "outputs = ({ role = \"play\"; line = \"GPIO21\"; },"
	      "{ role = \"ready\"; line = \"GPIO22\"; },"
	      "{ role = \"alert\"; line = \"GPIO27\"; },"
	      "{ role = \"lock\"; line = \"GPIO17\"; });",
	      3,
	      "error 1: GPIO21 (play) belongs to I2S; take another line\n"
	      "error 1: GPIO22 (ready) belongs to I2S of an 8-channel "
	      "interface; take another line\n"
	      "error 1: GPIO27 (alert) belongs to I2S of an 8-channel "
	      "interface; take another line\n");
}

static void pins_of_spi_are_found(void **state)
{
	(void)state;
	finds("chains = ({ name = \"a\"; bits = 8; spi = \"/dev/spidev0.0\"; "
	      "});"
	      "outputs = ({ role = \"play\"; chain = \"a\"; bit = 0; },"
	      "{ role = \"ready\"; line = \"GPIO7\"; });",
	      1, "error 1: GPIO7 (ready) belongs to SPI0; take another line\n");
	finds("chains = ({ name = \"a\"; bits = 8; spi = \"/dev/spidev1.2\"; "
	      "});"
	      "outputs = ({ role = \"play\"; chain = \"a\"; bit = 0; },"
	      "{ role = \"ready\"; line = \"GPIO16\"; });",
	      1,
	      "error 1: GPIO16 (ready) belongs to SPI1; take another line\n");
	finds("outputs = ({ role = \"ready\"; line = \"GPIO7\"; });", 0, "");
}

static void pins_of_uart_and_i2c_are_found(void **state)
{
	(void)state;
	finds("outputs = ({ role = \"ready\"; line = \"GPIO14\"; });", 0,
	      "warning 1: GPIO14 (ready) belongs to the UART: it works only "
	      "if the serial console is off\n");
	finds("shares = [\"uart\"];"
	      "outputs = ({ role = \"ready\"; line = \"GPIO15\"; });",
	      1,
	      "error 1: GPIO15 (ready) belongs to the UART; take another "
	      "line\n");
	finds("expanders = ({ });"
	      "outputs = ({ role = \"ready\"; line = \"GPIO2\"; });",
	      1, "error 1: GPIO2 (ready) belongs to I2C; take another line\n");
	finds("outputs = ({ role = \"ready\"; line = \"GPIO2\"; },"
	      "{ role = \"play\"; line = \"GPIO40\"; });",
	      0, "warning 1: GPIO40 (play) is not on the 40-pin header\n");
}

static void inputs_without_a_right_pull_are_found(void **state)
{
	(void)state;
	finds("inputs = ({ role = \"stop\"; line = \"GPIO5\"; pull = "
	      "\"none\"; });",
	      0,
	      "warning 1: GPIO5 (stop) has no pull: without a resistor of its "
	      "own (10 kOhm) it picks up what is in the air\n");
	finds("inputs = ({ role = \"stop\"; line = \"GPIO5\"; pull = "
	      "\"down\"; });",
	      1,
	      "error 1: GPIO5 (stop) is active low but pulled down: it would "
	      "always be active\n");
	finds("inputs = ({ role = \"stop\"; line = \"GPIO5\"; pull = \"up\"; "
	      "active = \"high\"; });",
	      1,
	      "error 1: GPIO5 (stop) is active high but pulled up: it would "
	      "always be active\n");
	finds("inputs = ({ role = \"stop\"; line = \"GPIO3\"; active = "
	      "\"high\"; });",
	      1,
	      "error 1: GPIO3 (stop) is active high but pulled up on the Pi "
	      "itself: it would always be active\n");
	finds("inputs = ({ role = \"stop\"; line = \"GPIO3\"; pull = "
	      "\"none\"; });",
	      0, "");
}

static void expanders_are_checked(void **state)
{
	(void)state;
	finds("expanders = ({ label = \"a\"; }, { label = \"b\"; });"
	      "outputs = ({ role = \"play\"; line = \"a:15\"; },"
	      "{ role = \"ready\"; line = \"b:16\"; });",
	      2,
	      "error 1: two expanders have the address 0x20; set other A0 to "
	      "A2\n"
	      "error 1: b:16 (ready): an expander has lines 0 to 15\n");
}

static void chains_are_checked(void **state)
{
	(void)state;
	finds("chains = ({ name = \"a\"; bits = 8; spi = \"x\"; },\n"
	      "{ name = \"b\"; bits = 8; spi = \"x\"; });"
	      "outputs = ({ role = \"play\"; chain = \"a\"; bit = 0; });",
	      1,
	      "warning 2: chain b has no outputs\n"
	      "error 2: chains a and b are both on x; wire them as one, or "
	      "use the other chip select\n");
	finds("chains = ({ name = \"a\"; bits = 8; data = \"GPIO5\"; clock = "
	      "\"GPIO6\"; latch = \"mcp23017:1\"; });"
	      "outputs = ({ role = \"play\"; chain = \"a\"; bit = 0; });",
	      1,
	      "error 1: data, clock and latch of chain a must be lines of one "
	      "chip\n");
	finds("chains = ({ name = \"a\"; bits = 8; data = \"p:5\"; clock = "
	      "\"p:6\"; latch = \"q:7\"; });"
	      "outputs = ({ role = \"play\"; chain = \"a\"; bit = 0; });",
	      1,
	      "error 1: data, clock and latch of chain a must be lines of one "
	      "chip\n");
}

static void bits_used_twice_are_found(void **state)
{
	(void)state;
	finds("chains = ({ name = \"a\"; bits = 8; spi = \"x\"; });\n"
	      "outputs = ({ role = \"play\"; chain = \"a\"; bit = 3; },\n"
	      "{ role = \"bar\"; track = 1; chain = \"a\"; bits = [2, 3]; "
	      "steps = [-9, -3]; });",
	      1,
	      "error 3: bit 3 of chain a is used twice: by play (line 2) and "
	      "by bar\n");
}

static void switches_that_contradict_each_other_are_found(void **state)
{
	(void)state;
	finds("inputs = ({ role = \"arm\"; track = 1; line = \"GPIO5\"; "
	      "latched = true; },\n{ role = \"arm\"; track = 1; line = "
	      "\"GPIO6\"; latched = true; });",
	      1,
	      "error 2: track 1 is armed by two switches (line 1 and here), "
	      "which can contradict each other\n");
	finds("inputs = ({ role = \"arm\"; track = 1; line = \"GPIO5\"; },"
	      "{ role = \"arm\"; track = 1; line = \"GPIO6\"; });",
	      0, "");
	finds("inputs = ({ role = \"footswitch\"; line = \"GPIO5\"; latched = "
	      "true; },\n{ role = \"trigger\"; line = \"GPIO6\"; latched = "
	      "true; });outputs = ({ role = \"rec\"; line = \"GPIO13\"; });",
	      1,
	      "error 2: footswitch (line 1) and trigger are switches that "
	      "both say whether it records, and can contradict each other\n");
	finds("inputs = ({ role = \"mark\"; line = \"GPIO5\"; latched = true; "
	      "});",
	      1,
	      "error 1: mark is pressed, it has no state: it cannot be a "
	      "latched switch\n");
}

#define BUTTON(role) "inputs = ({ role = \"" role "\"; line = \"GPIO5\"; });\n"
#define RULE(button, gesture, action)                                          \
	"{ button = \"" button "\"; gesture = \"" gesture                      \
	"\"; action = \"" action "\"; }"

static void gestures_that_never_happen_are_found(void **state)
{
	(void)state;
	finds("inputs = ({ role = \"lock\"; line = \"GPIO5\"; latched = true; "
	      "});\ngestures = (" RULE("lock", "hold", "lock") ");",
	      1,
	      "error 2: hold on lock can never happen: it is a latched switch, "
	      "and its state alone counts\n");
	finds("gestures = (" RULE("mark", "press", "mark") ");", 0,
	      "warning 1: a gesture on mark, which this board does not have\n");
	finds(BUTTON("mark") "times: { hold = 2.0; };"
			     "gestures = (" RULE("mark", "hold",
						 "mark") "," RULE("mark",
								  "long",
								  "keep") ");",
	      1,
	      "error 2: hold on mark can never happen: 2 s is as long as long "
	      "(2 s); make times.hold shorter\n");
	finds(BUTTON("mark") "times: { double = 0.1; debounce = 0.1; };"
			     "gestures = (" RULE("mark", "double", "mark") ");",
	      1,
	      "error 2: double on mark can never happen: the second press "
	      "within 0.1 s falls into the debounce time of 0.1 s; make "
	      "times.debounce shorter\n");
}

static void gestures_that_are_the_same_are_found(void **state)
{
	(void)state;
	finds(BUTTON("mark") "gestures = (" RULE(
		      "mark", "press", "mark") ",\n" RULE("mark", "press",
							  "keep") ");",
	      1,
	      "error 3: press on mark has two actions (line 2 and here), which "
	      "cannot be told apart\n");
	finds(BUTTON("mark") "times: { debounce = 0.4; hold = 0.3; };"
			     "gestures = (" RULE("mark", "hold", "mark") ");",
	      1,
	      "error 2: hold on mark cannot be told from a press: it is "
	      "shorter than the debounce time of 0.4 s\n");
}

static void what_nobody_can_do_or_see_is_found(void **state)
{
	(void)state;
	finds("inputs = ({ role = \"rec\"; line = \"GPIO5\"; });", 0,
	      "warning 0: this board starts takes but cannot end them\n"
	      "warning 1: there is no rec LED: nobody sees whether it "
	      "records\n");
	finds("locked = true;", 0,
	      "warning 0: it starts locked, and nothing on this board unlocks "
	      "it\n");
	finds(BUTTON("play"), 0,
	      "warning 1: play does nothing: it has no gesture of its own "
	      "yet\n");
}

static void bars_out_of_order_are_found(void **state)
{
	(void)state;
	finds("steps = [-40, -50];\n"
	      "outputs = ({ role = \"bar\"; track = 7; lines = [\"A\", "
	      "\"B\"]; },\n{ role = \"bar\"; track = 7; lines = [\"C\"]; "
	      "steps = [-60]; });",
	      1,
	      "error 2: the steps of track 7's bar must rise from LED to LED: "
	      "-50 does not follow -40\n");
}

static void currents_are_added_up(void **state)
{
	(void)state;
	finds("resistor = 100;"
	      "outputs = ({ role = \"play\"; line = \"GPIO5\"; },"
	      "{ role = \"ready\"; line = \"GPIO6\"; },"
	      "{ role = \"alert\"; line = \"GPIO13\"; },"
	      "{ role = \"lock\"; line = \"GPIO12\"; });",
	      0,
	      "warning 0: all 4 LEDs on lines of the Pi draw 56 mA together; "
	      "it can give about 50: take larger resistors than 100 ohms\n");
	finds("chains = ({ name = \"a\"; bits = 8; spi = \"x\"; resistor = "
	      "100; });\nsteps = [-8, -7, -6, -5, -4, -3];"
	      "outputs = ({ role = \"bar\"; track = 1; chain = \"a\"; "
	      "bits = [0, 1, 2, 3, 4, 5]; });",
	      0,
	      "warning 1: the LEDs of a register of chain a can draw 84 mA; a "
	      "74HC595 bears 70: take larger resistors than 100 ohms\n");
}

static void shipped_boards_are_good(void **state)
{
	DIR *folder = opendir("board");
	struct dirent *entry;
	unsigned boards = 0;

	(void)state;
	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		char path[300];

		if (!strstr(entry->d_name, ".board"))
			continue;
		snprintf(path, sizeof(path), "board/%s", entry->d_name);
		assert_int_equal(board_load(&board, path, error, sizeof(error)),
				 0);
		findings[0] = '\0';
		assert_int_equal(board_check(&board, note, NULL), 0);
		assert_string_equal(findings, "");
		boards++;
	}
	closedir(folder);
	assert_int_equal(boards, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_board_has_no_findings),
		cmocka_unit_test(double_use_is_found),
		cmocka_unit_test(pins_of_the_id_eeprom_are_found),
		cmocka_unit_test(pins_of_i2s_are_found),
		cmocka_unit_test(pins_of_spi_are_found),
		cmocka_unit_test(pins_of_uart_and_i2c_are_found),
		cmocka_unit_test(inputs_without_a_right_pull_are_found),
		cmocka_unit_test(expanders_are_checked),
		cmocka_unit_test(chains_are_checked),
		cmocka_unit_test(bits_used_twice_are_found),
		cmocka_unit_test(switches_that_contradict_each_other_are_found),
		cmocka_unit_test(gestures_that_never_happen_are_found),
		cmocka_unit_test(gestures_that_are_the_same_are_found),
		cmocka_unit_test(what_nobody_can_do_or_see_is_found),
		cmocka_unit_test(bars_out_of_order_are_found),
		cmocka_unit_test(currents_are_added_up),
		cmocka_unit_test(shipped_boards_are_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
