/* led: what is written to a LED of the kernel's, of which a folder plays the
 * part; and that lamps dims it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "drivers/led.h"
#include "surface/lamps.h"

static char folder[64], told[400];
static unsigned tellings;

static void tell(void *context, const char *text)
{
	(void)context;
	tellings++;
	snprintf(told, sizeof(told), "%s", text ? text : "");
}

static void write_file(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void remove_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
}

/* A number; the kernel takes the one at the beginning. */
static int shown(void)
{
	char path[128], text[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/brightness", folder);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	return atoi(text);
}

static void make_led(const char *max_brightness)
{
	write_file("max_brightness", max_brightness);
	write_file("brightness", "7\n");
	write_file("trigger", "[mmc0] none\n");
}

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/takebox-led-XXXXXX");
	tellings = 0;
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	remove_file("max_brightness");
	remove_file("brightness");
	remove_file("trigger");
	return rmdir(folder);
}

static void percent_become_the_leds_own_steps(void **state)
{
	struct led *led = led_create(folder, tell, NULL);

	(void)state;
	make_led("255\n");
	assert_int_equal(led_connect(led), 0);
	assert_int_equal(shown(), 0);
	led_set(led, 100);
	assert_int_equal(shown(), 255);
	led_set(led, 25);
	assert_int_equal(shown(), 64);
	led_set(led, 400);
	assert_int_equal(shown(), 255);
	led_destroy(led);
	assert_int_equal(shown(), 0);
	assert_int_equal(tellings, 0);
}

static void one_that_has_no_steps_is_lit_when_it_should_be_dim(void **state)
{
	struct led *led = led_create(folder, tell, NULL);

	(void)state;
	make_led("1\n");
	assert_int_equal(led_connect(led), 0);
	led_set(led, 25);
	assert_int_equal(shown(), 1);
	led_set(led, 0);
	assert_int_equal(shown(), 0);
	led_destroy(led);
}

static void it_is_taken_from_what_the_kernel_shows(void **state)
{
	struct led *led = led_create(folder, tell, NULL);
	char path[128], text[8] = "";
	int fd;

	(void)state;
	make_led("255\n");
	assert_int_equal(led_connect(led), 0);
	snprintf(path, sizeof(path), "%s/trigger", folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, text, 4), 4);
	close(fd);
	assert_string_equal(text, "none");
	led_destroy(led);
}

static void nothing_is_written_while_it_stays_what_it_is(void **state)
{
	struct led *led = led_create(folder, tell, NULL);
	uint64_t calls;

	(void)state;
	make_led("255\n");
	led_set(led, 50);
	assert_int_equal(led_connect(led), 0);
	assert_int_equal(shown(), 128);
	calls = led_calls(led);
	for (unsigned i = 0; i < 100; i++) {
		led_set(led, 50);
		assert_int_equal(led_connect(led), 0);
	}
	assert_int_equal(led_calls(led), calls);
	led_set(led, 51);
	assert_int_equal(led_calls(led), calls + 1);
	led_destroy(led);
}

static void one_that_is_not_there_is_told_once_and_shown_when_it_comes(
	void **state)
{
	struct led *led = led_create(folder, tell, NULL);

	(void)state;
	led_set(led, 100);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(led_connect(led), -ENOENT);
	assert_int_equal(tellings, 1);
	assert_non_null(strstr(told, "there is no LED /tmp/takebox-led-"));
	make_led("10\n");
	assert_int_equal(led_connect(led), 0);
	assert_int_equal(tellings, 2);
	assert_string_equal(told, "");
	assert_int_equal(shown(), 10);
	led_destroy(led);
}

static void a_name_is_one_of_the_class(void **state)
{
	struct led *led = led_create("takebox:no-such", tell, NULL);

	(void)state;
	assert_int_equal(led_connect(led), -ENOENT);
	assert_string_equal(told, "there is no LED /sys/class/leds/"
				  "takebox:no-such; it is taken when it is "
				  "there");
	led_destroy(led);
}

static void a_folder_that_is_no_led_is_refused(void **state)
{
	struct led *led = led_create(folder, tell, NULL);

	(void)state;
	make_led("many\n");
	assert_int_equal(led_connect(led), -EINVAL);
	assert_int_equal(shown(), 7);
	assert_non_null(strstr(told, "cannot be lit"));
	led_destroy(led);
}

static void one_that_may_not_be_written_says_what_to_do(void **state)
{
	struct led *led = led_create(folder, tell, NULL);
	uid_t user = geteuid();
	char path[128];

	(void)state;
	make_led("255\n");
	snprintf(path, sizeof(path), "%s/brightness", folder);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(chmod(path, 0444), 0);
	/* Root may write to all. */
	assert_int_equal(user ? 0 : seteuid(65534), 0);
	assert_int_equal(led_connect(led), -EACCES);
	assert_int_equal(seteuid(user), 0);
	assert_non_null(strstr(told, "the recorder may not write there; "
				     "takeboxd(8)"));
	led_destroy(led);
}

static void note_place(void *context, unsigned place, const char *text)
{
	(void)text;
	*(unsigned *)context = place;
}

static void lamps_dim_what_can_be_dimmed(void **state)
{
	static struct board board;
	unsigned place = 0;
	struct lamps *lamps;
	uint8_t level = LAMP_FULL;

	(void)state;
	board.outputs = 1;
	board.output[0] = (struct board_output){.role = BOARD_LAMP_SIGNAL,
						.track = 1,
						.chain = BOARD_ON_LED,
						.brightness = 40};
	strcpy(board.output[0].wire.line, folder);
	lamps = lamps_create(&board, note_place, &place);
	assert_int_equal(lamps_connect(lamps), 1);
	assert_in_range(place, GPIO_WIRES_MAX + BOARD_CHAINS_MAX,
			LAMPS_PLACES - 1);
	make_led("100\n");
	assert_int_equal(lamps_connect(lamps), 0);
	lamps_show(lamps, &level);
	assert_int_equal(shown(), 40);
	level = LAMP_DIM;
	lamps_show(lamps, &level);
	assert_int_equal(shown(), 10);
	level = LAMP_OFF;
	lamps_show(lamps, &level);
	assert_int_equal(shown(), 0);
	lamps_destroy(lamps);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(percent_become_the_leds_own_steps),
		TEST(one_that_has_no_steps_is_lit_when_it_should_be_dim),
		TEST(it_is_taken_from_what_the_kernel_shows),
		TEST(nothing_is_written_while_it_stays_what_it_is),
		TEST(one_that_is_not_there_is_told_once_and_shown_when_it_comes),
		TEST(a_name_is_one_of_the_class),
		TEST(a_folder_that_is_no_led_is_refused),
		TEST(one_that_may_not_be_written_says_what_to_do),
		TEST(lamps_dim_what_can_be_dimmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
