/*
 * wiring: what hangs on which pin, and what becomes of it in a drawing.
 */
#include "board_text.h"

#include <stdlib.h>

#include "tools/board_draw.h"
#include "tools/wiring.h"

static struct wiring_pin pins[WIRING_HEADER_PINS];

static const struct wiring_pin *header(unsigned pin)
{
	wiring_header(&board, pins);
	assert_int_equal(pins[pin - 1].pin, pin);
	return &pins[pin - 1];
}

static void the_header_has_supplies_and_grounds(void **state)
{
	static const unsigned grounds[] = {6, 9, 14, 20, 25, 30, 34, 39};

	(void)state;
	accept_board("");
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(header(grounds[i])->kind, WIRING_GROUND);
	assert_int_equal(header(1)->kind, WIRING_SUPPLY_3V3);
	assert_int_equal(header(17)->kind, WIRING_SUPPLY_3V3);
	assert_int_equal(header(2)->kind, WIRING_SUPPLY_5V);
	assert_int_equal(header(4)->kind, WIRING_SUPPLY_5V);
	assert_int_equal(header(27)->kind, WIRING_KEPT_FREE);
	assert_int_equal(header(40)->kind, WIRING_FREE);
	assert_string_equal(header(40)->name, "GPIO21");
}

static void buttons_and_leds_are_on_their_pins(void **state)
{
	(void)state;
	accept_board("resistor = 470;"
		     "inputs = ({ role = \"stop\"; line = \"GPIO17\"; },"
		     "{ role = \"arm\"; track = 2; line = \"pinctrl-rp1:4\";"
		     " latched = true; active = \"high\"; });"
		     "outputs = ({ role = \"rec\"; line = \"GPIO27\"; },"
		     "{ role = \"signal\"; track = 9; line = \"GPIO22\";"
		     " active = \"low\"; });");
	assert_int_equal(header(11)->kind, WIRING_BUTTON);
	assert_string_equal(header(11)->what, "stop");
	assert_string_equal(header(11)->how, "button to ground");
	assert_string_equal(header(7)->what, "arm 2");
	assert_string_equal(header(7)->how, "switch to 3.3 V");
	assert_string_equal(header(13)->how, "470 Ω, LED (red), ground");
	assert_string_equal(header(15)->what, "signal 9");
	assert_string_equal(header(15)->how, "470 Ω, LED (green), 3.3 V");
}

static void buses_are_on_their_pins(void **state)
{
	(void)state;
	accept_board("expanders = ({ interrupt = \"GPIO4\"; });"
		     "chains = ({ name = \"a\"; bits = 8; spi = "
		     "\"/dev/spidev0.1\"; }, { name = \"b\"; bits = 8; data = "
		     "\"GPIO5\"; clock = \"GPIO6\"; latch = \"GPIO13\"; });");
	assert_string_equal(header(3)->how, "SDA, pin 13 of the MCP23017");
	assert_string_equal(header(5)->how, "SCL, pin 12 of the MCP23017");
	assert_string_equal(header(7)->how, "INTA, pin 20 of the MCP23017");
	assert_string_equal(header(19)->how,
			    "SER, pin 14 of the first 74HC595");
	assert_string_equal(header(23)->how, "SRCLK, pin 11 of every 74HC595");
	assert_string_equal(header(26)->how, "RCLK, pin 12 of every 74HC595");
	assert_int_equal(header(24)->kind, WIRING_KEPT_FREE);
	assert_string_equal(header(29)->what, "b");
	assert_string_equal(header(33)->how, "RCLK, pin 12 of every 74HC595");
}

static void an_expanders_lines_are_on_its_pins(void **state)
{
	(void)state;
	accept_board("expanders = ({ address = 0x25; });"
		     "inputs = ({ role = \"stop\"; line = \"mcp23017:0\"; },"
		     "{ role = \"rec\"; line = \"mcp23017:7\"; },"
		     "{ role = \"mark\"; line = \"mcp23017:8\"; },"
		     "{ role = \"keep\"; line = \"mcp23017:15\"; });");
	wiring_expander(&board, 0, pins);
	assert_string_equal(pins[20].name, "GPA0");
	assert_string_equal(pins[20].what, "stop");
	assert_string_equal(pins[27].what, "rec");
	assert_string_equal(pins[0].name, "GPB0");
	assert_string_equal(pins[0].what, "mark");
	assert_string_equal(pins[7].what, "keep");
	assert_string_equal(pins[14].what, "3.3 V");
	assert_string_equal(pins[15].what, "ground");
	assert_string_equal(pins[16].what, "3.3 V");
	assert_int_equal(pins[19].kind, WIRING_FREE);
}

static void a_registers_bits_are_on_its_pins(void **state)
{
	struct wiring_pin bit;

	(void)state;
	accept_board("chains = ({ name = \"a\"; bits = 16; spi = "
		     "\"/dev/spidev0.0\"; });"
		     "outputs = ({ role = \"rec\"; chain = \"a\"; bit = 0; },"
		     "{ role = \"bar\"; track = 3; chain = \"a\"; bits = "
		     "[1, 7, 15]; steps = [-40, -6, -1]; });");
	wiring_register(&board, 0, pins);
	assert_string_equal(pins[14].what, "rec");
	assert_string_equal(pins[14].name, "QA");
	assert_string_equal(pins[0].what, "bar 3, -40 dB");
	assert_string_equal(pins[6].what, "bar 3, -6 dB");
	assert_string_equal(pins[13].what, "GPIO10");
	assert_string_equal(pins[11].what, "GPIO8");
	assert_string_equal(pins[10].how, "pin 23 of the header");
	bit = wiring_bit(&board, 0, 15);
	assert_string_equal(bit.what, "bar 3, -1 dB");
	assert_string_equal(bit.name, "QH");
	assert_string_equal(bit.colour, "red");
	assert_int_equal(bit.resistor, 1000);
	bit = wiring_bit(&board, 0, 14);
	assert_int_equal(bit.kind, WIRING_FREE);
}

static void lines_of_other_chips_are_listed(void **state)
{
	struct wiring_pin pin;
	unsigned place = 0;

	(void)state;
	accept_board("inputs = ({ role = \"stop\"; line = \"KEY\"; },"
		     "{ role = \"rec\"; line = \"GPIO5\"; });"
		     "outputs = ({ role = \"rec\"; line = \"gpio-sim.0:3\"; "
		     "});");
	assert_true(wiring_other(&board, &place, &pin));
	assert_string_equal(pin.name, "KEY");
	assert_string_equal(pin.what, "stop");
	assert_true(wiring_other(&board, &place, &pin));
	assert_string_equal(pin.name, "gpio-sim.0:3");
	assert_false(wiring_other(&board, &place, &pin));
}

static void a_drawing_is_xml_whatever_the_names_are(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	accept_board("text = \"a<b>&c\";");
	board_draw(&board, out);
	fclose(out);
	assert_non_null(strstr(text, "a&lt;b&gt;&amp;c"));
	assert_null(strstr(text, "<b>"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_header_has_supplies_and_grounds),
		cmocka_unit_test(buttons_and_leds_are_on_their_pins),
		cmocka_unit_test(buses_are_on_their_pins),
		cmocka_unit_test(an_expanders_lines_are_on_its_pins),
		cmocka_unit_test(a_registers_bits_are_on_its_pins),
		cmocka_unit_test(lines_of_other_chips_are_listed),
		cmocka_unit_test(a_drawing_is_xml_whatever_the_names_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
